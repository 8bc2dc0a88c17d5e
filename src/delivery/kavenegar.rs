//! Kavenegar, `verify/lookup`: the text is a template of the panel, of which `%token` is the code.
//! Sources: kavenegar.com/rest.html, kavenegar/kavenegar-go, kavenegar/kavenegar-python.

use crate::delivery::PanelTemplates;
use crate::delivery::gateway::{Answer, Call, Gateway};
use crate::domain::message::Message;
use crate::domain::outbox::{Outcome, Report};
use crate::domain::secret::Secret;

/// `[[delivery.sms]]` with `type = "kavenegar"`.
#[derive(Clone, Debug)]
pub struct Kavenegar {
    pub api_key: Secret,
    pub templates: PanelTemplates,
}

impl Kavenegar {
    pub const BASE_URL: &str = "https://api.kavenegar.com";

    /// The key is a part of the path.
    fn path(&self, rest: &str) -> String {
        let key: String = form_urlencoded::byte_serialize(self.api_key.reveal().as_bytes()).collect();
        format!("/v1/{key}/{rest}")
    }
}

impl Gateway for Kavenegar {
    fn request(&self, message: &Message) -> Result<Call, String> {
        let code = message.code.value().to_string();
        let fields = [
            ("receptor", message.recipient.as_str()),
            ("template", self.templates.of(message)),
            ("token", &code),
            ("type", "sms"),
        ];
        Ok(Call::form(self.path("verify/lookup.json"), &fields))
    }

    fn read(&self, answer: &Answer) -> Report {
        let Some(status) = answer.number("/return/status") else { return answer.by_status() };
        let (outcome, meaning) = match status {
            200 => {
                return match answer.text("/entries/0/messageid") {
                    Some(id) => Report::sent(Some(id)),
                    None => answer.by_status(),
                };
            }
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
            409 | 451 | 500 | 502..600 => (Outcome::Retry, "it is busy"),
            _ => (Outcome::Next, "it refuses the request"),
        };
        Report::not_sent(outcome, format!("{status}: {meaning}"))
    }

    fn check(&self) -> Option<Call> {
        Some(Call::get(self.path("account/info.json")))
    }

    fn read_check(&self, answer: &Answer) -> Result<String, String> {
        match (answer.number("/return/status"), answer.text("/entries/remaincredit")) {
            (Some(200), Some(credit)) => Ok(format!("the key is good; {credit} rials of credit")),
            _ => Err(self.read(answer).error.unwrap_or_else(|| "it tells no credit".to_owned())),
        }
    }
}
