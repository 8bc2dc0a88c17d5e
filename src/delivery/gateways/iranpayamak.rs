//! IranPayamak (FarazSMS), `sms/pattern`: panel patterns. Source: docs.iranpayamak.com, as quoted by public drivers.

use crate::delivery::gateways::prelude::*;

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
pub(super) struct IranPayamak {
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
        let get = |path: &str| Call::get(path).with_key(KEY, &self.api_key);
        let pattern = |name: &str| {
            let path = format!("/ws/v1/patterns/{}", percent_encoded(name));
            Check::exists(get(&path), format!("the pattern {name}"))
        };
        let credit = Check::credit(get("/ws/v1/account/balance"), credit, "(currency of the account)");
        std::iter::once(credit).chain(self.templates.names().into_iter().map(pattern)).collect()
    }

    fn only_by_sending(&self) -> Option<&'static str> {
        Some("its line and variable")
    }
}
