//! SMS.ir, `send/verify`: panel templates. Sources: IPeCompany/smsir-php, fstarlike/smsir-agent-skill.

use reqwest::header::HeaderName;
use serde_json::json;

use crate::delivery::answer::Answer;
use crate::delivery::common::{Connection, PanelTemplates, header_key};
use crate::delivery::gateway::{Call, Check, Gateway};
use crate::delivery::read_keys::ReadKeys;
use crate::delivery::settings::ProviderSettings;
use crate::domain::attempt::{Outcome, Report};
use crate::domain::message::Message;
use crate::domain::secret::Secret;
use crate::error::ConfigError;

const KEY: HeaderName = HeaderName::from_static("x-api-key");

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let gateway = SmsIr {
        api_key: header_key(table)?,
        templates: PanelTemplates::read_numbered(table, "the templateId")?,
        parameter: table.optional("parameter")?.unwrap_or_else(|| "CODE".to_owned()),
    };
    Ok((Connection::read(table, name, "https://api.sms.ir")?, gateway).into())
}

/// `[[delivery.sms]]` with `type = "smsir"`.
#[derive(Clone, Debug)]
pub struct SmsIr {
    pub api_key: Secret,
    /// The `templateId` values.
    pub templates: PanelTemplates,
    /// The template parameter for the code.
    pub parameter: String,
}

impl Gateway for SmsIr {
    const TYPE: &'static str = "smsir";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let template = self.templates.number_for(message)?;
        let body = json!({
            "mobile": message.recipient.as_str(),
            "templateId": template,
            "parameters": [{ "name": self.parameter, "value": message.code.value().to_string() }],
        });
        Ok(Call::json("/v1/send/verify", &body).with_key(KEY, &self.api_key))
    }

    fn interpret(&self, answer: &Answer) -> Report {
        let Some(status) = answer.number("/status") else { return answer.by_status() };
        let (outcome, meaning) = match status {
            1 => return answer.accepted("/data/messageId"),
            104 => (Outcome::BadRecipient, "the number was rejected"),
            115 => (Outcome::BadRecipient, "the number is blocked"),
            0 | 20 => (Outcome::Retry, "the gateway is unavailable"),
            102 => (Outcome::Next, "the credit is used up"),
            10 | 11 => (Outcome::Misconfigured, "the key was rejected"),
            12 => (Outcome::Misconfigured, "the address of this server is not allowed to use the key"),
            13 | 14 => (Outcome::Misconfigured, "the account is not active"),
            101 | 123 => (Outcome::Misconfigured, "the account is not allowed to use this line"),
            113 => (Outcome::Misconfigured, "the template does not exist"),
            114 | 116 | 117 | 118 => (Outcome::Misconfigured, "the template parameter was rejected"),
            119 => (Outcome::Misconfigured, "the plan of the account does not include this service"),
            _ => (Outcome::Next, "the gateway rejected the message"),
        };
        Report::not_sent(outcome, format!("{status}: {meaning}"))
    }

    fn account_check(&self) -> Option<Check> {
        Some(Check {
            call: Call::get("/v1/credit").with_key(KEY, &self.api_key),
            credit: |answer| answer.text("/data").filter(|_| answer.number("/status") == Some(1)),
            unit: "messages",
        })
    }
}
