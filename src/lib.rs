//! otpd: one-time passwords for Iranian mobile numbers and e-mail addresses, as a REST resource over SQLite.

pub mod domain;
pub mod error;
pub mod store;
