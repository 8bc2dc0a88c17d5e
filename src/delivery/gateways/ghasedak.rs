//! Ghasedak: panel templates, as SMS or call, through the new panel (`SendOtpSMS`) or the old one (`NewOTP`). Answers
//! repeat the text of the message, so only numbers from them are stored. The case of field names varies.
//! Sources: ghasedakapi/ghasedaksms-php, negar8223/ghasedak-doc; for the old panel drivers only.

use chrono::{NaiveDate, Utc};
use serde_json::Value;

use crate::delivery::check::credit_words;
use crate::delivery::gateways::prelude::*;

const KEY: HeaderName = HeaderName::from_static("apikey");

/// Reads the settings for SMS.
pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let panel = |text: &str| match text {
        "new" => Some(Panel::New),
        "old" => Some(Panel::Old),
        _ => None,
    };
    read_panel(table, name, table.parsed("panel", "new or old", Panel::New, panel)?)
}

/// Reads the settings for calls, which only the new panel makes.
pub(super) fn read_call(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let accepted = "new, because the old panel makes no calls";
    let new = |text: &str| (text == "new").then_some(Panel::New);
    read_panel(table, name, table.parsed("panel", accepted, Panel::New, new)?)
}

fn read_panel(table: &dyn ReadKeys, name: String, panel: Panel) -> Result<ProviderSettings, ConfigError> {
    let gateway = Ghasedak {
        panel,
        api_key: header_key(table)?,
        templates: PanelTemplates::read(table)?,
        parameter: parameter(table, "Code")?,
    };
    let base_url = match panel {
        Panel::New => "https://gateway.ghasedak.me",
        Panel::Old => "https://gateway.ghasedaksms.com",
    };
    Ok((Connection::read(table, name, base_url)?, gateway).into())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Panel {
    New,
    Old,
}

#[derive(Clone, Debug)]
pub(super) struct Ghasedak {
    panel: Panel,
    api_key: Secret,
    templates: PanelTemplates,
    /// The template parameter for the code.
    parameter: String,
}

impl Ghasedak {
    /// Builds a request for a method of the new panel.
    fn get(&self, rest: &str) -> Call {
        Call::get(format!("/rest/api/v1/WebService/{rest}")).with_key(KEY, &self.api_key)
    }

    /// Builds the request for the status of messages. `by` is 1 for ids of the gateway and 2 for references.
    fn status_of(&self, ids: &[String], by: u8) -> Option<Call> {
        let path = format!("CheckSmsStatus?Ids={}&Type={by}", comma_separated(ids));
        (self.panel == Panel::New).then(|| self.get(&path))
    }
}

impl Gateway for Ghasedak {
    const TYPE: &'static str = "ghasedak";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let input = json!({ "param": self.parameter, "value": message.code.value().to_string() });
        let (number, template) = (message.recipient.as_str(), self.templates.name_for(message));
        let (path, body) = match self.panel {
            Panel::New => {
                let body = json!({
                    "receptors": [{ "mobile": number, "clientReferenceId": message.reference.to_string() }],
                    "templateName": template,
                    "inputs": [input],
                    "udh": false,
                    "isVoice": message.channel == Channel::Call,
                });
                ("/rest/api/v1/WebService/SendOtpSMS", body)
            }
            Panel::Old => {
                let body = json!({ "receptor": number, "type": "1", "template": template, "allparam": [input] });
                ("/api/v1/Send/NewOTP", body)
            }
        };
        Ok(Call::json(path, &body).with_key(KEY, &self.api_key))
    }

    fn interpret(&self, answer: &Answer) -> Report {
        // The HTTP status of a rejected message may be 200.
        let answer = answer.in_lower_case();
        let status = answer.number("/statuscode").and_then(|status| u16::try_from(status).ok());
        let status = status.filter(|status| (100..600).contains(status)).unwrap_or(answer.status);
        match answer.flag("/issuccess") {
            Some(true) if answer.is_success() => {
                let id = answer.text("/data/items/0/messageid").filter(|id| id.bytes().all(|b| b.is_ascii_digit()));
                Report::sent(id)
            }
            Some(false) if (200..300).contains(&status) => {
                Report::not_sent(Outcome::Next, format!("{status}: the gateway rejected the message"))
            }
            Some(false) => answer.with_body(status, Value::Null).by_status(),
            _ => answer.by_status(),
        }
    }

    fn status_batch(&self) -> usize {
        if self.panel == Panel::New { 100 } else { 0 }
    }

    fn status_request(&self, ids: &[String]) -> Option<Call> {
        self.status_of(ids, 1)
    }

    fn read_statuses(&self, _ids: &[String], answer: &Answer) -> Option<Statuses> {
        let items = read_items(answer)?;
        Some(items.iter().filter_map(|it| Some((it.text("/messageid")?, state(it.number("/status")?)))).collect())
    }

    fn can_find(&self) -> bool {
        self.panel == Panel::New
    }

    fn find_request(&self, message: &Message) -> Option<Call> {
        self.status_of(&[message.reference.to_string()], 2)
    }

    fn read_found(&self, message: &Message, answer: &Answer) -> Option<Report> {
        let items = read_items(answer)?;
        let reference = message.reference.to_string();
        match items.iter().find(|it| it.text("/clientreferenceid").as_ref() == Some(&reference)) {
            Some(item) => match item.number("/status").map_or(DeliveryStatus::Waiting, state) {
                DeliveryStatus::Undelivered | DeliveryStatus::Blocked => {
                    Some(Report::not_sent(Outcome::Next, "the gateway did not send the message"))
                }
                DeliveryStatus::Waiting | DeliveryStatus::Delivered => Some(Report::sent(item.text("/messageid"))),
            },
            None if items.is_empty() => {
                Some(Report::not_sent(Outcome::Retry, "the gateway did not receive the message"))
            }
            None => None,
        }
    }

    fn checks(&self) -> Vec<Check> {
        if self.panel == Panel::Old {
            let call = Call::get("/api/v1/Account/AccountInfo").with_key(KEY, &self.api_key);
            return vec![Check::credit(call, read_credit, "rials")];
        }
        let mut checks = vec![Check::new(self.get("GetAccountInformation"), check_account)];
        for name in self.templates.names() {
            let call = self.get(&format!("GetOtpTemplateParameters?TemplateName={}", percent_encoded(name)));
            let (name, parameter) = (name.to_owned(), self.parameter.clone());
            checks.push(Check::new(call, move |answer| check_template(&answer.in_lower_case(), &name, &parameter)));
        }
        checks
    }

    fn only_by_sending(&self) -> Option<&'static str> {
        (self.panel == Panel::Old).then_some("its template and parameter")
    }
}

/// Returns the messages in an answer, with field names in lower case.
fn read_items(answer: &Answer) -> Option<Vec<Answer>> {
    let answer = answer.in_lower_case();
    answer.items("/data").filter(|_| answer.is_success() && answer.flag("/issuccess") == Some(true))
}

/// 12 to 14 are the numbers of the gateway's own client library.
fn state(status: i64) -> DeliveryStatus {
    match status {
        5 | 14 => DeliveryStatus::Delivered,
        1 | 4 | 6 | 13 => DeliveryStatus::Undelivered,
        2 | 12 => DeliveryStatus::Blocked,
        _ => DeliveryStatus::Waiting,
    }
}

fn read_credit(answer: &Answer) -> Option<String> {
    let answer = answer.in_lower_case();
    let credit = answer.text("/data/credit").or_else(|| answer.text("/data/balance"));
    credit.filter(|_| answer.flag("/issuccess") == Some(true))
}

/// Checks the credit, and the date on which the account expires. A date in another form is not checked.
fn check_account(answer: &Answer) -> Option<Result<String, String>> {
    let credit = read_credit(answer)?;
    let date = answer.in_lower_case().text("/data/expiredate").unwrap_or_default();
    let day = date.get(..10).and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
    match day.filter(|day| *day < Utc::now().date_naive()) {
        Some(day) => Some(Err(format!("the account expired on {day}"))),
        None => credit_words(&credit, "rials"),
    }
}

fn check_template(answer: &Answer, name: &str, parameter: &str) -> Option<Result<String, String>> {
    match answer.flag("/issuccess")? {
        true => {
            let parameters = answer.items("/data/params")?;
            let is_there = parameters.iter().any(|it| it.text("").as_deref() == Some(parameter));
            let words = if is_there { "has" } else { "does not have" };
            let words = format!("the template {name} {words} the parameter {parameter}");
            Some(if is_there { Ok(words) } else { Err(words) })
        }
        false if matches!(answer.status, 401 | 403) || matches!(answer.number("/statuscode"), Some(401 | 403)) => None,
        false => Some(Err(format!("the template {name} does not exist"))),
    }
}
