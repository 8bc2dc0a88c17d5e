//! Mediana, `send/pattern`: panel patterns. The case of field names varies.
//! Source: api.mediana.ir, as quoted by public drivers.

use crate::delivery::gateways::prelude::*;

const KEY: HeaderName = HeaderName::from_static("x-api-key");

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let (api_key, templates) = (header_key(table)?, PanelTemplates::read(table)?);
    let gateway = Mediana { api_key, templates, parameter: parameter(table, "code")? };
    Ok((Connection::read(table, name, "https://api.mediana.ir")?, gateway).into())
}

#[derive(Clone, Debug)]
pub(super) struct Mediana {
    api_key: Secret,
    templates: PanelTemplates,
    /// The pattern parameter for the code.
    parameter: String,
}

impl Gateway for Mediana {
    const TYPE: &'static str = "mediana";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let body = json!({
            "recipients": [message.recipient.as_str()],
            "patternCode": self.templates.name_for(message),
            "parameters": { &self.parameter: message.code.value().to_string() },
            "type": "Informational",
        });
        Ok(Call::json("/sms/v1/send/pattern", &body).with_key(KEY, &self.api_key))
    }

    fn interpret(&self, answer: &Answer) -> Report {
        let answer = answer.in_lower_case();
        if answer.is_success() && answer.flag("/data/succeed") == Some(true) {
            return Report::sent(answer.text("/data/requestid"));
        }
        let Some(code) = answer.code("/meta/code").or_else(|| answer.code("/meta/errors/0/errorcode")) else {
            return match answer.flag("/data/succeed") {
                Some(false) if answer.is_success() => {
                    Report::not_sent(Outcome::Next, format!("{}: the gateway rejected the message", answer.status))
                }
                _ => answer.by_status(),
            };
        };
        let (outcome, meaning) = match code {
            1041 | 1093 => (Outcome::BadRecipient, "the number was rejected"),
            1047 => (Outcome::Next, "the number is on the black list"),
            1042 => (Outcome::Next, "the credit is used up"),
            1021 => (Outcome::Retry, "the gateway is unavailable"),
            1032..=1035 => (Outcome::Misconfigured, "the plan of the account does not include this service"),
            1046 => (Outcome::Misconfigured, "the pattern parameter was rejected"),
            1061 | 1062 | 1101 | 1102 => (Outcome::Misconfigured, "the account has no usable line"),
            1071..=1074 | 1076 => (Outcome::Misconfigured, "the pattern was rejected"),
            1081..=1084 => (Outcome::Misconfigured, "the account is not verified"),
            _ => (Outcome::Next, "the gateway rejected the message"),
        };
        Report::not_sent(outcome, format!("{code}: {meaning}"))
    }

    fn status_batch(&self) -> usize {
        1
    }

    fn status_request(&self, ids: &[String]) -> Option<Call> {
        let path = format!("/sms/v1/send-requests/status/{}", percent_encoded(ids.first()?));
        Some(Call::get(path).with_key(KEY, &self.api_key))
    }

    /// Only the number for delivered messages is documented.
    fn read_statuses(&self, ids: &[String], answer: &Answer) -> Option<Statuses> {
        let status = answer.in_lower_case().number("/data/statusint").filter(|_| answer.is_success())?;
        let status = if status == 5 { DeliveryStatus::Delivered } else { DeliveryStatus::Waiting };
        Some(vec![(ids.first()?.clone(), status)])
    }

    fn checks(&self) -> Vec<Check> {
        let call = Call::get("/sms/v1/account/balance").with_key(KEY, &self.api_key);
        vec![Check::credit(call, |answer| answer.in_lower_case().text("/data/balance"), "(currency of the account)")]
    }

    fn only_by_sending(&self) -> Option<&'static str> {
        Some("its pattern and parameter")
    }
}
