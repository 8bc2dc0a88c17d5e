//! Melipayamak (Farapayamak, Payamak-Panel): panel templates, sent through the REST service with user name and password
//! or through the console API with a key. Sources: Farapayamak/PHP, Melipayamak/melipayamak-python,
//! Melipayamak/melipayamak-go, parsidev/melipayamak-console.

use crate::delivery::gateways::prelude::*;

/// Minimum number of digits of a message id. Shorter numbers are error codes.
const ID_DIGITS: usize = 15;

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let (base_url, login, templates) = match table.optional_secret("api_key")? {
        Some(api_key) => {
            let templates = PanelTemplates::read_numbered(table, "the bodyId")?;
            ("https://console.melipayamak.com", Login::Console { api_key }, templates)
        }
        None => {
            let (username, password) = login(table)?;
            ("https://rest.payamak-panel.com", Login::Rest { username, password }, PanelTemplates::read(table)?)
        }
    };
    Ok((Connection::read(table, name, base_url)?, Melipayamak { login, templates }).into())
}

#[derive(Clone, Debug)]
pub(super) struct Melipayamak {
    login: Login,
    /// The `bodyId` values.
    templates: PanelTemplates,
}

/// The API and its credentials.
#[derive(Clone, Debug)]
enum Login {
    Rest { username: String, password: Secret },
    Console { api_key: Secret },
}

impl Login {
    /// Builds a request of the REST service.
    fn rest(path: &str, username: &str, password: &Secret, fields: &[(&str, &str)]) -> Call {
        let login = [("username", username), ("password", password.reveal())];
        Call::form(path, &[&login, fields].concat())
    }
}

impl Gateway for Melipayamak {
    const TYPE: &'static str = "melipayamak";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let (code, body_id) = (message.code.value().to_string(), self.templates.name_for(message));
        let to = message.recipient.as_str();
        Ok(match &self.login {
            Login::Rest { username, password } => {
                let fields = [("text", code.as_str()), ("to", to), ("bodyId", body_id)];
                Login::rest("/api/SendSMS/BaseServiceNumber", username, password, &fields)
            }
            Login::Console { api_key } => {
                let body = json!({ "bodyId": self.templates.number_for(message)?, "to": to, "args": [code] });
                Call::json(format!("/api/send/shared/{}", percent_encoded(api_key.reveal())), &body)
            }
        })
    }

    fn interpret(&self, answer: &Answer) -> Report {
        match self.login {
            Login::Rest { .. } => read_rest(answer),
            Login::Console { .. } => match answer.text("/recId").filter(|id| id != "0") {
                Some(id) if answer.is_success() => Report::sent(Some(id)),
                _ if answer.is_success() && answer.body.pointer("/status").is_some() => {
                    Report::not_sent(Outcome::Next, "the gateway rejected the message")
                }
                _ => answer.by_status(),
            },
        }
    }

    fn status_batch(&self) -> usize {
        match self.login {
            Login::Rest { .. } => 1,
            Login::Console { .. } => 100,
        }
    }

    fn status_request(&self, ids: &[String]) -> Option<Call> {
        Some(match &self.login {
            Login::Rest { username, password } => {
                Login::rest("/api/SendSMS/GetDeliveries2", username, password, &[("recID", ids.first()?)])
            }
            Login::Console { api_key } => {
                // 64 bits hold every id. The order of the ids is the order of the states in the answer.
                let ids: Vec<u64> = numbers(ids).map(|(_, number)| number).collect();
                let path = format!("/api/receive/status/{}", percent_encoded(api_key.reveal()));
                Call::json(path, &json!({ "recIds": ids }))
            }
        })
    }

    fn read_statuses(&self, ids: &[String], answer: &Answer) -> Option<Statuses> {
        let states = match self.login {
            Login::Rest { .. } if answer.number("/RetStatus") == Some(1) => vec![answer.number("/Value")?],
            Login::Rest { .. } => return None,
            Login::Console { .. } => {
                answer.items("/resultsAsCode")?.iter().map(|it| it.number("")).collect::<Option<_>>()?
            }
        };
        let ids: Vec<&String> = match self.login {
            Login::Rest { .. } => ids.iter().collect(),
            Login::Console { .. } => numbers(ids).map(|(id, _)| id).collect(),
        };
        let is_complete = states.len() == ids.len();
        is_complete.then(|| ids.into_iter().cloned().zip(states.into_iter().map(state)).collect())
    }

    fn checks(&self) -> Vec<Check> {
        vec![match &self.login {
            Login::Rest { username, password } => Check::credit(
                Login::rest("/api/SendSMS/GetCredit", username, password, &[]),
                |answer| answer.text("/Value").filter(|_| answer.number("/RetStatus") == Some(1)),
                "(messages or rials, depending on the panel)",
            ),
            Login::Console { api_key } => {
                let call = Call::get(format!("/api/receive/credit/{}", percent_encoded(api_key.reveal())));
                Check::credit(call, |answer| answer.text("/amount"), "(messages or rials, depending on the panel)")
            }
        }]
    }
}

/// Interprets an answer of the REST service. Its HTTP status is always 200. A long `Value` is a message id, a short one
/// an error code. `RetStatus` only tells whether the message was accepted: 35 is the value for every refusal.
fn read_rest(answer: &Answer) -> Report {
    let value = answer.text("/Value").unwrap_or_default();
    let is_id = value.len() >= ID_DIGITS && value.bytes().all(|b| b.is_ascii_digit());
    let status = answer.code("/RetStatus");
    if is_id && status == Some(1) {
        return Report::sent(Some(value));
    }
    let Some(code) = answer.code("/Value") else {
        let Some(status) = status.filter(|status| *status != 1) else { return answer.by_status() };
        return Report::not_sent(Outcome::Next, format!("{status}: the gateway rejected the message"));
    };
    let (outcome, meaning) = match code {
        18 => (Outcome::BadRecipient, "the number was rejected"),
        35 => (Outcome::Next, "the number is on the black list"),
        16 => (Outcome::Next, "no recipient was found"),
        7 => (Outcome::Next, "the text contains a filtered word"),
        2 => (Outcome::Next, "the credit is used up"),
        3 | 4 | 19 => (Outcome::Next, "the sending limit of the account is reached"),
        6 => (Outcome::Retry, "the service is unavailable"),
        -6 => (Outcome::Retry, "the service is unavailable or does not accept the parameters"),
        0 => (Outcome::Misconfigured, "user name or password is wrong"),
        -5 | -4 | -3 | 17 => (Outcome::Misconfigured, "the line, the bodyId or its values are invalid"),
        -7 | 5 | 9 => (Outcome::Misconfigured, "the account is not allowed to use this line"),
        -10 | 14 => (Outcome::Misconfigured, "the values contain a link"),
        -1 | 10 | 12 => (Outcome::Misconfigured, "the account is not active or lacks documents"),
        -111..=-108 => (Outcome::Misconfigured, "the address of this server is blocked, or an API key is required"),
        _ => (Outcome::Next, "the gateway rejected the message"),
    };
    Report::not_sent(outcome, format!("{code}: {meaning}"))
}

fn state(status: i64) -> DeliveryStatus {
    match status {
        1 => DeliveryStatus::Delivered,
        2 | 3 | 16 | 100 | 300 | 500 => DeliveryStatus::Undelivered,
        35 => DeliveryStatus::Blocked,
        _ => DeliveryStatus::Waiting,
    }
}

/// The ids that are numbers. Only the console API needs numbers.
fn numbers(ids: &[String]) -> impl Iterator<Item = (&String, u64)> {
    ids.iter().filter_map(|id| Some((id, id.parse().ok()?)))
}
