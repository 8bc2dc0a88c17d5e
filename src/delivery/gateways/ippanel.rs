//! IPPanel Edge, also used by resellers: panel patterns, and calls (`votp`).
//! Sources: ippanelcom/Edge-Document, ippanelcom/python-sdk.

use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::delivery::common::international;
use crate::delivery::gateway::no_status;
use crate::delivery::gateways::prelude::*;
use crate::delivery::http_client::HttpClient;

const BASE_URL: &str = "https://edge.ippanel.com/v1";

/// Lines in one answer. If an account has more, the check of the line is left out.
const LINES: usize = 100;

/// Reads the settings for SMS.
pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let pattern = Pattern {
        sender: table.text("sender")?,
        templates: PanelTemplates::read(table)?,
        parameter: parameter(table, "code")?,
    };
    let gateway = Ippanel { api_key: header_key(table)?, pattern: Some(pattern) };
    Ok((Connection::read(table, name, BASE_URL)?, gateway).into())
}

/// Reads the settings for calls, which have neither a line nor a pattern.
pub(super) fn read_call(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let gateway = Ippanel { api_key: header_key(table)?, pattern: None };
    Ok((Connection::read(table, name, BASE_URL)?, gateway).into())
}

#[derive(Clone, Debug)]
pub(super) struct Ippanel {
    api_key: Secret,
    /// `None` for calls.
    pattern: Option<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    /// The sender line, such as `+983000505`.
    sender: String,
    templates: PanelTemplates,
    /// The pattern variable for the code. It must be declared as a string in the panel.
    parameter: String,
}

impl Gateway for Ippanel {
    const TYPE: &'static str = "ippanel";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let (number, code) = (international(message), message.code.value().to_string());
        let body = match &self.pattern {
            Some(Pattern { sender, templates, parameter }) => json!({
                "sending_type": "pattern",
                "from_number": sender,
                "code": templates.name_for(message),
                "recipients": [number],
                "params": { parameter: code },
            }),
            None => json!({ "sending_type": "votp", "message": code, "params": { "recipients": [number] } }),
        };
        Ok(Call::json("/api/send", &body).authorized(&self.api_key))
    }

    fn interpret(&self, answer: &Answer) -> Report {
        let is_code = |code: &String| code.len() <= 8 && code.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let code = answer.text("/meta/message_code").filter(is_code).unwrap_or_default();
        let refuses_number = || {
            let errors = answer.body.pointer("/meta/errors").and_then(Value::as_object);
            errors.is_some_and(|errors| errors.keys().any(|field| field.split('.').any(|part| part == "recipients")))
        };
        let rejected = match self.pattern {
            Some(_) => "the line, the pattern or its variable was rejected",
            None => "the call was rejected",
        };
        let (outcome, meaning) = match (answer.flag("/meta/status"), answer.status) {
            (Some(true), 200..300) => return answer.accepted("/data/message_outbox_ids/0"),
            (Some(false), 422) if refuses_number() => (Outcome::BadRecipient, "the number was rejected"),
            (Some(false), 401 | 403) => (Outcome::Misconfigured, "the key was rejected"),
            (Some(false), 404) if self.pattern.is_some() => (Outcome::Misconfigured, "the pattern does not exist"),
            (Some(false), 422) => (Outcome::Misconfigured, rejected),
            (Some(false), 402) => (Outcome::Next, "the credit is used up"),
            (Some(false), 200..300) => (Outcome::Next, "the gateway rejected the message"),
            _ => return answer.by_status(),
        };
        let code = format!("{} {code}", answer.status);
        Report::not_sent(outcome, format!("{}: {meaning}", code.trim_end()))
    }

    fn status_batch(&self) -> usize {
        1
    }

    /// Asks for the recipient of a message. If there is none, the message itself tells whether it will ever have one.
    fn statuses<'a>(&'a self, client: &'a HttpClient, ids: &'a [String]) -> BoxFuture<'a, Result<Statuses, String>> {
        Box::pin(async move {
            let mut states = Vec::new();
            for id in ids {
                let mut status = None;
                for (path, read) in REPORTS {
                    let call = Call::get(format!("{path}{}", percent_encoded(id))).authorized(&self.api_key);
                    let answer = client.request(call).await.map_err(|report| report.error.unwrap_or_default())?;
                    if answer.flag("/meta/status") != Some(true) {
                        return Err(no_status(&answer));
                    }
                    status = status.or_else(|| read(&answer));
                    if status.is_some() {
                        break;
                    }
                }
                states.extend(status.map(|status| (id.clone(), status)));
            }
            Ok(states)
        })
    }

    fn checks(&self) -> Vec<Check> {
        let get = |path: &str| Call::get(path).authorized(&self.api_key);
        let credit = |answer: &Answer| answer.text("/data/credit");
        let mut checks = vec![Check::credit(get("/api/payment/credit/mine"), credit, "(currency of the account)")];
        let Some(Pattern { sender, templates, parameter }) = self.pattern.clone() else { return checks };
        for name in templates.names() {
            let (call, parameter) = (get(&format!("/api/patterns/{}", percent_encoded(name))), parameter.clone());
            let name = name.to_owned();
            checks.push(Check::new(call, move |answer| check_pattern(answer, &name, &parameter)));
        }
        let lines = get(&format!("/api/number/numbers?page=1&per_page={LINES}"));
        checks.push(Check::new(lines, move |answer| check_line(answer, &sender)));
        checks
    }

    fn only_by_sending(&self) -> Option<&'static str> {
        self.pattern.is_none().then_some("calls")
    }
}

type ReadReport = fn(&Answer) -> Option<DeliveryStatus>;

/// The reports about a message, by the id that follows the path.
const REPORTS: [(&str, ReadReport); 2] = [
    ("/api/report/recipients?bulk_id=", |answer| {
        answer.number("/data/0/message_status").map(|status| match status {
            2 => DeliveryStatus::Delivered,
            3 => DeliveryStatus::Undelivered,
            4 => DeliveryStatus::Blocked,
            _ => DeliveryStatus::Waiting,
        })
    }),
    ("/api/report/by_bulk?messages_outbox_id=", |answer| {
        answer.number("/data/state_id").map(|state| match state {
            3 | 4 | 7..=9 => DeliveryStatus::Undelivered,
            _ => DeliveryStatus::Waiting,
        })
    }),
];

fn check_pattern(answer: &Answer, name: &str, parameter: &str) -> Option<Result<String, String>> {
    let status = answer.text("/data/pattern_status")?;
    let variables = answer.items("/data/variable").unwrap_or_default();
    let variable = variables.iter().find(|it| it.text("/name").as_deref() == Some(parameter));
    Some(match variable.map(|it| it.text("/type")) {
        _ if status != "active" => Err(format!("the pattern {name} is not active")),
        None => Err(format!("the pattern {name} has no variable {parameter}")),
        Some(Some(kind)) if kind == "integer" => {
            Err(format!("the variable {parameter} of the pattern {name} is an integer; declare it as a string"))
        }
        Some(_) => Ok(format!("the pattern {name} is active and has the variable {parameter}")),
    })
}

fn check_line(answer: &Answer, sender: &str) -> Option<Result<String, String>> {
    let lines = answer.items("/data").filter(|_| answer.flag("/meta/status") == Some(true))?;
    let digits = |number: &str| number.trim_start_matches('+').to_owned();
    let is_known = lines.iter().filter_map(|line| line.text("/number")).any(|it| digits(&it) == digits(sender));
    Some(match is_known {
        true => Ok(format!("the line {sender} exists")),
        false if lines.len() >= LINES => Ok("`otpd send-test` checks the line".to_owned()),
        false => Err(format!("the line {sender} is not a line of the account")),
    })
}
