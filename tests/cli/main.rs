//! Tests of the real binary from the operator's point of view.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod abuse;
mod accounts;
mod audit;
mod backup;
#[path = "../program/bounded.rs"]
mod bounded;
mod config;
mod contradictions;
mod database_url;
mod environment;
mod events;
mod files;
mod first_run;
mod force;
mod foreign_files;
#[path = "../gateway/mod.rs"]
mod gateway;
mod helpers;
mod init;
mod links;
mod listeners;
mod log;
mod missing;
mod moving;
mod needs;
mod outbox_lock;
mod paths;
#[expect(dead_code, reason = "the other tests use the rest")]
#[path = "../program/mod.rs"]
mod program;
mod providers;
mod replaced;
mod restore;
mod restore_files;
mod secrets;
mod sending;
mod signals;
mod sound_files;
mod start;
mod stop;
mod terminal;
mod test_recipients;
mod tokens;
mod tools;
mod upgrade;
mod usage;
