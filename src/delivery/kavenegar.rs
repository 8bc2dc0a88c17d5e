//! Kavenegar, `verify/lookup`: panel templates with the code as `%token`.
//! Sources: kavenegar.com/rest.html, kavenegar/kavenegar-go, kavenegar/kavenegar-python.

use crate::delivery::answer::Answer;
use crate::delivery::common::{Connection, PanelTemplates};
use crate::delivery::gateway::{Call, Check, Gateway, percent_encoded};
use crate::delivery::read_keys::ReadKeys;
use crate::delivery::settings::ProviderSettings;
use crate::domain::attempt::{Outcome, Report};
use crate::domain::message::Message;
use crate::domain::secret::Secret;
use crate::error::ConfigError;

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let gateway = Kavenegar { api_key: table.secret("api_key")?, templates: PanelTemplates::read(table)? };
    Ok((Connection::read(table, name, "https://api.kavenegar.com")?, gateway).into())
}

/// `[[delivery.sms]]` with `type = "kavenegar"`.
#[derive(Clone, Debug)]
pub struct Kavenegar {
    pub api_key: Secret,
    pub templates: PanelTemplates,
}

impl Kavenegar {
    /// Returns the path of a method. It contains the key.
    fn path(&self, rest: &str) -> String {
        format!("/v1/{}/{rest}", percent_encoded(self.api_key.reveal()))
    }
}

impl Gateway for Kavenegar {
    const TYPE: &'static str = "kavenegar";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let code = message.code.value().to_string();
        let fields = [
            ("receptor", message.recipient.as_str()),
            ("template", self.templates.name_for(message)),
            ("token", &code),
            ("type", "sms"),
        ];
        Ok(Call::form(self.path("verify/lookup.json"), &fields))
    }

    fn interpret(&self, answer: &Answer) -> Report {
        let Some(status) = answer.number("/return/status") else { return answer.by_status() };
        let (outcome, meaning) = match status {
            200 => return answer.accepted("/entries/0/messageid"),
            411 => (Outcome::BadRecipient, "the number was rejected"),
            401 => (Outcome::Misconfigured, "the account is disabled"),
            403 => (Outcome::Misconfigured, "the key was rejected"),
            407 | 416 => (Outcome::Misconfigured, "the address of this server is not allowed to use the key"),
            412 | 427 => (Outcome::Misconfigured, "the account is not allowed to use this line"),
            424 => (Outcome::Misconfigured, "the template does not exist or is not approved"),
            426 => (Outcome::Misconfigured, "the plan of the account does not include this service"),
            432 => (Outcome::Misconfigured, "the template does not contain %token"),
            501 => (Outcome::Misconfigured, "a test account can send only to its owner"),
            418 => (Outcome::Next, "the credit is used up"),
            409 | 451 | 500 | 502 | 503 => (Outcome::Retry, "the service is unavailable"),
            504..600 => return answer.by_status(),
            _ => (Outcome::Next, "the gateway rejected the request"),
        };
        Report::not_sent(outcome, format!("{status}: {meaning}"))
    }

    fn account_check(&self) -> Option<Check> {
        Some(Check {
            call: Call::get(self.path("account/info.json")),
            credit: |answer| {
                answer.text("/entries/remaincredit").filter(|_| answer.number("/return/status") == Some(200))
            },
            unit: "rials",
        })
    }
}
