//! Effects of providers that are down, slow or broken on other messages.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use otpd::delivery::{Chain, Delivery, Provider};
use otpd::domain::attempt::Report;
use otpd::domain::message::{Message, PerChannel};
use otpd::domain::outbox::OnUnknown;
use otpd::service::Settings;
use serde_json::Value;

use crate::gateway::ACCEPTED;
use crate::helpers::{TestApp, deliveries};
use crate::outbox::{Gateway, Reply, chain, http, with_sms, with_two};
use crate::sending::{SEND, TO_MOBILE};

/// Timeout of every wait. It only ends a failing test.
const LIMIT: Duration = Duration::from_secs(120);

fn hanging() -> Gateway {
    Gateway::start(vec![Reply { after: Duration::from_secs(60), answer: None }])
}

/// Sends a code, waits until its message is in `state` and returns the message from the delivery history.
async fn sent_to(app: &TestApp, recipient: &str, state: &str) -> Value {
    let sent = app.send_json("POST", SEND, recipient.to_owned()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    history(app, sent.json()["id"].as_i64().unwrap(), 0, state).await
}

/// Waits until a message of a code is in `state` and returns the message.
pub async fn history(app: &TestApp, id: i64, message: usize, state: &str) -> Value {
    let begun = Instant::now();
    loop {
        let message = app.send("GET", &deliveries(id)).await.json()[message].clone();
        if message["state"] == state {
            return message;
        }
        assert!(begun.elapsed() < LIMIT, "it is not {state}: {message}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the gateway has received a request.
async fn until_requested(gateway: &Gateway) {
    let begun = Instant::now();
    while gateway.requests().is_empty() {
        assert!(begun.elapsed() < LIMIT, "nothing was sent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn mobile(number: u32) -> String {
    format!(r#"{{"mobile_number":"0912000{number:04}"}}"#)
}

#[tokio::test]
async fn a_hanging_sms_gateway_does_not_delay_email() {
    let (slow, mail) = (hanging(), Gateway::start(Vec::new()));
    let (sms, email) = (chain(&[http("slow", &slow.url)]), chain(&[http("mail", &mail.url)]));
    let delivery = Delivery { chains: PerChannel { sms, email, ..PerChannel::default() }, ..Delivery::default() };
    let app = TestApp::start_serving(Settings { delivery, ..Settings::default() }).await;
    let begun = Instant::now();
    let delivering = app.deliver();
    sent_to(&app, r#"{"email":"first@example.com"}"#, "sent").await;
    let alone = begun.elapsed();
    delivering.end().await;
    for number in 0..200 {
        assert_eq!(app.send_json("POST", SEND, mobile(number)).await.status, 202);
    }
    let begun = Instant::now();
    let _delivering = app.deliver();
    sent_to(&app, r#"{"email":"some@example.com"}"#, "sent").await;
    // The slow gateway takes over three seconds for 200 messages: half a second per 32 messages.
    assert!(begun.elapsed() < Duration::from_secs(1).max(alone * 10), "{:?}, {alone:?} alone", begun.elapsed());
}

#[tokio::test]
async fn a_repeatedly_failing_provider_is_tried_last_until_it_recovers() {
    let mut plan = vec![Reply::from((500, "")); 6];
    plan.push(Reply::from((200, ACCEPTED)));
    let (one, two) = (Gateway::start(plan), Gateway::start(Vec::new()));
    let app = TestApp::start_serving(with_two(&one.url, &two.url, OnUnknown::Stop)).await;
    let _delivering = app.deliver();
    for number in 0..8 {
        sent_to(&app, &mobile(number), "sent").await;
    }
    assert_eq!(
        (one.requests().len(), two.requests().len()),
        (5, 8),
        "the first five found out, the others were spared"
    );
    for (moment, asked) in [("14:39:01", 5), ("14:39:02.5", 6), ("14:39:32", 6), ("14:39:33", 7), ("14:39:33", 8)] {
        app.set_clock(&format!("2025-12-29T{moment}Z"));
        sent_to(&app, &mobile(100 + one.requests().len() as u32 * 10 + two.requests().len() as u32), "sent").await;
        assert_eq!(one.requests().len(), asked, "{moment}");
    }
}

#[tokio::test]
async fn a_new_send_replaces_a_queued_message() {
    let gateway = Gateway::start(vec![Reply::from((500, "")), Reply::from((200, ACCEPTED))]);
    let app = TestApp::start_serving(with_sms(&gateway)).await;
    let delivering = app.deliver();
    sent_to(&app, TO_MOBILE, "queued").await;
    until_requested(&gateway).await;
    history(&app, 1, 0, "queued").await;
    delivering.end().await;
    app.set_clock("2025-12-29T14:39:32.273219Z");
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.status, 202);
    let _delivering = app.deliver();
    history(&app, 1, 1, "sent").await;
    history(&app, 1, 0, "cancelled").await;
    assert_eq!(gateway.requests().len(), 2);
}

#[tokio::test]
async fn a_queued_message_is_sent_after_a_later_one_failed() {
    let plan = vec![Reply::from((500, "")), Reply::from((404, "")), Reply::from((200, ACCEPTED))];
    let gateway = Gateway::start(plan);
    let app = TestApp::start_serving(with_sms(&gateway)).await;
    let delivering = app.deliver();
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.status, 202);
    until_requested(&gateway).await;
    history(&app, 1, 0, "queued").await;
    delivering.end().await;
    app.set_clock("2025-12-29T14:39:32.273219Z");
    app.store.write(|db| db.execute("UPDATE messages SET due_at = due_at + 120000000", &[])).await.unwrap();
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.status, 202);
    let delivering = app.deliver();
    history(&app, 1, 1, "failed").await;
    delivering.end().await;
    app.set_clock("2025-12-29T14:40:40Z");
    // The worker reads the clock immediately after a restart.
    let _delivering = app.deliver();
    history(&app, 1, 0, "sent").await;
}

#[tokio::test]
async fn an_orphaned_claim_is_requeued() {
    let gateway = Gateway::start(Vec::new());
    let app = TestApp::start_serving(with_sms(&gateway)).await;
    let _delivering = app.deliver();
    sent_to(&app, TO_MOBILE, "sent").await;
    let orphan = "INSERT INTO messages (otp_id, reference, channel, language, state, due_at, created_at, updated_at)
                  SELECT otp_id, reference, channel, language, 'sending', due_at, created_at, updated_at FROM messages";
    app.store.write(move |db| db.execute(orphan, &[])).await.unwrap();
    sent_to(&app, &mobile(1), "sent").await;
    history(&app, 1, 1, "sent").await;
    assert_eq!(gateway.requests().len(), 3);
}

#[tokio::test]
async fn an_unanswered_message_at_shutdown_is_unknown_and_not_resent() {
    let gateway = hanging();
    let slow = Delivery {
        chains: PerChannel { sms: chain(&[http("slow", &gateway.url)]), ..PerChannel::default() },
        ..Delivery::default()
    };
    let app = TestApp::start_serving(Settings { delivery: slow, ..Settings::default() }).await;
    let stop = app.deliver();
    sent_to(&app, TO_MOBILE, "sending").await;
    drop(stop);
    let message = history(&app, 1, 0, "unknown").await;
    assert_eq!(message["attempts"][0]["outcome"], "unknown");
    let _delivering = app.deliver();
    sent_to(&app, &mobile(1), "unknown").await;
    assert_eq!(gateway.requests().len(), 2, "one for each code");
}

/// A provider that panics.
struct Panicking;

impl Provider for Panicking {
    fn name(&self) -> &str {
        "panicking"
    }

    fn type_name(&self) -> &'static str {
        "panicking"
    }

    fn send<'a>(&'a self, _: &'a Message) -> BoxFuture<'a, Report> {
        Box::pin(async { panic!("a fault that a test has planned") })
    }

    fn check(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async { Ok(String::new()) })
    }
}

#[tokio::test]
async fn a_panicking_provider_affects_only_its_own_message() {
    let mail = Gateway::start(Vec::new());
    let sms = Chain::new(vec![Box::new(Panicking)]);
    let delivery = Delivery {
        chains: PerChannel { sms, email: chain(&[http("mail", &mail.url)]), ..PerChannel::default() },
        ..Delivery::default()
    };
    let app = TestApp::start_serving(Settings { delivery, ..Settings::default() }).await;
    let _delivering = app.deliver();
    let message = sent_to(&app, TO_MOBILE, "unknown").await;
    assert_eq!(message["attempts"][0]["error"], "internal error; see the log");
    sent_to(&app, r#"{"email":"some@example.com"}"#, "sent").await;
}
