//! Delivery of messages: each provider against a gateway or a mail server with its protocol, and the real binary, which
//! is killed while it delivers.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking, and reports")]

mod any_gateway;
mod clock;
mod doctor;
mod fake_kavenegar;
mod fake_mail_server;
#[path = "../program/form.rs"]
mod form;
#[path = "../gateway/mod.rs"]
mod gateway;
mod helpers;
mod keep_alive;
mod kill;
mod kill_fallback;
mod mail_session;
mod mail_sessions;
mod many_reports;
mod mime;
#[expect(dead_code, reason = "the other tests use the rest")]
#[path = "../program/mod.rs"]
mod program;
mod protocols;
mod proxy;
mod request_errors;
mod smtp;
mod table;

use std::time::Duration;

use otpd::delivery::Connection;

use crate::helpers::{built, check, message, no_inbox, secret, send};

fn connection(url: &str) -> Connection {
    Connection { name: "gateway".to_owned(), base_url: secret(url), timeout: Duration::from_secs(10), proxy: None }
}
