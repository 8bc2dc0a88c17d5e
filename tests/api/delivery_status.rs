//! Delivery reports of providers.

use std::time::Duration;

use otpd::delivery::Delivery;
use otpd::domain::attempt::{DeliveryStatus, Outcome, Report};
use otpd::domain::limit::Limits;
use otpd::domain::message::Channel;
use otpd::domain::secret::Secret;
use otpd::domain::timestamp::Timestamp;
use otpd::service::Settings;
use serde_json::{Value, json};

use crate::figures::{mobile, send};
use crate::helpers::{START, TestApp, answer, deliveries, until};
use crate::outbox_faults::history;
use crate::scripted::{Script, Scripted, with_sms};
use crate::sending::TO_MOBILE;

/// Sets the clock to this many seconds after START.
pub fn set_clock(app: &TestApp, seconds: i64) {
    app.set_clock_to(Timestamp::parse(START).unwrap().as_micros() + seconds * 1_000_000);
}

/// Delivers at this many seconds after START until the first message of the first code has this state. Returns it.
pub async fn state_at(app: &TestApp, seconds: i64, state: &str) -> Value {
    set_clock(app, seconds);
    let delivering = app.deliver();
    let message = history(app, 1, 0, state).await;
    delivering.end().await;
    message
}

/// Returns the providers of the attempts of a message, each with its outcome and status.
pub fn attempts(message: &Value) -> Vec<String> {
    let attempts = message["attempts"].as_array().unwrap().iter();
    attempts
        .map(|attempt| {
            let text = |field: &str| attempt[field].as_str().unwrap_or("-").to_owned();
            [text("provider"), text("outcome"), text("status")].join(" ")
        })
        .collect()
}

#[tokio::test]
async fn a_delivered_message_has_the_time_of_the_report() {
    let provider = Scripted::new("one");
    let app = TestApp::start_serving(with_sms(&[&provider])).await;
    send(&app, TO_MOBILE).await;
    let sent = state_at(&app, 0, "sent").await;
    assert_eq!(attempts(&sent), ["one sent waiting"]);
    provider.edit(|script| script.status = Some(DeliveryStatus::Delivered));
    let delivered = state_at(&app, 5, "delivered").await;
    let attempt = json!({
        "channel": "sms",
        "provider": "one",
        "outcome": "sent",
        "provider_message_id": "one-1",
        "error": null,
        "started_at": START,
        "finished_at": START,
        "status": "delivered",
        "status_at": "2025-12-29T14:38:37.273219Z",
    });
    assert_eq!(delivered["attempts"], json!([attempt]));
    assert_eq!((&delivered["channel"], &delivered["updated_at"]), (&json!("sms"), &attempt["status_at"]));
    let metrics = app.store.metrics().render().unwrap();
    for line in [
        r#"otpd_delivery_reports_total{provider="one",status="delivered"} 1"#,
        r#"otpd_delivery_reports_total{provider="one",status="undelivered"} 0"#,
        r#"otpd_delivery_seconds_bucket{provider="one",le="2.5"} 0"#,
        r#"otpd_delivery_seconds_bucket{provider="one",le="5"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn the_status_is_requested_on_schedule_and_at_last_when_the_code_expires() {
    let provider = Scripted::new("one");
    let app = TestApp::start_serving(with_sms(&[&provider])).await;
    send(&app, TO_MOBILE).await;
    state_at(&app, 0, "sent").await;
    let asked = || provider.edit(|script| script.asked.len());
    for (seconds, is_asked) in [
        (4, false),
        (5, true),
        (6, false),
        (15, true),
        (29, false),
        (30, true),
        // START is at second 32.27, so the first full minutes are 27.73 and 87.73 seconds after it.
        (31, false),
        (87, false),
        (88, true),
        (147, false),
        (148, true),
        (299, true),
        // The code has expired.
        (300, true),
        (301, false),
        (400, false),
    ] {
        let before = asked();
        set_clock(&app, seconds);
        let delivering = app.deliver();
        if is_asked {
            until(|| asked() > before).await;
        } else {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        delivering.end().await;
        assert_eq!(asked(), before + usize::from(is_asked), "{seconds}");
    }
    assert_eq!(history(&app, 1, 0, "sent").await["attempts"][0]["status"], "waiting");
}

#[tokio::test]
async fn one_request_asks_for_as_many_messages_as_the_provider_allows() {
    let provider = Scripted::new("one");
    let settings = Settings { limits: Limits::new(|_| 0), ..with_sms(&[&provider]) };
    let app = TestApp::start_serving(settings).await;
    for n in 0..250 {
        send(&app, &mobile(n)).await;
    }
    let delivering = app.deliver();
    until(|| provider.received() == 250).await;
    history(&app, 250, 0, "sent").await;
    delivering.end().await;
    set_clock(&app, 5);
    let delivering = app.deliver();
    until(|| provider.edit(|script| script.asked.iter().sum::<usize>()) >= 250).await;
    delivering.end().await;
    assert_eq!(provider.edit(|script| script.asked.clone()), [100, 100, 50]);
}

#[tokio::test]
async fn an_unanswered_status_request_is_repeated_on_schedule() {
    let provider = Scripted::with("one", Script::default());
    let app = TestApp::start_serving(with_sms(&[&provider])).await;
    send(&app, TO_MOBILE).await;
    state_at(&app, 0, "sent").await;
    set_clock(&app, 5);
    let delivering = app.deliver();
    until(|| provider.edit(|script| script.asked.len()) == 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    delivering.end().await;
    assert_eq!(provider.edit(|script| script.asked.len()), 1);
    provider.edit(|script| script.status = Some(DeliveryStatus::Delivered));
    state_at(&app, 15, "delivered").await;
}

#[tokio::test]
async fn a_provider_reports_to_the_secret_path() {
    let secret = "0123456789-abcdefghij_";
    let provider = Scripted::new("one");
    let settings = with_sms(&[&provider]);
    let delivery = Delivery { callback_secret: Some(Secret::new(secret.to_owned())), ..settings.delivery };
    let app = TestApp::start_serving(Settings { delivery, ..settings }).await;
    send(&app, TO_MOBILE).await;
    state_at(&app, 0, "sent").await;
    let not_found = r#"{"detail":"Not found."}"#;
    let get = |path: String| answer(app.request("GET", &path));
    for path in [
        "/callbacks/0123456789-abcdefghij./one?id=one-1&status=delivered".to_owned(),
        "/callbacks//one?id=one-1&status=delivered".to_owned(),
        format!("/callbacks/{secret}/two?id=one-1&status=delivered"),
        format!("/callbacks/{secret}/one?id=one-1"),
        format!("/callbacks/{secret}/one?id=one-1&status=%00"),
    ] {
        get(path).await.is(404, not_found);
    }
    for query in ["id=one-9&status=delivered", "id=one-1&status=waiting"] {
        get(format!("/callbacks/{secret}/one?{query}")).await.is(204, "");
    }
    assert_eq!(app.send("GET", &deliveries(1)).await.json()[0]["state"], "sent");
    let form = app.request("POST", &format!("/callbacks/{secret}/one"));
    answer(form.header("Content-Type", "application/x-www-form-urlencoded").body("id=one-1&status=delivered"))
        .await
        .is(204, "");
    assert_eq!(app.send("GET", &deliveries(1)).await.json()[0]["state"], "delivered");
    // A second report changes nothing.
    get(format!("/callbacks/{secret}/one?id=one-1&status=undelivered")).await.is(204, "");
    assert_eq!(app.send("GET", &deliveries(1)).await.json()[0]["state"], "delivered");
}

#[tokio::test]
async fn there_is_no_path_for_reports_without_a_secret() {
    let app = TestApp::start_serving(with_sms(&[&Scripted::new("one")])).await;
    for path in ["/callbacks/x/one?id=one-1&status=delivered", "/callbacks/%20/one?id=one-1&status=delivered"] {
        answer(app.request("GET", path)).await.is(404, r#"{"detail":"Not found."}"#);
    }
}

#[tokio::test]
async fn a_provider_is_asked_what_happened_after_a_time_out() {
    let found = Report::sent(Some("found-1".to_owned()));
    for (found, state, last) in [
        (Some(found), "sent", "one sent waiting"),
        (Some(Report::not_sent(Outcome::Next, "it is not known there")), "failed", "one next -"),
        (None, "unknown", "one unknown -"),
    ] {
        let script = Script { outcomes: vec![Outcome::Unknown], found, ..Script::default() };
        let provider = Scripted::with("one", script);
        let app = TestApp::start_serving(with_sms(&[&provider])).await;
        send(&app, TO_MOBILE).await;
        let message = state_at(&app, 0, state).await;
        assert_eq!(attempts(&message), [last]);
        assert_eq!(provider.edit(|script| script.received[0].0), Channel::Sms);
    }
}
