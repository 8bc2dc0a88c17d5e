use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use otpd::delivery::{Chain, Connection, Delivery, Http, Keep, Provider, ProviderSettings};
use otpd::domain::attempt::{Outcome, Report};
use otpd::domain::message::{Message, PerChannel};
use otpd::domain::outbox::OnUnknown;
use otpd::domain::secret::Secret;
use otpd::domain::timestamp::Timestamp;
use otpd::error::Error;
use otpd::service::Settings;
use serde_json::Value;

pub use crate::gateway::{Gateway, Reply};
use crate::helpers::{START, TestApp, deliveries, path, until};
use crate::outbox_faults::history;
use crate::sending::{SEND, TO_MOBILE};

/// A provider for tests without a delivery worker. It is never called.
struct UnusedProvider;

impl Provider for UnusedProvider {
    fn name(&self) -> &str {
        "nowhere"
    }

    fn type_name(&self) -> &'static str {
        "unused"
    }

    fn send<'a>(&'a self, _: &'a Message) -> BoxFuture<'a, Report> {
        Box::pin(async { Report::not_sent(Outcome::Next, "there is nothing") })
    }

    fn check(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async { Err("there is nothing".to_owned()) })
    }
}

/// Returns the body of the first request that the gateway received.
pub async fn first_body(gateway: &Gateway) -> String {
    until(|| !gateway.requests().is_empty()).await;
    gateway.requests().remove(0).2
}

/// Returns settings with a provider for both channels and without limits.
pub fn delivering() -> Settings {
    let chain = || Chain::new(vec![Box::new(UnusedProvider)]);
    Settings {
        delivery: Delivery {
            chains: PerChannel { sms: chain(), email: chain(), ..PerChannel::default() },
            ..Delivery::default()
        },
        ..Settings::default()
    }
}

pub fn http(name: &str, url: &str) -> ProviderSettings {
    let (base_url, path) = Http::split(&format!("{url}/send")).unwrap();
    let connection = Connection {
        name: name.to_owned(),
        base_url: Secret::new(base_url),
        timeout: Duration::from_millis(500),
        proxy: None,
    };
    let gateway = Http {
        method: reqwest::Method::POST,
        path: Secret::new(path),
        headers: vec![("content-type".parse().unwrap(), Secret::new("application/json".to_owned()))],
        body: Some(Secret::new(r#"{"to":"{recipient}","text":"{text}"}"#.to_owned())),
        success_pointer: Some("/ok".to_owned()),
        success_value: "true".to_owned(),
        success_pattern: None,
        id_pointer: Some("/id".to_owned()),
    };
    (connection, gateway).into()
}

fn no_inbox() -> Keep {
    Arc::new(|_| Box::pin(async { Err(Error::unavailable("there is no inbox")) }))
}

pub fn chain(providers: &[ProviderSettings]) -> Chain {
    Chain::build(providers, &no_inbox()).unwrap()
}

pub fn with_sms(gateway: &Gateway) -> Settings {
    let sms = chain(&[http("one", &gateway.url)]);
    Settings {
        delivery: Delivery { chains: PerChannel { sms, ..PerChannel::default() }, ..Delivery::default() },
        ..Settings::default()
    }
}

pub fn with_two(one: &str, two: &str, on_unknown: OnUnknown) -> Settings {
    let sms = chain(&[http("one", one), http("two", two)]);
    Settings {
        delivery: Delivery { chains: PerChannel { sms, ..PerChannel::default() }, on_unknown, ..Delivery::default() },
        ..Settings::default()
    }
}

/// Sends a code, delivers until its message is in a final state and returns the message from the delivery history.
/// After the first attempt the clock advances by one second every 50 ms.
async fn outcome(settings: Settings) -> Value {
    let app = TestApp::start_serving(settings).await;
    let _delivering = app.deliver();
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.status, 202);
    for second in 0..800 {
        let deliveries = app.send("GET", &deliveries(1)).await.json();
        if !["queued", "sending"].contains(&deliveries[0]["state"].as_str().unwrap()) {
            return deliveries[0].clone();
        }
        if !deliveries[0]["attempts"].as_array().unwrap().is_empty() {
            app.set_clock(&format!("2025-12-29T14:{:02}:{:02}Z", 39 + second / 60, second % 60));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the message came to no end");
}

/// Like [`outcome`], but the clock jumps to the moment of each attempt.
async fn outcome_without_pauses(settings: Settings) -> Value {
    let app = TestApp::start_serving(settings).await;
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.status, 202);
    let (mut now, begun) = (Timestamp::parse(START).unwrap().as_micros(), Instant::now());
    loop {
        let delivering = app.deliver();
        let (state, due_at) = loop {
            let (state, due_at) = state_and_due_at(&app).await;
            // A message that is due is about to be sent.
            if state != "sending" && (state != "queued" || due_at > now) {
                break (state, due_at);
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "the message is still {state}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        delivering.end().await;
        if state != "queued" {
            return app.send("GET", &deliveries(1)).await.json()[0].clone();
        }
        now = due_at;
        app.set_clock_to(now);
    }
}

/// The state of the only message, and when it is due.
async fn state_and_due_at(app: &TestApp) -> (String, i64) {
    let sql = "SELECT state, due_at FROM messages";
    let read = app.store.write(move |db| db.one(sql, &[], |row| Ok((row.get("state")?, row.get("due_at")?))));
    read.await.unwrap()
}

/// Returns the state of a message, and the provider, outcome and error of each attempt.
fn summary(message: &Value) -> (String, Vec<String>) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let attempt = |attempt: &Value| {
        let words = ["provider", "outcome", "error"].map(|key| text(&attempt[key]));
        words.join(" ").trim_end().to_owned()
    };
    (text(&message["state"]), message["attempts"].as_array().unwrap().iter().map(attempt).collect())
}

#[tokio::test]
async fn a_message_arrives_once_with_the_code_in_it() {
    let gateway = Gateway::start(Vec::new());
    let message = outcome(with_sms(&gateway)).await;
    assert_eq!(summary(&message), ("sent".to_owned(), vec!["one sent".to_owned()]));
    assert_eq!(message["attempts"][0]["provider_message_id"], "m-1");
    let asked = gateway.requests();
    assert_eq!((asked.len(), asked[0].0.as_str()), (1, "POST /send"));
    let body: Value = serde_json::from_str(&asked[0].2).unwrap();
    assert_eq!(body["to"], "09123456789");
    let text = body["text"].as_str().unwrap();
    let code: String = text.chars().skip_while(|c| !c.is_ascii_digit()).take(6).collect();
    assert_eq!(text, format!("کد تأیید: {code}\nاعتبار: 5 دقیقه"));
}

#[tokio::test]
async fn a_temporary_failure_is_retried() {
    let broken = Reply::from((500, "oops"));
    let taken = Reply::from((200, crate::gateway::ACCEPTED));
    let message = outcome(with_sms(&Gateway::start(vec![broken.clone(), broken, taken]))).await;
    let retry = "one retry 500: the gateway is unavailable".to_owned();
    assert_eq!(summary(&message), ("sent".to_owned(), vec![retry.clone(), retry, "one sent".to_owned()]));
}

#[tokio::test]
async fn a_timeout_reset_or_invalid_response_has_an_unknown_outcome() {
    for (reply, error) in [
        (
            Reply { after: Duration::from_secs(60), answer: None },
            "the request was sent, but no response arrived in time",
        ),
        (Reply { after: Duration::ZERO, answer: None }, "the connection broke after the request was sent: "),
        (Reply::from((200, "<html>")), "200: unreadable response"),
        (Reply::from((504, "")), "504: the gateway's upstream timed out"),
    ] {
        let (one, two) = (Gateway::start(vec![reply]), Gateway::start(Vec::new()));
        let stopped = outcome(with_two(&one.url, &two.url, OnUnknown::Stop)).await;
        let (state, attempts) = summary(&stopped);
        assert_eq!((state.as_str(), attempts.len()), ("unknown", 1), "{attempts:?}");
        assert!(attempts[0].starts_with(&format!("one unknown {error}")), "{attempts:?}");
        assert_eq!((one.requests().len(), two.requests().len()), (1, 0), "it is not repeated blindly");
        let next = outcome(with_two(&one.url, &two.url, OnUnknown::Next)).await;
        assert_eq!(summary(&next).0, "sent");
        assert_eq!((one.requests().len(), two.requests().len()), (2, 1));
    }
}

#[tokio::test]
async fn the_next_provider_is_tried_after_a_refusal() {
    let two = Gateway::start(Vec::new());
    for (status, body, attempt) in [
        (401, "{}", "one misconfigured 401: the key was rejected"),
        (404, "{}", "one next 404: the gateway rejected the request"),
        (503, "{}", "one retry 503: the gateway is unavailable"),
        (200, r#"{"ok":false}"#, "one next 200: the gateway rejected the message"),
    ] {
        let one = Gateway::start(vec![Reply::from((status, body))]);
        let message = outcome(with_two(&one.url, &two.url, OnUnknown::Stop)).await;
        assert_eq!(summary(&message), ("sent".to_owned(), vec![attempt.to_owned(), "two sent".to_owned()]));
    }
    let message = outcome(with_two("http://127.0.0.1:9", &two.url, OnUnknown::Stop)).await;
    let (state, attempts) = summary(&message);
    assert_eq!(state, "sent");
    assert!(attempts[0].starts_with("one retry unreachable: "), "{attempts:?}");
}

#[tokio::test]
async fn the_history_shows_why_no_provider_accepted_a_message() {
    let refused = Gateway::start(vec![Reply::from((403, ""))]);
    let message = outcome(with_sms(&refused)).await;
    let why = "one misconfigured 403: the key was rejected".to_owned();
    assert_eq!(summary(&message), ("failed".to_owned(), vec![why]));
    let broken = Gateway::start(vec![Reply::from((500, ""))]);
    let message = outcome_without_pauses(with_sms(&broken)).await;
    let (state, attempts) = summary(&message);
    assert_eq!(state, "expired");
    assert!(attempts.len() >= 4, "{attempts:?}");
    assert!(
        message["attempts"]
            .as_array()
            .unwrap()
            .iter()
            .all(|attempt| { attempt["started_at"].as_str().unwrap() < "2025-12-29T14:43:32.273219Z" })
    );
}

#[tokio::test]
async fn a_code_used_before_delivery_is_not_sent() {
    let gateway = Gateway::start(Vec::new());
    let app = TestApp::start_serving(with_sms(&gateway)).await;
    app.send_json("POST", SEND, TO_MOBILE).await;
    let code = app.send("GET", &path(1)).await.json()["code"].clone();
    let attempt = format!(r#"{{"mobile_number":"09123456789","code":{code}}}"#);
    app.send_json("POST", crate::verifying::VERIFY, attempt).await;
    let _delivering = app.deliver();
    history(&app, 1, 0, "cancelled").await;
    assert_eq!(gateway.requests().len(), 0);
}
