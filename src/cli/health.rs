//! `otpd health`: one request to `/readyz`, for supervisors that run a command (Docker's `HEALTHCHECK`).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use http::Uri;
use http::uri::Authority;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::cli::output::{CommandResult, now};
use crate::config::{Config, Needs};

/// Timeout of the whole check.
const TIMEOUT: Duration = Duration::from_secs(3);
const MAX_STATUS_LINE_BYTES: u64 = 200;

/// Checks the server at `url`, or the configured server.
///
/// # Errors
/// The URL, and why the server is not known to be ready.
pub(super) async fn run(url: Option<String>, config: Option<&Path>) -> CommandResult {
    let base = match url {
        Some(url) => url,
        None => {
            let config = Config::load(config, std::env::vars_os(), Needs::Only(&["server"]), now())?;
            configured_url(&config.host, config.port)?
        }
    };
    let url = format!("{}/readyz", base.trim_end_matches('/'));
    let checked = check(&url).await.map_err(|cause| format!("{url}: {cause}"));
    Ok(checked?)
}

/// The base URL of the configured server, as reached from this machine.
fn configured_url(host: &str, port: u16) -> Result<String, &'static str> {
    if port == 0 {
        return Err("server.port is 0, so the server listens on an unknown port; give its address with --url");
    }
    let host = match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) if address.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        Ok(IpAddr::V6(address)) if address.is_unspecified() => format!("[{}]", Ipv6Addr::LOCALHOST),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => host.to_owned(),
    };
    Ok(format!("http://{host}:{port}"))
}

async fn check(url: &str) -> Result<(), String> {
    let url: Uri = url.parse().map_err(|cause| format!("is not a URL: {cause}"))?;
    let authority = url.authority().filter(|_| url.scheme_str() == Some("http"));
    let authority = authority.ok_or("is not a URL that starts with http://")?;
    let response = tokio::time::timeout(TIMEOUT, status_line(authority, url.path()))
        .await
        .map_err(|_| format!("the server did not respond within {} seconds", TIMEOUT.as_secs()))?
        .map_err(|cause| format!("the server can't be reached: {cause}; is it running?"))?;
    match response.strip_prefix("HTTP/1.").and_then(|response| response.split_whitespace().nth(1)) {
        Some("200") => Ok(()),
        Some("503") => Err("the server is not ready (status 503); its log contains the reason".to_owned()),
        _ => Err(format!("the response is {response:?}; is this an otpd server?")),
    }
}

/// Sends a GET request and returns the status line of the response. An HTTP client would add 200 KB to the program.
async fn status_line(authority: &Authority, path: &str) -> io::Result<String> {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let mut stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let user_agent = concat!("otpd/", env!("CARGO_PKG_VERSION"));
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {user_agent}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(stream.take(MAX_STATUS_LINE_BYTES)).read_line(&mut line).await?;
    Ok(line.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_derived_from_host_and_port() {
        for (host, url) in [
            ("127.0.0.1", "http://127.0.0.1:8080"),
            ("0.0.0.0", "http://127.0.0.1:8080"),
            ("::", "http://[::1]:8080"),
            ("::1", "http://[::1]:8080"),
            ("::ffff:0.0.0.0", "http://127.0.0.1:8080"),
            ("2001:db8::5", "http://[2001:db8::5]:8080"),
            ("192.0.2.1", "http://192.0.2.1:8080"),
            ("localhost", "http://localhost:8080"),
        ] {
            assert_eq!(configured_url(host, 8080).as_deref(), Ok(url));
        }
        assert!(configured_url("127.0.0.1", 0).is_err());
    }
}
