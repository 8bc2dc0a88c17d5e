//! Asanak, `template`: panel templates. Source: asanak.com/api-docs, as quoted by amyavari/iran-sms-laravel.

use serde_json::Value;

use crate::delivery::gateways::prelude::*;

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let (username, password) = login(table)?;
    let templates = PanelTemplates::read_numbered(table, "the template_id")?;
    let gateway = Asanak { username, password, templates, parameter: parameter(table, "code")? };
    Ok((Connection::read(table, name, "https://sms.asanak.ir")?, gateway).into())
}

#[derive(Clone, Debug)]
pub(super) struct Asanak {
    username: String,
    password: Secret,
    /// The `template_id` values.
    templates: PanelTemplates,
    /// The template parameter for the code.
    parameter: String,
}

impl Asanak {
    /// Builds a request with the login and further fields in the body.
    fn call(&self, method: &str, mut body: Value) -> Call {
        body["username"] = self.username.as_str().into();
        body["password"] = self.password.reveal().into();
        Call::json(format!("/webservice/v2rest/{method}"), &body)
    }
}

impl Gateway for Asanak {
    const TYPE: &'static str = "asanak";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let body = json!({
            "template_id": self.templates.number_for(message)?,
            "destination": message.recipient.as_str(),
            "parameters": { &self.parameter: message.code.value().to_string() },
            "send_to_blacklist": 1,
        });
        Ok(self.call("template", body))
    }

    fn interpret(&self, answer: &Answer) -> Report {
        let Some(status) = answer.code("/meta/status") else { return answer.by_status() };
        let (outcome, meaning) = match status {
            200 => return Report::sent(answer.text("/data/0")),
            1010 => (Outcome::BadRecipient, "the number was rejected"),
            1005 | 1006 => (Outcome::Next, "the credit is used up"),
            1009 => (Outcome::Next, "the sending limit of the account is reached"),
            1013 => (Outcome::Next, "the line does not send at this time of day"),
            429 | 1004 => (Outcome::Retry, "the gateway is unavailable"),
            401 | 403 | 1015 => (Outcome::Misconfigured, "user name or password is wrong or expired"),
            1002 => (Outcome::Misconfigured, "the line is not active"),
            1008 => (Outcome::Misconfigured, "the template or its parameter was rejected"),
            1014 => (Outcome::Misconfigured, "the line may not send links"),
            _ => (Outcome::Next, "the gateway rejected the message"),
        };
        Report::not_sent(outcome, format!("{status}: {meaning}"))
    }

    fn checks(&self) -> Vec<Check> {
        let credit = |answer: &Answer| answer.text("/data/credit");
        vec![Check::credit(self.call("getrialcredit", json!({})), credit, "rials")]
    }

    fn only_by_sending(&self) -> Option<&'static str> {
        Some("its template and parameter")
    }
}
