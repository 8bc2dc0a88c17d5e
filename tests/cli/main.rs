//! The real binary, as an operator meets it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod backup;
mod config;
mod first_run;
mod helpers;
mod log;
mod start;
mod stop;
