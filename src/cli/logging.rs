//! The log: one line per event on stderr.

use std::io::Write;
use std::panic::{self, PanicHookInfo};

use env_logger::Builder;
use log::{Level, LevelFilter};

use crate::cli::output::now;

/// Starts the log at `level`. `RUST_LOG` overrides the level, but cannot enable messages that may contain secrets.
/// Returns a warning for each part of `RUST_LOG` that is ignored.
pub(super) fn start(level: LevelFilter) -> Vec<String> {
    let mut builder = Builder::new();
    builder.filter_level(level);
    let (filters, warnings) = accepted(&std::env::var("RUST_LOG").unwrap_or_default());
    builder.parse_filters(&filters);
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
    warnings
}

/// Returns the accepted parts of `RUST_LOG`, and a warning for each of the others. env_logger takes every word for the
/// name of a module.
fn accepted(filters: &str) -> (String, Vec<String>) {
    let (levels, pattern) = filters.find('/').map_or((filters, ""), |at| filters.split_at(at));
    let parts = levels.split(',').map(str::trim).filter(|part| !part.is_empty());
    let (accepted, refused): (Vec<&str>, Vec<&str>) = parts.partition(|part| is_filter(part));
    let warning = |part: &str| {
        let word = part.split_once('=').map_or(part, |(_, level)| level.trim());
        format!(
            "RUST_LOG: {word:?} is not a log level; expected off, error, warn, info, debug or trace, or a module with \
             a level such as otpd=debug"
        )
    };
    (accepted.join(",") + pattern, refused.into_iter().map(warning).collect())
}

/// Whether a part of `RUST_LOG` is a level, a module of otpd, or a module with a level. `otpd=` is `otpd=trace`.
fn is_filter(part: &str) -> bool {
    let is_level = |level: &str| level.parse::<LevelFilter>().is_ok();
    match part.split_once('=') {
        Some((_, level)) => level.trim().is_empty() || is_level(level.trim()),
        None => is_level(part) || part.split("::").next() == Some("otpd"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_levels_and_modules_with_levels_are_accepted() {
        for filters in
            ["", "trace", "INFO", "otpd", "otpd::http", "otpd=debug", "trace,mio::poll=off", "otpd=", "warn/x"]
        {
            assert_eq!(accepted(filters), (filters.to_owned(), Vec::new()));
        }
        for (filters, kept, words) in [
            ("verbose", "", &["verbose"][..]),
            ("debug, loud", "debug", &["loud"]),
            ("otpd=loud,hyper", "", &["loud", "hyper"]),
            ("otpd=info=debug", "", &["info=debug"]),
            ("verbose/x", "/x", &["verbose"]),
        ] {
            let (accepted, warnings) = accepted(filters);
            assert_eq!(accepted, kept);
            let refused = words.iter().map(|word| format!("RUST_LOG: {word:?} is not a log level; expected off, "));
            assert_eq!(warnings.len(), words.len());
            assert!(warnings.iter().zip(refused).all(|(warning, start)| warning.starts_with(&start)), "{warnings:?}");
        }
    }
}
