//! The real binary, as an operator meets it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod accounts;
mod backup;
mod config;
mod first_run;
#[path = "../gateway/mod.rs"]
mod gateway;
mod helpers;
mod listeners;
mod log;
#[path = "../program/mod.rs"]
mod program;
mod providers;
mod sending;
mod start;
mod stop;
