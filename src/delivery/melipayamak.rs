//! Melipayamak (Farapayamak, Payamak-Panel): panel templates, sent through the REST service with user name and password
//! or through the console API with a key. Sources: Farapayamak/PHP, Melipayamak/melipayamak-python,
//! parsidev/melipayamak-console.

use serde_json::json;

use crate::delivery::answer::Answer;
use crate::delivery::common::{Connection, PanelTemplates};
use crate::delivery::gateway::{Call, Check, Gateway, percent_encoded};
use crate::delivery::read_keys::ReadKeys;
use crate::delivery::settings::ProviderSettings;
use crate::domain::attempt::{Outcome, Report};
use crate::domain::message::Message;
use crate::domain::secret::Secret;
use crate::error::ConfigError;

/// Minimum number of digits of a message id. Shorter numbers are error codes.
const ID_DIGITS: usize = 15;

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let (base_url, login, templates) = match table.optional_secret("api_key")? {
        Some(api_key) => {
            let templates = PanelTemplates::read_numbered(table, "the bodyId")?;
            ("https://console.melipayamak.com", Login::Console { api_key }, templates)
        }
        None => {
            let username = table.masked("username")?.filter(|text| !text.trim().is_empty());
            let username = username.ok_or_else(|| table.missing("username"))?;
            let login = Login::Rest { username, password: table.secret("password")? };
            ("https://rest.payamak-panel.com", login, PanelTemplates::read(table)?)
        }
    };
    Ok((Connection::read(table, name, base_url)?, Melipayamak { login, templates }).into())
}

/// `[[delivery.sms]]` with `type = "melipayamak"`.
#[derive(Clone, Debug)]
pub struct Melipayamak {
    pub login: Login,
    /// The `bodyId` values.
    pub templates: PanelTemplates,
}

/// The API and its credentials.
#[derive(Clone, Debug)]
pub enum Login {
    Rest { username: String, password: Secret },
    Console { api_key: Secret },
}

impl Gateway for Melipayamak {
    const TYPE: &'static str = "melipayamak";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let (code, body_id) = (message.code.value().to_string(), self.templates.name_for(message));
        let to = message.recipient.as_str();
        Ok(match &self.login {
            Login::Rest { username, password } => Call::form(
                "/api/SendSMS/BaseServiceNumber",
                &[
                    ("username", username),
                    ("password", password.reveal()),
                    ("text", &code),
                    ("to", to),
                    ("bodyId", body_id),
                ],
            ),
            Login::Console { api_key } => {
                let body = json!({ "bodyId": self.templates.number_for(message)?, "to": to, "args": [code] });
                Call::json(format!("/api/send/shared/{}", percent_encoded(api_key.reveal())), &body)
            }
        })
    }

    fn interpret(&self, answer: &Answer) -> Report {
        match self.login {
            Login::Rest { .. } => read_rest(answer),
            Login::Console { .. } => match answer.text("/recId").filter(|id| id != "0") {
                Some(id) if answer.is_success() => Report::sent(Some(id)),
                _ if answer.is_success() && answer.body.pointer("/status").is_some() => {
                    Report::not_sent(Outcome::Next, "the gateway rejected the message")
                }
                _ => answer.by_status(),
            },
        }
    }

    fn account_check(&self) -> Option<Check> {
        let (call, credit): (Call, fn(&Answer) -> Option<String>) = match &self.login {
            Login::Rest { username, password } => (
                Call::form("/api/SendSMS/GetCredit", &[("username", username), ("password", password.reveal())]),
                |answer| answer.text("/Value").filter(|_| answer.number("/RetStatus") == Some(1)),
            ),
            Login::Console { api_key } => {
                (Call::get(format!("/api/receive/credit/{}", percent_encoded(api_key.reveal()))), |answer| {
                    answer.text("/amount")
                })
            }
        };
        Some(Check { call, credit, unit: "messages" })
    }
}

/// Interprets an answer of the REST service. Its HTTP status is always 200. A long number is a message id, a short one
/// an error code.
fn read_rest(answer: &Answer) -> Report {
    let value = answer.text("/Value").unwrap_or_default();
    let is_id = value.len() >= ID_DIGITS && value.bytes().all(|b| b.is_ascii_digit());
    if is_id && answer.number("/RetStatus") == Some(1) {
        return Report::sent(Some(value));
    }
    let Some(code) = value.trim().parse().ok().or_else(|| answer.number("/RetStatus")) else {
        return answer.by_status();
    };
    let (outcome, meaning) = match code {
        18 => (Outcome::BadRecipient, "the number was rejected"),
        35 => (Outcome::BadRecipient, "the number is blocked or invalid"),
        2 => (Outcome::Next, "the credit is used up"),
        3 | 4 | 19 => (Outcome::Next, "the sending limit of the account is reached"),
        -6 | 6 => (Outcome::Retry, "the service is unavailable"),
        0 => (Outcome::Misconfigured, "user name or password is wrong"),
        -5 | -4 | -3 | 16 | 17 => (Outcome::Misconfigured, "the line, the bodyId or its values are invalid"),
        -7 | 5 | 9 => (Outcome::Misconfigured, "the account is not allowed to use this line"),
        -10 | 14 => (Outcome::Misconfigured, "the values contain a link"),
        -1 | 10 | 12 => (Outcome::Misconfigured, "the account is not active or lacks documents"),
        -111..=-108 => (Outcome::Misconfigured, "the address of this server is blocked, or an API key is required"),
        _ => (Outcome::Next, "the gateway rejected the message"),
    };
    Report::not_sent(outcome, format!("{code}: {meaning}"))
}
