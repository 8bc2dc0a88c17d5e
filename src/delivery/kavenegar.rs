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
            200 => return answer.taken("/entries/0/messageid"),
            411 => (Outcome::BadRecipient, "it refuses the number"),
            401 => (Outcome::Misconfigured, "the account is disabled"),
            403 => (Outcome::Misconfigured, "the key is refused"),
            407 | 416 => (Outcome::Misconfigured, "this server's address may not use the key"),
            412 | 427 => (Outcome::Misconfigured, "the line may not be used"),
            424 => (Outcome::Misconfigured, "there is no such template, or it is not approved"),
            426 => (Outcome::Misconfigured, "the plan does not include this"),
            432 => (Outcome::Misconfigured, "the template has no %token"),
            501 => (Outcome::Misconfigured, "a test account sends to its owner only"),
            418 => (Outcome::Next, "there is no credit"),
            409 | 451 | 500 | 502 | 503 => (Outcome::Retry, "it is busy"),
            504..600 => return answer.by_status(),
            _ => (Outcome::Next, "it refuses the request"),
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
