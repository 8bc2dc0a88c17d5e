//! Parsers of single values. They return `None` for values that are not accepted.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

const DAY: u64 = 24 * 60 * 60;

pub(super) fn metrics_address(text: &str) -> Option<Option<SocketAddr>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

/// Parses a host name or IP address without a scheme, login or port.
pub(super) fn host(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_alphanumeric() || ".-_:%".contains(c);
    let is_address = text.parse::<IpAddr>().is_ok() || !text.contains(':');
    non_empty(text).filter(|text| is_address && text.chars().all(allowed))
}

fn non_empty(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// Parses a file path. Refuses `:memory:`, which SQLite does not store in a file, and URLs of database servers, which
/// may contain a password.
pub(super) fn file_path(text: &str) -> Option<String> {
    non_empty(text).filter(|text| !text.starts_with(':') && !text.contains("://"))
}

pub(super) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Parses a duration of at least `least` seconds and at most 366 days (3660 days if `least` is 0).
pub(super) fn duration(text: &str, least: u64) -> Option<Duration> {
    let most = if least == 0 { 3660 * DAY } else { 366 * DAY };
    let range = Duration::from_secs(least)..=Duration::from_secs(most);
    humantime::parse_duration(text).ok().filter(|duration| range.contains(duration))
}
