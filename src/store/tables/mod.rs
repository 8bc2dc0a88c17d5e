//! The tables: one file each, with functions that take a [`Db`](crate::store::Db).
//!
//! Parameters are written `$1`, `$2`. They must first appear in that order, because SQLite treats them as names and
//! numbers them by first appearance.

pub mod acceptance;
mod audit_counts;
pub mod audit_events;
pub mod audit_list;
pub mod audit_pages;
pub mod audit_search;
pub mod code_list;
pub mod delivery_reports;
pub mod event_deliveries;
pub mod hourly_figures;
pub mod idempotency_keys;
pub mod inbox;
pub mod limit_events;
pub mod message_attempts;
pub mod message_list;
mod message_row;
pub mod messages;
pub mod next_channels;
pub mod otp_list;
pub(in crate::store) mod otp_row;
pub mod otps;
pub mod recipients;
pub mod sent_forms;
pub mod sessions;
pub mod sign_in_links;
pub mod tokens;
pub mod users;
