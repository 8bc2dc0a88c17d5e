//! Kavenegar, `verify/lookup`: panel templates with the code as `%token`, as SMS or call.
//! Sources: kavenegar.com/rest.html, kavenegar/kavenegar-go, kavenegar/kavenegar-python.

use crate::delivery::gateways::prelude::*;

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let gateway = Kavenegar { api_key: table.secret("api_key")?, templates: PanelTemplates::read(table)? };
    Ok((Connection::read(table, name, "https://api.kavenegar.com")?, gateway).into())
}

#[derive(Clone, Debug)]
pub(super) struct Kavenegar {
    api_key: Secret,
    templates: PanelTemplates,
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
            ("type", if message.channel == Channel::Call { "call" } else { "sms" }),
        ];
        Ok(Call::form(self.path("verify/lookup.json"), &fields))
    }

    fn interpret(&self, answer: &Answer) -> Report {
        let Some(status) = answer.code("/return/status") else { return answer.by_status() };
        let (outcome, meaning) = match status {
            200 => return read_accepted(answer),
            411 => (Outcome::BadRecipient, "the number was rejected"),
            401 => (Outcome::Misconfigured, "the account is disabled"),
            403 => (Outcome::Misconfigured, "the key was rejected"),
            407 | 416 | 429 => (Outcome::Misconfigured, "the address of this server is not allowed to use the key"),
            412 | 427 => (Outcome::Misconfigured, "the account is not allowed to use this line"),
            424 => (Outcome::Misconfigured, "the template does not exist or is not approved"),
            426 => (Outcome::Misconfigured, "the plan of the account does not include this service"),
            430 => (Outcome::Misconfigured, "the account is not verified"),
            432 => (Outcome::Misconfigured, "the template does not contain %token"),
            501 => (Outcome::Misconfigured, "a test account can send only to its owner"),
            418 => (Outcome::Next, "the credit is used up"),
            428 => (Outcome::Next, "a call is not possible"),
            409 | 451 | 500 | 502 | 503 => (Outcome::Retry, "the service is unavailable"),
            504..600 => return answer.by_status(),
            _ => (Outcome::Next, "the gateway rejected the request"),
        };
        Report::not_sent(outcome, format!("{status}: {meaning}"))
    }

    fn status_batch(&self) -> usize {
        500
    }

    fn status_request(&self, ids: &[String]) -> Option<Call> {
        Some(Call::get(self.path(&format!("sms/status.json?messageid={}", comma_separated(ids)))))
    }

    fn read_statuses(&self, _ids: &[String], answer: &Answer) -> Option<Statuses> {
        let entries = answer.items("/entries").filter(|_| answer.number("/return/status") == Some(200))?;
        Some(entries.iter().filter_map(|it| Some((it.text("/messageid")?, state(it.number("/status")?)))).collect())
    }

    fn read_callback(&self, fields: &[(String, String)]) -> Option<(String, DeliveryStatus)> {
        let field = |wanted: &str| fields.iter().find_map(|(name, value)| (name == wanted).then_some(value.trim()));
        let id = field("messageid").filter(|id| !id.is_empty())?;
        Some((id.to_owned(), state(field("status")?.parse().ok()?)))
    }

    fn checks(&self) -> Vec<Check> {
        let is_read = |answer: &Answer| answer.number("/return/status") == Some(200);
        let credit = Check::credit(
            Call::get(self.path("account/info.json")),
            |answer| answer.text("/entries/remaincredit").filter(|_| answer.number("/return/status") == Some(200)),
            "rials",
        );
        let debug_mode = Check::new(Call::get(self.path("account/config.json")), move |answer| {
            let mode = answer.text("/entries/debugmode").filter(|_| is_read(answer))?;
            Some(if mode == "enabled" {
                Err("debugmode is enabled: messages are accepted but not sent; disable it in the panel".to_owned())
            } else {
                Ok("debugmode is disabled".to_owned())
            })
        });
        vec![credit, debug_mode]
    }
}

/// Interprets an answer with the status 200. The first entry is the message.
fn read_accepted(answer: &Answer) -> Report {
    let status = answer.number("/entries/0/status");
    let (outcome, meaning) = match status {
        Some(6 | 11) => (Outcome::Next, "the message was not sent"),
        Some(13) => (Outcome::Misconfigured, "the message was cancelled; check debugmode in the panel"),
        Some(14) => (Outcome::Next, "the number has blocked the line"),
        _ => return answer.accepted("/entries/0/messageid"),
    };
    Report::not_sent(outcome, format!("status {}: {meaning}", status.unwrap_or_default()))
}

fn state(status: i64) -> DeliveryStatus {
    match status {
        10 => DeliveryStatus::Delivered,
        6 | 11 | 13 | 100 => DeliveryStatus::Undelivered,
        14 => DeliveryStatus::Blocked,
        _ => DeliveryStatus::Waiting,
    }
}
