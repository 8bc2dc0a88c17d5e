//! What must hold when the power, the disk, the clock or the clients fail: the real binary under faults made here, and a
//! ledger outside of it that knows what was acknowledged.
//!
//! `cargo test` runs a short form. The long one takes half an hour:
//! `FAULTS=long cargo test --release --test faults -- --nocapture`. A failure prints the seed that repeats it (`SEED=n`).

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking and tells how")]

mod backup;
#[path = "../program/bounded.rs"]
mod bounded;
mod client;
mod clock;
mod control;
mod damage;
mod disk;
mod kill;
mod ledger;
mod lock;
mod model;
mod plain;
mod power;
#[path = "../program/mod.rs"]
mod program;
mod removed;
mod slow;
mod stop;
mod sync_order;
mod trials;
mod wal;
