//! The real binary when the disk, the power, the clock or the clients fail. A library loaded with `LD_PRELOAD` replaces
//! system calls, or `strace` records them. A ledger outside of the process records the acknowledged changes.
//!
//! `cargo test` leaves this out, because it needs `strace` and a C compiler called `cc`: `cargo test --test fault_injection`. The
//! long form, with the other faults: `FAULTS=long cargo test --release --test faults --test fault_injection -- --nocapture`.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking and tells how")]

#[expect(dead_code, reason = "the other tests use the rest")]
#[path = "../program/bounded.rs"]
mod bounded;
#[expect(dead_code, reason = "the other tests use the rest")]
#[path = "../faults/client.rs"]
mod client;
mod clock;
mod control;
mod disk;
#[path = "../program/form.rs"]
mod form;
#[expect(dead_code, reason = "the other tests use the rest")]
#[path = "../faults/ledger.rs"]
mod ledger;
mod power;
#[expect(dead_code, reason = "the other tests use the rest")]
#[path = "../program/mod.rs"]
mod program;
mod slow;
mod sync_order;
#[path = "../faults/trials.rs"]
mod trials;
