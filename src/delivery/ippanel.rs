//! IPPanel Edge, also used by Mediana and other resellers: panel patterns.
//! Sources: ippanelcom/Edge-Document, ippanelcom/python-sdk.

use serde_json::{Value, json};

use crate::delivery::answer::Answer;
use crate::delivery::common::{Connection, PanelTemplates, header_key};
use crate::delivery::gateway::{Call, Check, Gateway};
use crate::delivery::read_keys::ReadKeys;
use crate::delivery::settings::ProviderSettings;
use crate::domain::attempt::{Outcome, Report};
use crate::domain::message::Message;
use crate::domain::recipient::MobileNumber;
use crate::domain::secret::Secret;
use crate::error::ConfigError;

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let gateway = Ippanel {
        api_key: header_key(table)?,
        sender: table.text("sender")?,
        templates: PanelTemplates::read(table)?,
        parameter: table.optional("parameter")?.unwrap_or_else(|| "code".to_owned()),
    };
    Ok((Connection::read(table, name, "https://edge.ippanel.com/v1")?, gateway).into())
}

/// `[[delivery.sms]]` with `type = "ippanel"`.
#[derive(Clone, Debug)]
pub struct Ippanel {
    pub api_key: Secret,
    /// The sender line, such as `+983000505`.
    pub sender: String,
    pub templates: PanelTemplates,
    /// The pattern variable for the code. It must be declared as a string in the panel.
    pub parameter: String,
}

impl Gateway for Ippanel {
    const TYPE: &'static str = "ippanel";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let number = message.recipient.mobile_number().map(MobileNumber::international).unwrap_or_default();
        let body = json!({
            "sending_type": "pattern",
            "from_number": self.sender,
            "code": self.templates.name_for(message),
            "recipients": [number],
            "params": { &self.parameter: message.code.value().to_string() },
        });
        Ok(Call::json("/api/send", &body).authorized(&self.api_key))
    }

    fn interpret(&self, answer: &Answer) -> Report {
        let code = answer.text("/meta/message_code").unwrap_or_default();
        let refuses_number = || {
            let errors = answer.body.pointer("/meta/errors").and_then(Value::as_object);
            errors.is_some_and(|errors| errors.keys().any(|field| field.split('.').next() == Some("recipients")))
        };
        let (outcome, meaning) = match (answer.body.pointer("/meta/status").and_then(Value::as_bool), answer.status) {
            (Some(true), 200..300) => return answer.accepted("/data/message_outbox_ids/0"),
            (Some(false), 422) if refuses_number() => (Outcome::BadRecipient, "the number was rejected"),
            (Some(false), 401 | 403) => (Outcome::Misconfigured, "the key was rejected"),
            (Some(false), 404) => (Outcome::Misconfigured, "the pattern does not exist"),
            (Some(false), 422) => (Outcome::Misconfigured, "the line, the pattern or its variable was rejected"),
            (Some(false), 402) => (Outcome::Next, "the credit is used up"),
            (Some(false), 200..300) => (Outcome::Next, "the gateway rejected the message"),
            _ => return answer.by_status(),
        };
        Report::not_sent(outcome, format!("{} {code}: {meaning}", answer.status))
    }

    fn account_check(&self) -> Option<Check> {
        let call = Call::get("/api/payment/credit/mine").authorized(&self.api_key);
        Some(Check { call, credit: |answer| answer.text("/data/credit"), unit: "(currency of the account)" })
    }
}
