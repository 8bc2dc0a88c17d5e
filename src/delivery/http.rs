//! Any gateway that takes an HTTP request: the operator says what it looks like, and what an answer must hold.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use crate::delivery::gateway::{Answer, Call, Gateway};
use crate::domain::message::Message;
use crate::domain::outbox::{Outcome, Report};
use crate::domain::recipient::MobileNumber;
use crate::domain::secret::Secret;

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

impl Http {
    /// # Errors
    /// What is wrong with the URL.
    pub fn split(url: &str) -> Result<(String, String), String> {
        // Placeholders may stand in the path and the query, never in the host.
        let parsed = Url::parse(url).map_err(|cause| format!("url: {cause}"))?;
        let origin = parsed.origin().ascii_serialization();
        let host_ends = url.find("://").and_then(|at| url.get(at + 3..)?.find('/').map(|slash| at + 3 + slash));
        let path = host_ends.and_then(|at| url.get(at..)).unwrap_or("/").to_owned();
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

    fn check(&self) -> Option<Call> {
        None
    }

    fn read_check(&self, answer: &Answer) -> Result<String, String> {
        Ok(format!("it answers {}", answer.status))
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

fn percent_encoded(text: &str) -> String {
    // A plus means a space only in a query; %20 means one everywhere.
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}
