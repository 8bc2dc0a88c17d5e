//! MessageWay, `send`: panel templates with the code as their first parameter, as SMS or call (`ivr`).
//! Sources: MessageWay/MessageWayGolang, MessageWay/MessageWayNodeJS; for balance and templates public plugins.

use crate::delivery::gateways::prelude::*;

const KEY: HeaderName = HeaderName::from_static("apikey");

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let templates = PanelTemplates::read_numbered(table, "the templateID")?;
    let gateway = MessageWay { api_key: header_key(table)?, templates };
    Ok((Connection::read(table, name, "https://api.msgway.com")?, gateway).into())
}

#[derive(Clone, Debug)]
pub(super) struct MessageWay {
    api_key: Secret,
    /// The `templateID` values.
    templates: PanelTemplates,
}

impl Gateway for MessageWay {
    const TYPE: &'static str = "messageway";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let body = json!({
            "mobile": message.recipient.as_str(),
            "method": if message.channel == Channel::Call { "ivr" } else { "sms" },
            "templateID": self.templates.number_for(message)?,
            "params": [message.code.value().to_string()],
        });
        Ok(Call::json("/send", &body).with_key(KEY, &self.api_key))
    }

    fn interpret(&self, answer: &Answer) -> Report {
        match answer.text("/status").as_deref() {
            Some("success") if answer.is_success() => Report::sent(answer.text("/referenceID")),
            Some("error") if !matches!(answer.status, 401 | 403 | 407 | 429 | 500..) => {
                let code = answer.code("/error/code").map(|code| format!("{code}: ")).unwrap_or_default();
                Report::not_sent(Outcome::Next, format!("{code}the gateway rejected the message"))
            }
            _ => answer.by_status(),
        }
    }

    fn status_batch(&self) -> usize {
        1
    }

    fn status_request(&self, ids: &[String]) -> Option<Call> {
        Some(Call::json("/status", &json!({ "OTPReferenceID": ids.first()? })).with_key(KEY, &self.api_key))
    }

    fn read_statuses(&self, ids: &[String], answer: &Answer) -> Option<Statuses> {
        let status = match answer.text("/OTPStatus")?.as_str() {
            "sent" | "seen" => DeliveryStatus::Delivered,
            "notDelivered" | "failed" => DeliveryStatus::Undelivered,
            _ => DeliveryStatus::Waiting,
        };
        Some(vec![(ids.first()?.clone(), status)])
    }

    fn checks(&self) -> Vec<Check> {
        let post = |path: &str, body| Call::json(path, &body).with_key(KEY, &self.api_key);
        let template = |name: &str| {
            let body = json!({ "templateID": name.parse::<i64>().unwrap_or_default() });
            Check::exists(post("/template/get", body), format!("the template {name}"))
        };
        let credit = |answer: &Answer| answer.text("/data/balance").or_else(|| answer.text("/balance"));
        let credit = Check::credit(post("/balance/get", json!({})), credit, "rials");
        std::iter::once(credit).chain(self.templates.names().into_iter().map(template)).collect()
    }

    fn only_by_sending(&self) -> Option<&'static str> {
        Some("the parameter of its template")
    }
}
