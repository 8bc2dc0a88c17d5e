//! The log: stderr, one line an event.

use std::io::Write;
use std::panic::{self, PanicHookInfo};

use env_logger::Builder;
use log::LevelFilter;

use crate::cli::now;

/// Libraries whose finer levels tell what passes through them: header lines, SQL, whole requests.
const TALKATIVE: [&str; 6] = ["actix_server", "actix_web", "mio", "r2d2", "refinery_core", "rusqlite"];

/// Starts the log at `level`; `RUST_LOG` overrides it, but never opens what could show a secret.
pub(super) fn start(level: LevelFilter) {
    let mut builder = Builder::new();
    builder.filter_level(level);
    if let Ok(filters) = std::env::var("RUST_LOG") {
        builder.parse_filters(&filters);
    }
    for library in TALKATIVE {
        builder.filter_module(library, LevelFilter::Warn.min(level));
    }
    // To actix every malformed request is an error of ours; its sender is told, and nobody need get up for it.
    builder.filter_module("actix_http", LevelFilter::Off);
    builder
        .format(|line, record| {
            let message = record.args().to_string().replace(['\n', '\r'], " ");
            writeln!(line, "{} {:5} {}: {message}", now(), record.level(), record.target())
        })
        .init();
    panic::set_hook(Box::new(|panic| log::error!("panic at {}", place(panic))));
}

/// Where it happened; what it said stays out of the log, for it may hold what the code was working on.
fn place(panic: &PanicHookInfo<'_>) -> String {
    panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string)
}
