//! `type = "http"`: any HTTP gateway, described by the operator.

use regex::Regex;
use reqwest::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, TRANSFER_ENCODING};

use crate::config::error::ConfigError;
use crate::config::providers::{TIMEOUT, proxy};
use crate::config::table::Table;
use crate::delivery::{Connection, Http, ProviderSettings};
use crate::domain::secret::Secret;

/// Headers for message framing. Only otpd sets them.
const FRAMING: [HeaderName; 3] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

pub(super) fn http(table: &Table<'_>, name: String) -> Result<ProviderSettings, ConfigError> {
    let url = table.secret("url")?;
    let (origin, path) =
        Http::split(url.reveal()).map_err(|cause| table.refused("url", &format!("an absolute URL ({cause})")))?;
    let body = table.optional_secret("body")?;
    let success_pointer = pointer(table, "success_pointer")?;
    let gateway = Http {
        method: table.parsed("method", "GET, POST or PUT", reqwest::Method::POST, |text| {
            ["GET", "POST", "PUT"].contains(&text).then(|| text.parse().ok()).flatten()
        })?,
        path: Secret::new(path),
        headers: headers(table, body.as_ref())?,
        body,
        success_pattern: pattern(table, success_pointer.is_some())?,
        success_pointer,
        success_value: table.optional("success_value")?.unwrap_or_else(|| "true".to_owned()),
        id_pointer: pointer(table, "id_pointer")?,
    };
    gateway
        .require_sound()
        .map_err(|cause| table.refused("url", &format!("a request that says what to whom ({cause})")))?;
    let (timeout, proxy) = (table.duration("timeout", TIMEOUT)?, proxy(table)?);
    Ok(ProviderSettings::Http(Connection { name, base_url: Secret::new(origin), timeout, proxy }, gateway))
}

/// Reads the headers. Adds a `Content-Type` for `body` if there is none.
fn headers(table: &Table<'_>, body: Option<&Secret>) -> Result<Vec<(HeaderName, Secret)>, ConfigError> {
    let header = |(name, value): (String, String)| {
        let refused = || table.refused("headers", "a table of HTTP headers");
        let name: HeaderName = name.parse().map_err(|_| refused())?;
        if FRAMING.contains(&name) {
            return Err(table.refused("headers", &format!("no {name}, which otpd sets itself")));
        }
        if value.chars().any(char::is_control) {
            return Err(refused());
        }
        Ok((name, Secret::new(value)))
    };
    let mut headers: Vec<_> = table.texts("headers")?.into_iter().map(header).collect::<Result<_, ConfigError>>()?;
    if let (Some(body), None) = (body, headers.iter().find(|(name, _)| *name == CONTENT_TYPE)) {
        headers.push((CONTENT_TYPE, Secret::new(Http::content_type(body.reveal()).to_owned())));
    }
    Ok(headers)
}

fn pointer(table: &Table<'_>, name: &str) -> Result<Option<String>, ConfigError> {
    let accepted = "a JSON pointer such as /status";
    table.parsed(name, accepted, None, |text| text.starts_with('/').then(|| Some(text.to_owned())))
}

/// Reads `success_pattern`, which is an alternative to `success_pointer` and `success_value`.
fn pattern(table: &Table<'_>, has_pointer: bool) -> Result<Option<Regex>, ConfigError> {
    let Some(text) = table.optional("success_pattern")? else { return Ok(None) };
    if has_pointer || table.optional("success_value")?.is_some() {
        return Err(table.fault(
            "success_pattern",
            "is for plain text, success_pointer and success_value are for JSON; keep one of them",
        ));
    }
    let pattern = Regex::new(&text).map_err(|cause| {
        // The last line of the message is the reason. The others show the position in the pattern.
        let words = cause.to_string();
        let reason = words.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        table.refused("success_pattern", &format!("a regular expression ({reason})"))
    })?;
    if pattern.is_match("") {
        return Err(table.refused("success_pattern", "a regular expression that an empty answer does not match"));
    }
    Ok(Some(pattern))
}
