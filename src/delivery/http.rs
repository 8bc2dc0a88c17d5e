//! Generic HTTP gateway. The operator configures the request and the condition for a successful answer.

use regex::Regex;
use reqwest::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use reqwest::{Method, Url};

use crate::delivery::answer::Answer;
use crate::delivery::call::Call;
use crate::delivery::common::{Connection, international, proxy, timeout};
use crate::delivery::escaping::Escaping;
use crate::delivery::gateway::Gateway;
use crate::delivery::read_keys::ReadKeys;
use crate::delivery::settings::ProviderSettings;
use crate::domain::attempt::{Outcome, Report};
use crate::domain::message::Message;
use crate::domain::secret::Secret;
use crate::domain::template::placeholders;
use crate::error::ConfigError;

/// Headers for message framing. Only otpd sets them.
const FRAMING: [HeaderName; 3] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

/// Settings of a provider with `type = "http"`. Path, headers and body may contain the placeholders of
/// `docs/providers.md`, "Any HTTP gateway".
#[derive(Clone, Debug)]
pub struct Http {
    pub method: Method,
    /// Path and query.
    pub path: Secret,
    pub headers: Vec<(HeaderName, Secret)>,
    pub body: Option<Secret>,
    /// JSON pointer (RFC 6901) to the value that shows whether the message was accepted. Without `success_pointer` and
    /// `success_pattern`, every 2xx answer means accepted.
    pub success_pointer: Option<String>,
    /// The value at `success_pointer` if the message was accepted.
    pub success_value: String,
    /// Pattern that the text of an answer matches if the message was accepted.
    pub success_pattern: Option<Regex>,
    /// JSON pointer to the message id of the gateway.
    pub id_pointer: Option<String>,
}

/// Placeholders for the code. At least one of these and one of [`RECIPIENTS`] is required.
const CODES: [&str; 3] = ["code", "text", "html"];
const RECIPIENTS: [&str; 3] = ["recipient", "international", "national"];
const OTHERS: [&str; 4] = ["subject", "purpose", "language", "channel"];

impl Http {
    /// Checks the placeholders.
    ///
    /// # Errors
    /// There is an unknown placeholder, or the placeholder for the code or the recipient is missing.
    fn require_sound(&self) -> Result<(), String> {
        let headers = self.headers.iter().map(|(_, value)| value);
        let texts: Vec<&Secret> = headers.chain([&self.path]).chain(&self.body).collect();
        let names: Vec<&str> = texts.iter().flat_map(|text| placeholders(text.reveal())).collect();
        let known = [&CODES[..], &RECIPIENTS, &OTHERS].concat();
        if let Some(name) = names.iter().find(|name| !known.contains(name)) {
            return Err(format!(
                "the placeholder {{{name}}} is unknown; known placeholders are {{{}}}",
                known.join("}, {")
            ));
        }
        for needed in [&CODES[..], &RECIPIENTS] {
            if !needed.iter().any(|name| names.contains(name)) {
                return Err(format!(
                    "the request must contain the recipient, and the code or the text; url, headers and body contain \
                     none of {{{}}}",
                    needed.join("}, {")
                ));
            }
        }
        Ok(())
    }

    /// Returns the media type of a body without a `Content-Type` header.
    pub fn content_type(body: &str) -> &'static str {
        match body.trim_start().chars().next() {
            Some('{' | '[') => "application/json",
            Some('<') => "application/xml",
            _ => "application/x-www-form-urlencoded",
        }
    }

    /// Splits a URL into its origin, with the domain in ASCII form, and its path and query.
    ///
    /// # Errors
    /// A description of the invalid URL. It does not contain the URL itself.
    pub fn split(url: &str) -> Result<(String, String), String> {
        // Placeholders are allowed in the path and the query, not in the host.
        let parsed = Url::parse(url).map_err(|cause| format!("url: {cause}"))?;
        let origin = parsed.origin().ascii_serialization();
        let behind_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
        let path = behind_scheme.find(['/', '?', '#']).and_then(|at| behind_scheme.get(at..)).unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err("url: put user name and password into an Authorization header".to_owned());
        }
        if parsed.fragment().is_some() {
            return Err("url: the part after # is not sent; write # in a value as %23".to_owned());
        }
        Ok((origin, path))
    }
}

impl Gateway for Http {
    const TYPE: &'static str = "http";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let value = fill(value.reveal(), message, Escaping::Header);
            let value = HeaderValue::from_bytes(value.as_bytes());
            headers.insert(name, value.map_err(|_| format!("the header {name} has an invalid value"))?);
        }
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let escaping = Escaping::of_content_type(content_type);
        let body = self.body.as_ref().map(|body| fill(body.reveal(), message, escaping));
        Ok(Call {
            method: self.method.clone(),
            path: fill(self.path.reveal(), message, Escaping::Percent),
            headers,
            body,
            login: None,
        })
    }

    fn only_by_sending(&self) -> Option<&'static str> {
        None
    }

    fn interpret(&self, answer: &Answer) -> Report {
        let id = self.id_pointer.as_ref().and_then(|pointer| answer.text(pointer));
        let is_accepted = match (&self.success_pattern, &self.success_pointer) {
            _ if !answer.is_success() => return answer.by_status(),
            (Some(_), _) if answer.plain.trim().is_empty() => return answer.by_status(),
            (Some(pattern), _) => pattern.is_match(&answer.plain),
            (None, Some(_)) if answer.body.is_null() => return answer.by_status(),
            (None, Some(pointer)) => answer.text(pointer).as_ref() == Some(&self.success_value),
            (None, None) => true,
        };
        if is_accepted {
            Report::sent(id)
        } else {
            Report::not_sent(Outcome::Next, format!("{}: the gateway rejected the message", answer.status))
        }
    }
}

fn fill(template: &str, message: &Message, escaping: Escaping) -> String {
    let (code, international) = (message.code.value().to_string(), international(message));
    let values = [
        ("{recipient}", message.recipient.as_str()),
        ("{international}", &international),
        ("{national}", international.trim_start_matches('+')),
        ("{code}", &code),
        ("{text}", &message.text.plain),
        ("{subject}", message.text.subject.as_deref().unwrap_or_default()),
        ("{html}", message.text.html.as_deref().unwrap_or_default()),
        ("{purpose}", message.purpose.as_str()),
        ("{language}", message.language.as_str()),
        ("{channel}", message.channel.as_str()),
    ];
    // One pass from left to right, so that placeholders inside values are not replaced.
    let (mut filled, mut rest) = (String::new(), template);
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        filled.push_str(before);
        let known = values.iter().find_map(|(name, value)| Some((from.strip_prefix(name)?, value)));
        let (after, value) = match known {
            Some((after, value)) => (after, escaping.escape(&filled, value)),
            None => (from.get(1..).unwrap_or_default(), "{".to_owned()),
        };
        filled.push_str(&value);
        rest = after;
    }
    filled + rest
}

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let url = table.secret("url")?;
    let (origin, path) =
        Http::split(url.reveal()).map_err(|cause| table.refused("url", &format!("an absolute URL ({cause})")))?;
    let body = table.optional_secret("body")?;
    let success_pointer = pointer(table, "success_pointer")?;
    let success_pattern = pattern(table, success_pointer.is_some())?;
    let success_value = table.optional("success_value")?;
    if success_value.is_some() && success_pointer.is_none() {
        return Err(table.fault("success_value", "is compared with the value at success_pointer, which is not set"));
    }
    let gateway = Http {
        method: table.parsed("method", "GET, POST or PUT", reqwest::Method::POST, |text| {
            ["GET", "POST", "PUT"].contains(&text).then(|| text.parse().ok()).flatten()
        })?,
        path: Secret::new(path),
        headers: headers(table, body.as_ref())?,
        body,
        success_pattern,
        success_pointer,
        success_value: success_value.unwrap_or_else(|| "true".to_owned()),
        id_pointer: pointer(table, "id_pointer")?,
    };
    gateway.require_sound().map_err(|cause| table.fault("url", &format!("is not valid: {cause}")))?;
    let base_url = Secret::new(origin);
    Ok((Connection { name, base_url, timeout: timeout(table)?, proxy: proxy(table)? }, gateway).into())
}

/// Reads the headers. Adds a `Content-Type` for `body` if there is none.
fn headers(table: &dyn ReadKeys, body: Option<&Secret>) -> Result<Vec<(HeaderName, Secret)>, ConfigError> {
    let header = |(name, value): (String, String)| {
        let refused = || table.refused("headers", "a table of HTTP headers");
        let name: HeaderName = name.parse().map_err(|_| refused())?;
        if FRAMING.contains(&name) {
            return Err(table.refused("headers", &format!("headers other than {name}, which otpd sets itself")));
        }
        if value.chars().any(char::is_control) {
            return Err(refused());
        }
        Ok((name, Secret::new(value)))
    };
    let mut headers: Vec<_> =
        table.masked_texts("headers")?.into_iter().map(header).collect::<Result<_, ConfigError>>()?;
    if let (Some(body), None) = (body, headers.iter().find(|(name, _)| *name == CONTENT_TYPE)) {
        headers.push((CONTENT_TYPE, Secret::new(Http::content_type(body.reveal()).to_owned())));
    }
    Ok(headers)
}

fn pointer(table: &dyn ReadKeys, key: &str) -> Result<Option<String>, ConfigError> {
    let accepted = "a JSON pointer such as /status";
    table.parsed(key, accepted, None, |text| text.starts_with('/').then(|| Some(text.to_owned())))
}

/// Reads `success_pattern`, which is an alternative to `success_pointer` and `success_value`.
fn pattern(table: &dyn ReadKeys, has_pointer: bool) -> Result<Option<Regex>, ConfigError> {
    let Some(text) = table.optional("success_pattern")? else { return Ok(None) };
    if has_pointer || table.optional("success_value")?.is_some() {
        return Err(table.fault(
            "success_pattern",
            "is for plain text, success_pointer and success_value are for JSON; use only one of them",
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
