//! otpd: one-time passwords for Iranian mobile numbers and e-mail addresses, as a REST resource over SQLite.
//!
//! # Layout
//!
//! The arrows point one way: `error ← domain, metrics ← store, delivery ← service ← http, cli ← main`. A room uses only
//! what stands left of it. `config` stands between `delivery` and `cli`, which alone reads it and hands plain values inward.
//!
//! - [`error`]: the one error of a request, with its public text and its private cause.
//! - [`domain`]: the rules, as pure code. A value that exists is valid: it was made by `parse`.
//! - [`metrics`]: what is counted; the store and the HTTP side write it, `/metrics` shows it.
//! - [`store`]: SQLite. The only room with SQL, a file a table; `writer.rs` is the one writer.
//! - [`delivery`]: the ways to a recipient, a file a provider; they know nothing of the store.
//! - [`service`]: what a caller may ask for, a function each: the transaction with the rules.
//! - [`http`]: actix. Routes, bodies, and in `http/error.rs` the one table from kinds of error to statuses.
//! - [`config`]: `config/default.toml` < `otp.toml` < the environment.
//! - [`cli`]: the commands.
//!
//! A PATCH walks it from front to back: `http/caller.rs` authenticates the token, `http/otps.rs` asks `domain/user.rs`
//! whether the caller may update codes, and reads the id and the body. `service/otps.rs` hands the writer what is to be
//! done in one transaction: `domain/otp.rs` lays the patch over the stored code, `store/otps.rs` writes it.
//! `store/writer.rs` answers once it is on the disk.
//!
//! A message goes another way: `service/sending.rs` queues it with its code, `service/lane.rs` takes it from there,
//! `domain/outbox.rs` says which provider comes next, and one of `delivery/` hands it over.

pub mod cli;
pub mod config;
pub mod delivery;
pub mod domain;
pub mod error;
pub mod http;
pub mod metrics;
pub mod service;
pub mod store;
