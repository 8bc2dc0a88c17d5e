//! The console: pages for staff and operators under `/console/`. One file per page, its template beside it.
//!
//! Handlers have the same form as those of the API and call the same services. `routes.rs` lists all pages with the
//! access that they need, and the middleware checks it.

mod account;
mod assets;
mod audit;
mod audit_csv;
mod audit_filter;
mod audit_row;
mod changes;
mod chart;
mod charts;
mod code;
mod code_delete;
mod code_fields;
mod code_form;
mod codes;
mod context;
mod drafts;
mod error_page;
mod flash;
mod form;
mod html;
mod lists;
mod messages;
mod middleware;
mod origin;
mod overview;
mod overview_alarms;
mod preferences;
mod providers;
mod recipient_state;
mod recipients;
pub(in crate::http) mod registration;
pub mod routes;
mod session_rows;
mod shell;
mod sign_in;
mod switches;
#[expect(dead_code, reason = "some labels are not used yet")]
mod texts;
mod timeline;
mod token_form;
mod user;
mod user_new;
mod user_questions;
mod users;

use ipnet::IpNet;

/// The settings of the console.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Networks that may use the console. Empty: all.
    pub allowed_addresses: Vec<IpNet>,
    /// Scheme and host under which browsers reach the console. `None`: those of the request.
    pub origin: Option<String>,
}
