//! Parsers of single values. They return `None` for values that are not accepted.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use crate::domain::host::ascii_domain;

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

/// Parses scheme, host and port of a website, and nothing else. Returns them as browsers send them in the header
/// `Origin`: in lower case, international names in Punycode, without the default port. An empty text is `None`.
pub(super) fn origin(text: &str) -> Option<Option<String>> {
    if text.is_empty() {
        return Some(None);
    }
    let (scheme, rest) = text.split_once("://")?;
    let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
        "http" => ("http", 80),
        "https" => ("https", 443),
        _ => return None,
    };
    let (name, port) = match rest.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port_number(port)?)),
        _ => (rest, None),
    };
    let port = port.filter(|port| *port != default_port).map_or_else(String::new, |port| format!(":{port}"));
    Some(Some(format!("{scheme}://{}{port}", website_host(name)?)))
}

fn port_number(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port > 0)
}

/// Returns the host of a website: a domain, an IPv4 address, or an IPv6 address in brackets.
fn website_host(text: &str) -> Option<String> {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse().ok().map(|address: Ipv6Addr| format!("[{address}]")),
        None => ascii_domain(text),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_the_form_that_browsers_send() {
        for (text, sent) in [
            ("https://otp.example.com", "https://otp.example.com"),
            ("HTTPS://OTP.Example.com:443", "https://otp.example.com"),
            ("http://otp.example.com:80", "http://otp.example.com"),
            ("http://otp.example.com:443", "http://otp.example.com:443"),
            ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
            ("http://[2001:DB8:0::1]:8080", "http://[2001:db8::1]:8080"),
            ("https://[::1]", "https://[::1]"),
            ("https://مثال.ایران", "https://xn--mgbh0fb.xn--mgba3a4f16a"),
        ] {
            assert_eq!(origin(text), Some(Some(sent.to_owned())), "{text}");
        }
        assert_eq!(origin(""), Some(None));
    }

    #[test]
    fn an_origin_has_nothing_but_scheme_host_and_port() {
        for text in [
            "otp.example.com",
            "ftp://otp.example.com",
            "https://",
            "https://otp.example.com/",
            "https://otp.example.com/console",
            "https://otp.example.com?x",
            "https://otp.example.com#x",
            "https://user@otp.example.com",
            "https://user:secret@otp.example.com",
            "https://otp.example.com:0",
            "https://otp.example.com:65536",
            "https://otp.example.com:+1",
            "https://otp.example.com:",
            "https://::1",
            "https://[otp.example.com]",
            "https://a b",
            " https://otp.example.com",
            "*",
            "null",
        ] {
            assert_eq!(origin(text), None, "{text}");
        }
    }
}
