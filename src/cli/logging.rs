//! The log: stderr, one line an event.

use std::io::Write;
use std::panic::{self, PanicHookInfo};

use env_logger::Builder;
use log::{Level, LevelFilter};

use crate::cli::now;

/// Starts the log at `level`; `RUST_LOG` overrides it, but never opens what could show a secret.
pub(super) fn start(level: LevelFilter) {
    let mut builder = Builder::new();
    builder.filter_level(level);
    if let Ok(filters) = std::env::var("RUST_LOG") {
        builder.parse_filters(&filters);
    }
    builder
        .format(|line, record| {
            if !may_speak(record.target(), record.level()) {
                return Ok(());
            }
            let message = record.args().to_string().replace(['\n', '\r'], " ");
            writeln!(line, "{} {:5} {}: {message}", now(), record.level(), record.target())
        })
        .init();
    panic::set_hook(Box::new(|panic| log::error!("panic at {}", place(panic))));
}

/// Whatever a filter says: libraries warn and no more, for their finer levels tell what passes through them, header lines,
/// SQL, whole requests. And actix_http is silent: to it every malformed request is an error of ours; its sender is told,
/// and nobody need get up for it.
fn may_speak(target: &str, level: Level) -> bool {
    match target.split("::").next() {
        Some("otpd") => true,
        Some("actix_http") => false,
        _ => level <= Level::Warn,
    }
}

/// Where it happened; what it said stays out of the log, for it may hold what the code was working on.
fn place(panic: &PanicHookInfo<'_>) -> String {
    panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string)
}
