//! The log: one line per event on stderr.

use std::io::Write;
use std::panic::{self, PanicHookInfo};

use env_logger::Builder;
use log::{Level, LevelFilter};

use crate::cli::output::now;

/// Starts the log at `level`. `RUST_LOG` overrides the level, but cannot enable messages that may contain secrets.
pub(super) fn start(level: LevelFilter) {
    let mut builder = Builder::new();
    builder.filter_level(level);
    if let Ok(filters) = std::env::var("RUST_LOG") {
        builder.parse_filters(&filters);
    }
    builder
        .format(|line, record| {
            if !is_allowed(record.target(), record.level()) {
                return Ok(());
            }
            let message = record.args().to_string().replace(['\n', '\r'], " ");
            writeln!(line, "{} {:5} {}: {message}", now(), record.level(), record.target())
        })
        .init();
    panic::set_hook(Box::new(|panic| log::error!("panic at {}", place(panic))));
}

/// Whether a message may be logged, whatever the filter. Libraries log warnings and errors only, because their finer
/// levels include header lines, SQL and whole requests. actix_http logs nothing, because it logs each malformed request
/// as an error; the client already gets a response.
fn is_allowed(target: &str, level: Level) -> bool {
    match target.split("::").next() {
        Some("otpd") => true,
        Some("actix_http") => false,
        _ => level <= Level::Warn,
    }
}

/// The location of a panic. Its message is not logged, because it may contain user data.
fn place(panic: &PanicHookInfo<'_>) -> String {
    panic.location().map_or_else(|| "an unknown location".to_owned(), ToString::to_string)
}
