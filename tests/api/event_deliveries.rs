//! The delivery of events: retries, slow endpoints, restarts and a wrong clock.

use std::time::Duration;

use otpd::delivery::Delivery;
use otpd::domain::message::PerChannel;
use otpd::domain::webhook::{EventType, WebhookSecret};
use otpd::service::Settings;
use serde_json::Value;

use crate::events::{
    SECRET, START_SECONDS, answering, endpoint, header, received, until_all_are_delivered, waiting, with_recipients,
};
use crate::helpers::{START, TestApp, until};
use crate::outbox::{Gateway, Reply, chain, http};
use crate::sending::{SEND, TO_MOBILE};
use crate::verifying::{CORRECT, VERIFY};

/// Waits until the only event has failed so many times.
async fn until_failed(app: &TestApp, attempts: u32) {
    let begun = std::time::Instant::now();
    let sql = "SELECT coalesce(max(attempts), 0) AS attempts FROM event_deliveries";
    while app.store.read(move |db| db.one(sql, &[], |row| row.get::<u32>("attempts"))).await.unwrap() < attempts {
        assert!(begun.elapsed() < Duration::from_secs(120), "the event has not failed {attempts} times");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_failed_event_is_sent_again_with_the_same_id_and_a_new_signature() {
    let server = answering(&[500, 302, 200]);
    let events = vec![endpoint(&server, EventType::ALL)];
    let app = TestApp::start_serving(Settings { events, ..Settings::default() }).await;
    app.create().await;
    app.send_json("POST", VERIFY, CORRECT).await;
    for (attempts, seconds) in [(1, 0), (2, 5)] {
        app.set_clock_to((START_SECONDS + seconds) * 1_000_000 + 273_219);
        let delivering = app.deliver();
        received(&server, attempts).await;
        until_failed(&app, u32::try_from(attempts).unwrap()).await;
        delivering.end().await;
        assert_eq!(server.requests().len(), attempts, "it waits for the pause");
    }
    app.set_clock_to((START_SECONDS + 5 + 300) * 1_000_000 + 273_219);
    let _delivering = app.deliver();
    let requests = received(&server, 3).await;
    until_all_are_delivered(&app).await;
    assert_eq!(server.requests().len(), 3);
    let of = |name: &str| requests.iter().map(|request| header(request, name)).collect::<Vec<_>>();
    let ids = of("webhook-id");
    assert_eq!(ids, vec![ids[0].clone(); 3]);
    let seconds = [0, 5, 305].map(|seconds| START_SECONDS + seconds);
    assert_eq!(of("webhook-timestamp"), seconds.map(|seconds| seconds.to_string()));
    let secret = WebhookSecret::parse(SECRET).unwrap();
    assert_eq!(of("webhook-signature"), seconds.map(|seconds| secret.sign(&ids[0], seconds, &requests[0].2)));
    assert_eq!(
        serde_json::from_str::<Value>(&requests[2].2).unwrap()["timestamp"],
        START,
        "the time of the event does not change"
    );
}

#[tokio::test]
async fn an_event_that_an_endpoint_does_not_want_is_not_sent_again() {
    let server = answering(&[410]);
    let events = vec![endpoint(&server, EventType::ALL)];
    let app = TestApp::start_serving(Settings { events, ..Settings::default() }).await;
    app.create().await;
    app.send_json("POST", VERIFY, CORRECT).await;
    let _delivering = app.deliver();
    until_all_are_delivered(&app).await;
    assert_eq!(server.requests().len(), 1);
    let metrics = app.send("GET", "/metrics").await.body;
    assert!(metrics.contains("otpd_events_total{outcome=\"gone\",type=\"otp.verified\"} 1\n"), "{metrics}");
}

#[tokio::test]
async fn a_slow_endpoint_does_not_delay_another_one() {
    let slow = Gateway::start(vec![Reply { after: Duration::from_secs(60), answer: None }]);
    let fast = Gateway::start(Vec::new());
    let events = vec![endpoint(&slow, EventType::ALL), endpoint(&fast, EventType::ALL)];
    let app = TestApp::start_serving(Settings { events, ..Settings::default() }).await;
    for number in 0..20 {
        app.create_with(&format!(r#"{{"code":5,"mobile_number":"091200000{number:02}"}}"#)).await;
        let typed = format!(r#"{{"code":5,"mobile_number":"091200000{number:02}"}}"#);
        assert_eq!(app.send_json("POST", VERIFY, typed).await.status, 200);
    }
    let _delivering = app.deliver();
    received(&fast, 20).await;
    until(|| slow.requests().len() >= 8).await;
    assert_eq!(slow.requests().len(), 8, "the requests in flight are bounded");
}

#[tokio::test]
async fn events_survive_a_restart_and_go_only_to_the_url_that_they_were_stored_for() {
    let (old, kept, new) = (Gateway::start(Vec::new()), Gateway::start(Vec::new()), Gateway::start(Vec::new()));
    let events = vec![endpoint(&old, EventType::ALL), endpoint(&kept, EventType::ALL)];
    let mut app = TestApp::start_serving(Settings { events, ..Settings::default() }).await;
    app.create().await;
    app.send_json("POST", VERIFY, CORRECT).await;
    assert_eq!(waiting(&app).await, 2);
    let events = vec![endpoint(&kept, EventType::ALL), endpoint(&new, EventType::ALL)];
    app.restart(Settings { events, ..Settings::default() }).await;
    let _delivering = app.deliver();
    until_all_are_delivered(&app).await;
    assert_eq!([old.requests().len(), kept.requests().len(), new.requests().len()], [0, 1, 0]);
}

#[tokio::test]
async fn events_are_deleted_when_no_endpoint_is_configured() {
    let server = Gateway::start(Vec::new());
    let events = vec![endpoint(&server, EventType::ALL)];
    let mut app = TestApp::start_serving(Settings { events, ..Settings::default() }).await;
    app.create().await;
    app.send_json("POST", VERIFY, CORRECT).await;
    app.restart(Settings::default()).await;
    let _delivering = app.deliver();
    until_all_are_delivered(&app).await;
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn an_event_is_given_up_after_a_day() {
    let server = answering(&[500]);
    let events = vec![with_recipients(&server)];
    let app = TestApp::start_serving(Settings { events, ..Settings::default() }).await;
    app.create().await;
    app.send_json("POST", VERIFY, CORRECT).await;
    app.set_clock_to((START_SECONDS + 24 * 3600) * 1_000_000 + 273_219);
    app.purge().await;
    assert_eq!(waiting(&app).await, 1);
    app.set_clock_to((START_SECONDS + 24 * 3600) * 1_000_000 + 273_220);
    app.purge().await;
    assert_eq!(waiting(&app).await, 0);
    let metrics = app.send("GET", "/metrics").await.body;
    assert!(metrics.contains("otpd_events_total{outcome=\"given_up\",type=\"otp.verified\"} 1\n"), "{metrics}");
}

#[tokio::test]
async fn an_event_from_a_clock_that_was_ahead_is_delivered_at_once() {
    let server = answering(&[500, 200]);
    let events = vec![endpoint(&server, EventType::ALL)];
    let app = TestApp::start_serving(Settings { events, ..Settings::default() }).await;
    app.create().await;
    // The first event is stored too early, the second one is also tried too early.
    app.set_clock("2030-01-01T00:00:00Z");
    app.create_with(r#"{"code":7,"email":"a@b.com"}"#).await;
    app.send_json("POST", VERIFY, r#"{"code":7,"email":"a@b.com"}"#).await;
    let delivering = app.deliver();
    until_failed(&app, 1).await;
    delivering.end().await;
    app.set_clock(START);
    let _delivering = app.deliver();
    until_all_are_delivered(&app).await;
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn an_event_in_flight_is_finished_at_a_stop() {
    let slow = Reply { after: Duration::from_millis(500), answer: Some((200, String::new())) };
    let (sms, server) = (Gateway::start(Vec::new()), Gateway::start(vec![slow]));
    let sms = chain(&[http("one", &sms.url)]);
    let events = vec![endpoint(&server, &[EventType::Sent])];
    let settings = Settings {
        events,
        delivery: Delivery { chains: PerChannel { sms, ..PerChannel::default() }, ..Delivery::default() },
        ..Settings::default()
    };
    let app = TestApp::start_serving(settings).await;
    let delivering = app.deliver();
    app.send_json("POST", SEND, TO_MOBILE).await;
    received(&server, 1).await;
    delivering.end().await;
    assert_eq!((waiting(&app).await, server.requests().len()), (0, 1));
}
