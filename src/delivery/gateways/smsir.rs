//! SMS.ir, `send/verify`: panel templates. Sources: IPeCompany/smsir-php, fstarlike/smsir-agent-skill.

use crate::delivery::gateways::prelude::*;

const KEY: HeaderName = HeaderName::from_static("x-api-key");

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let gateway = SmsIr {
        api_key: header_key(table)?,
        templates: PanelTemplates::read_numbered(table, "the templateId")?,
        parameter: parameter(table, "CODE")?,
    };
    Ok((Connection::read(table, name, "https://api.sms.ir")?, gateway).into())
}

#[derive(Clone, Debug)]
pub(super) struct SmsIr {
    api_key: Secret,
    /// The `templateId` values.
    templates: PanelTemplates,
    /// The template parameter for the code.
    parameter: String,
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
        let Some(status) = answer.code("/status") else { return answer.by_status() };
        let (outcome, meaning) = match status {
            // The web server itself answers in this form: {"type", "title", "status": the HTTP status, …}.
            400 if answer.status == 400 => (Outcome::Misconfigured, "the gateway rejected the request"),
            401.. if status == i64::from(answer.status) => return answer.by_status(),
            1 => return answer.accepted("/data/messageId"),
            104 => (Outcome::BadRecipient, "the number was rejected"),
            115 => (Outcome::Next, "the number is on the black list"),
            0 | 20 => (Outcome::Retry, "the gateway is unavailable"),
            102 => (Outcome::Next, "the credit is used up"),
            10 | 11 => (Outcome::Misconfigured, "the key was rejected"),
            12 => (Outcome::Misconfigured, "the address of this server is not allowed to use the key"),
            13 | 14 => (Outcome::Misconfigured, "the account is not active"),
            101 | 123 => (Outcome::Misconfigured, "the account is not allowed to use this line"),
            113 => (Outcome::Misconfigured, "the template does not exist"),
            124 => (Outcome::Misconfigured, "the template is not for codes"),
            16 | 103 | 114 | 116 | 117 | 118 => (Outcome::Misconfigured, "the template parameter was rejected"),
            15 | 119 => (Outcome::Misconfigured, "the plan of the account does not include this service"),
            _ => (Outcome::Next, "the gateway rejected the message"),
        };
        Report::not_sent(outcome, format!("{status}: {meaning}"))
    }

    fn status_batch(&self) -> usize {
        1
    }

    fn status_request(&self, ids: &[String]) -> Option<Call> {
        let path = format!("/v1/send/{}", percent_encoded(ids.first()?));
        Some(Call::get(path).with_key(KEY, &self.api_key))
    }

    fn read_statuses(&self, ids: &[String], answer: &Answer) -> Option<Statuses> {
        answer.body.pointer("/data")?.as_object().filter(|_| answer.number("/status") == Some(1))?;
        let status = match answer.number("/data/deliveryState") {
            Some(1) => DeliveryStatus::Delivered,
            Some(2 | 4 | 6) => DeliveryStatus::Undelivered,
            Some(7) => DeliveryStatus::Blocked,
            _ => DeliveryStatus::Waiting,
        };
        Some(vec![(ids.first()?.clone(), status)])
    }

    fn checks(&self) -> Vec<Check> {
        let call = Call::get("/v1/credit").with_key(KEY, &self.api_key);
        let credit = |answer: &Answer| answer.text("/data").filter(|_| answer.number("/status") == Some(1));
        vec![Check::credit(call, credit, "messages")]
    }

    fn only_by_sending(&self) -> Option<&'static str> {
        Some("its template and parameter")
    }
}
