//! Any gateway that takes an HTTP request: the operator says what it looks like, and what an answer must hold.

use regex::Regex;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use crate::delivery::answer::Answer;
use crate::delivery::escaping::Escaping;
use crate::delivery::gateway::{Call, Gateway};
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
    /// Where a JSON answer says whether the message was taken (RFC 6901). Without this and `success_pattern` every 2xx
    /// answer means that it was.
    pub success_pointer: Option<String>,
    /// What stands there then.
    pub success_value: String,
    /// What the text of an answer matches if the message was taken.
    pub success_pattern: Option<Regex>,
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

    /// The media type of a body for which no header names one.
    pub fn content_type(body: &str) -> &'static str {
        match body.trim_start().chars().next() {
            Some('{' | '[') => "application/json",
            Some('<') => "application/xml",
            _ => "application/x-www-form-urlencoded",
        }
    }

    /// Splits a URL into its origin, the domain in its ASCII form, and all that follows the host.
    ///
    /// # Errors
    /// What is wrong with the URL. The URL itself is not in it.
    pub fn split(url: &str) -> Result<(String, String), String> {
        // Placeholders may stand in the path and the query, never in the host.
        let parsed = Url::parse(url).map_err(|cause| format!("url: {cause}"))?;
        let origin = parsed.origin().ascii_serialization();
        let behind_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
        let path = behind_scheme.find(['/', '?', '#']).and_then(|at| behind_scheme.get(at..)).unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err("url: put user and password into an Authorization header".to_owned());
        }
        if parsed.fragment().is_some() {
            return Err("url: what follows a # is not sent; write a # that belongs to a value as %23".to_owned());
        }
        Ok((origin, path))
    }
}

impl Gateway for Http {
    fn request(&self, message: &Message) -> Result<Call, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let value = fill(value.reveal(), message, Escaping::Header);
            let value = HeaderValue::from_bytes(value.as_bytes());
            headers.insert(name, value.map_err(|_| format!("the header {name} can't hold its value"))?);
        }
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let escaping = Escaping::of_content_type(content_type);
        let body = self.body.as_ref().map(|body| fill(body.reveal(), message, escaping));
        Ok(Call {
            method: self.method.clone(),
            path: fill(self.path.reveal(), message, Escaping::Percent),
            headers,
            body,
        })
    }

    fn interpret(&self, answer: &Answer) -> Report {
        let id = self.id_pointer.as_ref().and_then(|pointer| answer.text(pointer));
        let is_taken = match (&self.success_pattern, &self.success_pointer) {
            _ if !answer.is_success() => return answer.by_status(),
            (Some(_), _) if answer.plain.trim().is_empty() => return answer.by_status(),
            (Some(pattern), _) => pattern.is_match(&answer.plain),
            (None, Some(_)) if answer.body.is_null() => return answer.by_status(),
            (None, Some(pointer)) => answer.text(pointer).as_ref() == Some(&self.success_value),
            (None, None) => true,
        };
        if is_taken {
            Report::sent(id)
        } else {
            Report::not_sent(Outcome::Next, format!("{}: it refuses the message", answer.status))
        }
    }
}

fn fill(template: &str, message: &Message, escaping: Escaping) -> String {
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
            Some((after, value)) => (after, escaping.escape(&filled, value)),
            None => (from.get(1..).unwrap_or_default(), "{".to_owned()),
        };
        filled.push_str(&value);
        rest = after;
    }
    filled + rest
}
