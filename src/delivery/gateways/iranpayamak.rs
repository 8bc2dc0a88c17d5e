//! IranPayamak (FarazSMS), `sms/pattern`: panel patterns. Source: docs.iranpayamak.com, as quoted by public drivers.

use reqwest::header::HeaderName;
use serde_json::json;

use crate::delivery::answer::Answer;
use crate::delivery::call::Call;
use crate::delivery::checks::Check;
use crate::delivery::common::{Connection, PanelTemplates, header_key, parameter};
use crate::delivery::gateway::Gateway;
use crate::delivery::read_keys::ReadKeys;
use crate::delivery::settings::ProviderSettings;
use crate::domain::attempt::{Outcome, Report};
use crate::domain::message::Message;
use crate::domain::secret::Secret;
use crate::error::ConfigError;

const KEY: HeaderName = HeaderName::from_static("api-key");

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let gateway = IranPayamak {
        api_key: header_key(table)?,
        sender: table.text("sender")?,
        templates: PanelTemplates::read(table)?,
        parameter: parameter(table, "code")?,
    };
    Ok((Connection::read(table, name, "https://api.iranpayamak.com")?, gateway).into())
}

#[derive(Clone, Debug)]
struct IranPayamak {
    api_key: Secret,
    /// The line.
    sender: String,
    templates: PanelTemplates,
    /// The pattern variable for the code.
    parameter: String,
}

impl Gateway for IranPayamak {
    const TYPE: &'static str = "iranpayamak";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let body = json!({
            "code": self.templates.name_for(message),
            "attributes": { &self.parameter: message.code.value().to_string() },
            "recipient": message.recipient.as_str(),
            "line_number": self.sender,
            "number_format": "english",
            "schedule": null,
        });
        Ok(Call::json("/ws/v1/sms/pattern", &body).with_key(KEY, &self.api_key))
    }

    fn interpret(&self, answer: &Answer) -> Report {
        match answer.text("/status").as_deref() {
            Some("success") if answer.is_success() => Report::sent(answer.text("/data").filter(|id| id != "0")),
            Some("error") if answer.is_success() => {
                Report::not_sent(Outcome::Next, format!("{}: the gateway rejected the message", answer.status))
            }
            _ => answer.by_status(),
        }
    }

    fn checks(&self) -> Vec<Check> {
        let credit = |answer: &Answer| {
            let credit = answer.text("/data/balanceAmount").or_else(|| answer.text("/data/balance_amount"));
            credit.filter(|_| answer.text("/status").as_deref() == Some("success"))
        };
        vec![Check::credit(Call::get("/ws/v1/account/balance").with_key(KEY, &self.api_key), credit, "rials")]
    }

    fn only_by_sending(&self) -> Option<&'static str> {
        Some("its line, pattern and variable")
    }
}
