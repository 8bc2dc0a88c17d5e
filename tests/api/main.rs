//! Tests of the HTTP API: a real server on port 0 with its own database and clock.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod admins;
mod answers;
mod audit;
mod bodies;
mod browser;
mod clients;
mod clock_jumps;
mod console;
mod console_account;
mod console_audit;
mod console_messages;
mod console_overview;
mod console_providers;
mod console_recipients;
mod create;
mod delete;
mod docs;
mod expensive;
mod fields;
mod figures;
mod framing;
mod fuzz;
#[path = "../gateway/mod.rs"]
mod gateway;
mod helpers;
mod hostile;
mod idempotency;
mod late_resends;
mod list;
mod list_filters;
mod list_links;
mod locked;
mod mailboxes;
mod many_codes;
mod metrics;
mod once;
mod outbox;
mod outbox_faults;
mod overview;
mod provider_states;
mod races;
mod raw;
mod retention;
mod retrieve;
mod sending;
mod service;
mod sessions;
mod sign_in;
mod token_details;
mod update;
mod verify_races;
mod verifying;
mod writer;
