//! The answer of a gateway.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::attempt::{Outcome, Report};

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Time of the answer by the clock of the gateway.
    pub(super) date: Option<DateTime<Utc>>,
    /// The JSON body. `Null` if the body is not JSON.
    pub(super) body: Value,
    /// The body as text.
    pub(super) plain: String,
}

impl Answer {
    /// Returns a copy with another status and JSON body, and without the text.
    pub(super) fn with_body(&self, status: u16, body: Value) -> Self {
        Self { status, date: self.date, body, plain: String::new() }
    }

    /// Returns the integer, or the string of digits, at a JSON pointer in the body.
    pub(super) fn number(&self, pointer: &str) -> Option<i64> {
        let value = self.body.pointer(pointer)?;
        value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
    }

    /// Returns the number at a JSON pointer if it can be a status or error code, which reports may show. Longer numbers
    /// can be anything, such as the number of a recipient.
    pub(super) fn code(&self, pointer: &str) -> Option<i64> {
        self.number(pointer).filter(|code| (-9999..=9999).contains(code))
    }

    pub(super) fn flag(&self, pointer: &str) -> Option<bool> {
        self.body.pointer(pointer)?.as_bool()
    }

    /// Returns the array at a JSON pointer, each element as the body of an answer.
    pub(super) fn items(&self, pointer: &str) -> Option<Vec<Self>> {
        let items = self.body.pointer(pointer)?.as_array()?;
        Some(items.iter().map(|item| self.with_body(self.status, item.clone())).collect())
    }

    /// Returns a copy with field names in lower case. Some gateways change the case of the names.
    pub(super) fn in_lower_case(&self) -> Self {
        self.with_body(self.status, in_lower_case(&self.body))
    }

    /// Returns the string, or the number or boolean as text, at a JSON pointer in the body.
    pub(super) fn text(&self, pointer: &str) -> Option<String> {
        match self.body.pointer(pointer)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        }
    }

    /// Returns the report of an accepted message if the body has a message id at `id_pointer`, else
    /// [`Self::by_status`].
    pub(super) fn accepted(&self, id_pointer: &str) -> Report {
        self.text(id_pointer).map_or_else(|| self.by_status(), |id| Report::sent(Some(id)))
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns the report for the HTTP status, for answers whose body has no usable information.
    pub(super) fn by_status(&self) -> Report {
        let status = self.status;
        match status {
            200..300 => Report::not_sent(Outcome::Unknown, format!("{status}: unreadable response")),
            407 => Report::not_sent(Outcome::Misconfigured, format!("{status}: the proxy rejected the credentials")),
            401 | 403 => Report::not_sent(Outcome::Misconfigured, format!("{status}: the key was rejected")),
            504 | 524 => Report::not_sent(Outcome::Unknown, format!("{status}: the gateway's upstream timed out")),
            408 | 425 | 429 | 500..600 => {
                Report::not_sent(Outcome::Retry, format!("{status}: the gateway is unavailable"))
            }
            _ => Report::not_sent(Outcome::Next, format!("{status}: the gateway rejected the request")),
        }
    }
}

/// Returns a copy of `value` with field names in lower case.
fn in_lower_case(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), in_lower_case(value))).collect()
        }
        Value::Array(items) => items.iter().map(in_lower_case).collect(),
        other => other.clone(),
    }
}
