//! Interoperability with independent programs: the mail server aiosmtpd, the library standardwebhooks, and curl in a shell.
//!
//! `cargo test` leaves this out, because it needs curl, openssl and Python: `cargo test --test peers`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod first_run;
#[path = "../gateway/mod.rs"]
mod gateway;
#[path = "../delivery/helpers.rs"]
mod helpers;
#[expect(dead_code, reason = "the other tests use the rest")]
#[path = "../program/mod.rs"]
mod program;
mod python;
mod smtp;
mod webhooks;
