//! Ghasedak, `SendOtpSMS`: panel templates. Answers repeat the text of the message, so only numbers from them are
//! stored. Sources: ghasedakapi/ghasedaksms-php, negar8223/ghasedak-doc.

use reqwest::header::HeaderName;
use serde_json::{Value, json};

use crate::delivery::answer::Answer;
use crate::delivery::common::{Connection, PanelTemplates, header_key};
use crate::delivery::gateway::{Call, Gateway};
use crate::delivery::read_keys::ReadKeys;
use crate::delivery::settings::ProviderSettings;
use crate::domain::attempt::{Outcome, Report};
use crate::domain::message::Message;
use crate::domain::secret::Secret;
use crate::error::ConfigError;

const KEY: HeaderName = HeaderName::from_static("apikey");

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let gateway = Ghasedak {
        api_key: header_key(table)?,
        templates: PanelTemplates::read(table)?,
        parameter: table.optional("parameter")?.unwrap_or_else(|| "Code".to_owned()),
    };
    Ok((Connection::read(table, name, "https://gateway.ghasedak.me")?, gateway).into())
}

/// `[[delivery.sms]]` with `type = "ghasedak"`.
#[derive(Clone, Debug)]
pub struct Ghasedak {
    pub api_key: Secret,
    pub templates: PanelTemplates,
    /// The template parameter for the code.
    pub parameter: String,
}

impl Gateway for Ghasedak {
    const TYPE: &'static str = "ghasedak";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let body = json!({
            "receptors": [{ "mobile": message.recipient.as_str() }],
            "templateName": self.templates.name_for(message),
            "inputs": [{ "param": self.parameter, "value": message.code.value().to_string() }],
            "udh": false,
            "isVoice": false,
        });
        Ok(Call::json("/rest/api/v1/WebService/SendOtpSMS", &body).with_key(KEY, &self.api_key))
    }

    fn interpret(&self, answer: &Answer) -> Report {
        // The case of field names varies, and the HTTP status of a rejected message may be 200.
        let answer = answer.with_body(answer.status, in_lower_case(&answer.body));
        let is_success = answer.body.pointer("/issuccess").and_then(Value::as_bool);
        let status =
            answer.number("/statuscode").and_then(|status| u16::try_from(status).ok()).unwrap_or(answer.status);
        match (is_success, answer.text("/data/items/0/messageid")) {
            (Some(true), Some(id)) => Report::sent(Some(id)),
            (Some(false), _) if (200..300).contains(&status) => {
                Report::not_sent(Outcome::Next, format!("{status}: the gateway rejected the message"))
            }
            (Some(false), _) => answer.with_body(status, Value::Null).by_status(),
            _ => answer.by_status(),
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
