//! The requests to each gateway and the meaning of its responses, as published (`src/delivery/gateways/` has the
//! sources). No gateway is called.

mod bale;
mod ghasedak;
mod ippanel;
mod kavenegar;
mod magfa;
mod melipayamak;
mod others;
mod smsir;

use std::time::Duration;

use otpd::delivery::ProviderSettings;
use otpd::domain::attempt::DeliveryStatus::{self, Blocked, Delivered, Undelivered, Waiting};
use otpd::domain::attempt::{Outcome, Report};
use otpd::domain::message::{Channel, Message};
use serde_json::{Value, json};

use crate::gateway::{Gateway, ReceivedRequest, Reply};
use crate::table::provider;
use crate::{built, message, send};

pub type Settings = fn(&str) -> ProviderSettings;

pub fn kavenegar(url: &str) -> ProviderSettings {
    let settings = json!({ "api_key": "the/key", "template": "100", "templates": { "reset": "200" } });
    provider(Channel::Sms, "kavenegar", url, settings)
}

pub fn ippanel(url: &str) -> ProviderSettings {
    let settings = json!({ "api_key": "the-key", "sender": "+983000505", "template": "100" });
    provider(Channel::Sms, "ippanel", url, settings)
}

pub fn ippanel_call(url: &str) -> ProviderSettings {
    provider(Channel::Call, "ippanel", url, json!({ "api_key": "the-key" }))
}

pub fn melipayamak(url: &str) -> ProviderSettings {
    let settings = json!({
        "username": "user", "password": "pass&word", "template": "100", "templates": { "reset": "200" },
    });
    provider(Channel::Sms, "melipayamak", url, settings)
}

pub fn console(url: &str) -> ProviderSettings {
    provider(Channel::Sms, "melipayamak", url, json!({ "api_key": "the-key", "template": "100" }))
}

pub fn smsir(url: &str) -> ProviderSettings {
    provider(Channel::Sms, "smsir", url, json!({ "api_key": "the-key", "template": "100" }))
}

pub fn ghasedak(url: &str) -> ProviderSettings {
    provider(Channel::Sms, "ghasedak", url, json!({ "api_key": "the-key", "template": "100" }))
}

pub fn ghasedak_old(url: &str) -> ProviderSettings {
    let settings = json!({ "api_key": "the-key", "template": "100", "panel": "old" });
    provider(Channel::Sms, "ghasedak", url, settings)
}

pub fn iranpayamak(url: &str) -> ProviderSettings {
    let settings = json!({ "api_key": "the-key", "sender": "50002178584000", "template": "100" });
    provider(Channel::Sms, "iranpayamak", url, settings)
}

pub fn mediana(url: &str) -> ProviderSettings {
    provider(Channel::Sms, "mediana", url, json!({ "api_key": "the-key", "template": "100" }))
}

pub fn asanak(url: &str) -> ProviderSettings {
    let settings = json!({ "username": "user", "password": "the-key", "template": "100" });
    provider(Channel::Sms, "asanak", url, settings)
}

pub fn messageway(url: &str) -> ProviderSettings {
    provider(Channel::Sms, "messageway", url, json!({ "api_key": "the-key", "template": "100" }))
}

pub fn magfa(url: &str) -> ProviderSettings {
    let settings = json!({ "username": "user", "password": "the-key", "domain": "magfa", "sender": "983000" });
    provider(Channel::Sms, "magfa", url, settings)
}

pub fn bale(url: &str) -> ProviderSettings {
    provider(Channel::Bale, "bale", url, json!({ "api_key": "the-key", "bot_id": 42 }))
}

const ALL: [(&str, Settings); 14] = [
    ("kavenegar", kavenegar),
    ("ippanel", ippanel),
    ("ippanel_call", ippanel_call),
    ("melipayamak", melipayamak),
    ("console", console),
    ("smsir", smsir),
    ("ghasedak", ghasedak),
    ("ghasedak_old", ghasedak_old),
    ("iranpayamak", iranpayamak),
    ("mediana", mediana),
    ("asanak", asanak),
    ("messageway", messageway),
    ("magfa", magfa),
    ("bale", bale),
];

pub fn header<'a>(request: &'a ReceivedRequest, name: &str) -> &'a str {
    request.1.lines().find_map(|header| header.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

/// Sends a message. Returns the request that the gateway received and the report about its response.
async fn send_message(settings: Settings, message: &Message, answer: &str) -> (ReceivedRequest, Report) {
    let gateway = Gateway::start(vec![Reply::from((200, answer))]);
    let report = send(settings(&gateway.url), message).await;
    (gateway.requests().remove(0), report)
}

/// Sends a message with this purpose.
async fn send_one(settings: Settings, purpose: &str, answer: &str) -> (ReceivedRequest, Report) {
    send_message(settings, &message("09123456789", purpose), answer).await
}

/// Returns a message to a phone that is called.
fn call() -> Message {
    Message { channel: Channel::Call, ..message("09123456789", "login") }
}

fn json_body(request: &ReceivedRequest) -> Value {
    serde_json::from_str(&request.2).unwrap()
}

/// Sends a message for each row: HTTP status, body of the response, outcome, text of the report.
async fn assert_outcomes(settings: Settings, rows: &[(u16, &str, Outcome, &str)]) {
    for (status, answer, outcome, error) in rows {
        let gateway = Gateway::start(vec![Reply::from((*status, *answer))]);
        let report = send(settings(&gateway.url), &message("09123456789", "login")).await;
        assert_eq!(report, Report::not_sent(*outcome, *error), "{status} {answer}");
    }
}

/// Asks for the status of messages. Returns the request and the result.
async fn statuses_of(
    settings: Settings,
    ids: &[&str],
    answer: &str,
) -> (ReceivedRequest, Result<Vec<(String, DeliveryStatus)>, String>) {
    let gateway = Gateway::start(vec![Reply::from((200, answer))]);
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let statuses = built(settings(&gateway.url)).statuses(&ids).await;
    (gateway.requests().remove(0), statuses)
}

fn pairs(rows: &[(&str, DeliveryStatus)]) -> Vec<(String, DeliveryStatus)> {
    rows.iter().map(|(id, status)| ((*id).to_owned(), *status)).collect()
}

/// Asks for the status of one message for each row: the number in the response and its meaning.
async fn assert_states(settings: Settings, answer: fn(&str) -> String, rows: &[(&str, DeliveryStatus)]) {
    for (number, status) in rows {
        let (_, statuses) = statuses_of(settings, &["7"], &answer(number)).await;
        assert_eq!(statuses, Ok(pairs(&[("7", *status)])), "{number}");
    }
}

/// Searches the message with the reference 4711. Returns the request and the corrected report.
async fn find(settings: Settings, status: u16, answer: &str) -> (ReceivedRequest, Option<Report>) {
    let gateway = Gateway::start(vec![Reply::from((status, answer))]);
    let found = built(settings(&gateway.url)).find(&message("09123456789", "login")).await;
    (gateway.requests().remove(0), found)
}

#[tokio::test]
async fn unreadable_responses_and_closed_connections_are_never_reported_as_sent() {
    for (name, settings) in ALL {
        for answer in ["", "<html>busy</html>", "[]", "null", "{}", r#"{"status":"?"}"#, r#"{"return":7}"#] {
            let (_, report) = send_one(settings, "login", answer).await;
            assert!(matches!(report.outcome, Outcome::Unknown | Outcome::Next), "{name} {answer}: {report:?}");
        }
        for (reply, expected) in [
            (Reply::from((502, "<html>")), Outcome::Retry),
            (Reply::from((403, "<html>")), Outcome::Misconfigured),
            (Reply { after: Duration::ZERO, answer: None }, Outcome::Unknown),
        ] {
            let gateway = Gateway::start(vec![reply]);
            let report = send(settings(&gateway.url), &message("09123456789", "login")).await;
            assert_eq!(report.outcome, expected, "{name}: {report:?}");
            assert_eq!(gateway.requests().len(), 1, "{name}");
        }
    }
}

/// Answers with a code, a number and a key in every place that a report could show.
const TALKATIVE: [&str; 6] = [
    r#"{"return":{"status":9123456789,"message":"255315"},"status":9123456789,"message":"255315"}"#,
    r#"{"meta":{"status":false,"message_code":"09123456789 255315","message":"the-key","code":"9123456789"}}"#,
    r#"{"Value":"9123456789","RetStatus":255315,"StrRetStatus":"the-key","recId":0,"status":"255315 the/key"}"#,
    r#"{"isSuccess":false,"statusCode":255315,"message":"09123456789","data":{"succeed":false}}"#,
    r#"{"status":"error","error":{"code":255315,"message":"09123456789"},"messages":"the-key"}"#,
    r#"{"code":255315,"error_data":[{"phone_number":"989123456789","code":255315,"description":"the-key"}]}"#,
];

#[tokio::test]
async fn reports_contain_no_code_number_or_key_from_a_response() {
    for (name, settings) in ALL {
        for (status, answer) in [200, 400, 422, 500].into_iter().flat_map(|status| TALKATIVE.map(|it| (status, it))) {
            let gateway = Gateway::start(vec![Reply::from((status, answer))]);
            let error = send(settings(&gateway.url), &message("09123456789", "login")).await.error.unwrap();
            for secret in ["255315", "9123456789", "the-key", "the/key", "the%2Fkey"] {
                assert!(!error.contains(secret), "{name} {status} {answer}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn refused_requests_for_states_and_searches_have_no_result() {
    for (name, settings) in ALL {
        let no_status = "200: the response contains no status";
        for (status, answer, words) in [
            (200, "{}", no_status),
            (200, "<html>", no_status),
            (401, r#"{"status":"error"}"#, "401: the key was rejected"),
            (500, "", "500: the gateway is unavailable"),
        ] {
            let gateway = Gateway::start(vec![Reply::from((status, answer))]);
            let provider = built(settings(&gateway.url));
            let ids = ["7".to_owned()];
            let expected = if provider.status_batch() == 0 { Ok(Vec::new()) } else { Err(words.to_owned()) };
            assert_eq!(provider.statuses(&ids).await, expected, "{name} {status} {answer}");
            let found = provider.find(&message("09123456789", "login")).await;
            assert!(found.is_none() || name == "bale", "{name} {status} {answer}: {found:?}");
        }
    }
}
