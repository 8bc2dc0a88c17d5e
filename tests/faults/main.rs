//! The real binary when it is killed, stopped or overloaded, or when its files are damaged. A ledger outside of the
//! process records the acknowledged changes. `tests/fault_injection` adds faults of the disk, the power, the clock and
//! the clients.
//!
//! `cargo test` runs a short form. The long one takes half an hour: `FAULTS=long cargo test --release --test faults
//! --test fault_injection -- --nocapture`. Each test prints its seed; `SEED=n` repeats it.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking and tells how")]

mod backup;
#[path = "../program/bounded.rs"]
mod bounded;
mod client;
mod console;
mod damage;
#[path = "../program/form.rs"]
mod form;
mod kill;
mod ledger;
mod lock;
mod model;
mod plain;
#[expect(dead_code, reason = "the other tests use the rest")]
#[path = "../program/mod.rs"]
mod program;
mod removed;
mod stop;
mod trials;
mod two_servers;
mod wal;
