//! otpd: one-time passwords for Iranian mobile numbers and e-mail addresses, as a REST resource over SQLite or PostgreSQL.
//!
//! # Layout
//!
//! Dependencies point one way: `error ← domain, metrics ← store, delivery ← service ← http, cli ← main`. A module uses
//! only the modules to its left. `config` sits between `delivery` and `cli`; only `cli` reads it and passes plain
//! values to the other modules.
//!
//! - [`error`]: the error type of all requests, with a public text and a private cause.
//! - [`domain`]: the rules, as pure code. Types are built by `parse`, so every value is valid.
//! - [`metrics`]: the counters. The store and the HTTP layer update them; `/metrics` exports them.
//! - [`store`]: the only module with SQL. `tables/` has one file per table; `sqlite/` and `postgres/` are the engines.
//! - [`delivery`]: the providers, one file each. They do not depend on the store.
//! - [`service`]: the operations that a caller can request, one function each. Each applies the rules in a transaction.
//! - [`http`]: actix routes and bodies. `http/error.rs` maps error kinds to HTTP statuses.
//! - [`config`]: the settings. `config/default.toml` is overridden by `otp.toml`, and that by the environment.
//! - [`cli`]: the commands.
//!
//! # The path of a PATCH
//!
//! 1. `http/caller.rs` authenticates the token.
//! 2. `http/otps.rs` checks the caller's permission with `domain/user.rs` and reads the id and the body.
//! 3. `service/otps.rs` submits one transaction to the writer: `domain/otp.rs` applies the patch to the stored code,
//!    and `store/tables/otps.rs` writes the result.
//! 4. `store/sqlite/writer.rs`, or `store/postgres/transaction.rs` for PostgreSQL, replies once the transaction is
//!    committed.
//!
//! # The path of a message
//!
//! 1. `service/sending.rs` queues the message together with its code.
//! 2. `service/channel_worker.rs` takes it from the outbox.
//! 3. `domain/outbox.rs` chooses the next provider.
//! 4. A provider in `delivery/` sends it.
//!
//! # The path of an event
//!
//! 1. `service/events.rs` stores the event for each endpoint, in the transaction of the change that it reports.
//! 2. `service/event_worker.rs` takes it from the outbox of the endpoint.
//! 3. `delivery/endpoint.rs` sends it, signed by `domain/webhook/signature.rs`.

pub mod cli;
pub mod config;
pub mod delivery;
pub mod domain;
pub mod error;
pub mod http;
pub mod metrics;
pub mod service;
pub mod store;
