//! Any gateway that takes an HTTP request: the operator says what it looks like, and what an answer must hold.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use crate::delivery::answer::Answer;
use crate::delivery::gateway::{Call, Gateway, percent_encoded};
use crate::domain::message::Message;
use crate::domain::outbox::{Outcome, Report};
use crate::domain::recipient::MobileNumber;
use crate::domain::secret::Secret;
use crate::domain::template::placeholders;

/// `type = "http"`. In path, headers and body `{recipient}`, `{international}` (the number as `+98…`), `{code}`, `{text}`,
/// `{subject}` and `{html}` (of an e-mail), `{purpose}` and `{language}` stand for what they name.
#[derive(Clone, Debug)]
pub struct Http {
    pub method: Method,
    /// What follows the host, query and all.
    pub path: Secret,
    pub headers: Vec<(HeaderName, Secret)>,
    pub body: Option<Secret>,
    /// Where in a JSON answer stands whether the message was taken (RFC 6901); `None`: any 2xx says so.
    pub success_pointer: Option<String>,
    /// What stands there then.
    pub success_value: String,
    /// Where in a JSON answer the gateway's number of the message stands.
    pub id_pointer: Option<String>,
}

/// Where a placeholder may not be missing: a message without a code, or to nobody, is of no use.
const CODES: [&str; 3] = ["code", "text", "html"];
const RECIPIENTS: [&str; 2] = ["recipient", "international"];
const OTHERS: [&str; 3] = ["subject", "purpose", "language"];

impl Http {
    /// # Errors
    /// A placeholder that there is not, or that nothing is sent, or to nobody.
    pub fn require_sound(&self) -> Result<(), String> {
        let headers = self.headers.iter().map(|(_, value)| value);
        let texts: Vec<&Secret> = headers.chain([&self.path]).chain(&self.body).collect();
        let names: Vec<&str> = texts.iter().flat_map(|text| placeholders(text.reveal())).collect();
        let known = [&CODES[..], &RECIPIENTS, &OTHERS].concat();
        if let Some(name) = names.iter().find(|name| !known.contains(name)) {
            return Err(format!("{{{name}}} stands for nothing; there are {{{}}}", known.join("}, {")));
        }
        for needed in [&CODES[..], &RECIPIENTS] {
            if !needed.iter().any(|name| names.contains(name)) {
                return Err(format!("url, headers and body hold none of {{{}}}", needed.join("}, {")));
            }
        }
        Ok(())
    }

    /// What a body is where no header says it.
    pub fn content_type(body: &str) -> &'static str {
        if body.trim_start().starts_with(['{', '[']) { "application/json" } else { "application/x-www-form-urlencoded" }
    }

    /// # Errors
    /// What is wrong with the URL.
    pub fn split(url: &str) -> Result<(String, String), String> {
        // Placeholders may stand in the path and the query, never in the host.
        let parsed = Url::parse(url).map_err(|cause| format!("url: {cause}"))?;
        let origin = parsed.origin().ascii_serialization();
        let behind_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
        let path = behind_scheme.find(['/', '?', '#']).and_then(|at| behind_scheme.get(at..)).unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        if parsed.username().is_empty() && parsed.password().is_none() {
            Ok((origin, path))
        } else {
            Err("url: put user and password into an Authorization header".to_owned())
        }
    }
}

impl Gateway for Http {
    fn request(&self, message: &Message) -> Result<Call, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let value = fill(value.reveal(), message, |text| text.to_owned());
            let value = HeaderValue::from_str(&value).map_err(|_| format!("the header {name} can't hold its value"))?;
            headers.insert(name, value);
        }
        let encode: fn(&str) -> String = match headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) {
            Some(form) if form.starts_with(b"application/x-www-form-urlencoded") => percent_encoded,
            Some(json) if json.starts_with(b"application/json") => json_escaped,
            _ => |text| text.to_owned(),
        };
        let body = self.body.as_ref().map(|body| fill(body.reveal(), message, encode));
        Ok(Call {
            method: self.method.clone(),
            path: fill(self.path.reveal(), message, percent_encoded),
            headers,
            body,
        })
    }

    fn read(&self, answer: &Answer) -> Report {
        let id = self.id_pointer.as_ref().and_then(|pointer| answer.text(pointer));
        match &self.success_pointer {
            _ if !answer.is_success() => answer.by_status(),
            None => Report::sent(id),
            Some(_) if answer.body.is_null() => answer.by_status(),
            Some(pointer) if answer.text(pointer).as_ref() == Some(&self.success_value) => Report::sent(id),
            Some(_) => Report::not_sent(Outcome::Next, format!("{}: it refuses the message", answer.status)),
        }
    }
}

fn fill(template: &str, message: &Message, encode: fn(&str) -> String) -> String {
    let code = message.code.value().to_string();
    let international = message.recipient.mobile_number().map(MobileNumber::international).unwrap_or_default();
    let values = [
        ("{recipient}", message.recipient.as_str()),
        ("{international}", &international),
        ("{code}", &code),
        ("{text}", &message.text.plain),
        ("{subject}", message.text.subject.as_deref().unwrap_or_default()),
        ("{html}", message.text.html.as_deref().unwrap_or_default()),
        ("{purpose}", message.purpose.as_str()),
        ("{language}", message.language.as_str()),
    ];
    // From left to right, so that nothing inside a value is taken for a placeholder.
    let (mut filled, mut rest) = (String::new(), template);
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        filled.push_str(before);
        let known = values.iter().find_map(|(name, value)| Some((from.strip_prefix(name)?, value)));
        let (after, value) = match known {
            Some((after, value)) => (after, encode(value)),
            None => (from.get(1..).unwrap_or_default(), "{".to_owned()),
        };
        filled.push_str(&value);
        rest = after;
    }
    filled + rest
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}
