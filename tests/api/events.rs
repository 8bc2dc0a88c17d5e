//! Events that are delivered to the endpoints of the operator.

use std::time::Duration;

use otpd::delivery::{Delivery, Endpoint, EndpointSettings};
use otpd::domain::policy::Policy;
use otpd::domain::webhook::{EventType, WebhookSecret};
use otpd::service::Settings;
use otpd::store::event_deliveries;
use serde_json::Value;

use crate::gateway::ReceivedRequest;
use crate::helpers::{START, TestApp, path, until};
use crate::outbox::{Gateway, Reply, chain, delivering, http, with_sms};
use crate::outbox_faults::history;
use crate::sending::{SEND, TO_MOBILE};
use crate::verifying::{CORRECT, VERIFY};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const WRONG: &str = r#"{"mobile_number":"09123456789","code":1}"#;
/// START in seconds since 1970.
const START_SECONDS: i64 = 1_767_019_112;

fn settings_of(url: &str, types: &[EventType]) -> EndpointSettings {
    EndpointSettings {
        url: EndpointSettings::parse_url(&format!("{url}/hook?key=Sup3rSecret")).unwrap(),
        secret: WebhookSecret::parse(SECRET).unwrap(),
        types: types.to_vec(),
        include_recipient: false,
        timeout: Duration::from_secs(10),
    }
}

/// An endpoint at a server. It gets events of these types.
fn endpoint(server: &Gateway, types: &[EventType]) -> Endpoint {
    Endpoint::new(settings_of(&server.url, types)).unwrap()
}

/// An endpoint that gets all events, with whole recipients.
fn with_recipients(server: &Gateway) -> Endpoint {
    let settings = settings_of(&server.url, EventType::ALL);
    Endpoint::new(EndpointSettings { include_recipient: true, ..settings }).unwrap()
}

fn answering(statuses: &[u16]) -> Gateway {
    Gateway::start(statuses.iter().map(|status| Reply::from((*status, ""))).collect())
}

async fn received(server: &Gateway, count: usize) -> Vec<ReceivedRequest> {
    until(|| server.requests().len() >= count).await;
    server.requests()
}

fn header(request: &ReceivedRequest, name: &str) -> String {
    let value = request.1.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    value.unwrap_or_else(|| panic!("no {name}: {}", request.1)).to_owned()
}

fn body(request: &ReceivedRequest) -> Value {
    serde_json::from_str(&request.2).unwrap()
}

async fn waiting(app: &TestApp) -> i64 {
    app.store.read(event_deliveries::count).await.unwrap()
}

/// Waits until no event waits.
async fn until_all_are_delivered(app: &TestApp) {
    let begun = std::time::Instant::now();
    while waiting(app).await > 0 {
        assert!(begun.elapsed() < Duration::from_secs(120), "an event is not delivered");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the only event has failed so many times.
async fn until_failed(app: &TestApp, attempts: u32) {
    let begun = std::time::Instant::now();
    let sql = "SELECT coalesce(max(attempts), 0) FROM event_deliveries";
    while app.store.read(move |db| Ok(db.query_row(sql, [], |row| row.get::<_, u32>(0))?)).await.unwrap() < attempts {
        assert!(begun.elapsed() < Duration::from_secs(120), "the event has not failed {attempts} times");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_sent_message_is_reported_without_its_code() {
    let (sms, server) = (Gateway::start(Vec::new()), Gateway::start(Vec::new()));
    let events = vec![endpoint(&server, EventType::ALL)];
    let app = TestApp::start_serving(Settings { events, ..with_sms(&sms) }).await;
    let _delivering = app.deliver();
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.status, 202);
    let request = received(&server, 1).await.remove(0);
    assert_eq!(request.0, "POST /hook?key=Sup3rSecret");
    assert_eq!(
        request.2,
        format!(
            r#"{{"type":"otp.sent","timestamp":"{START}","data":{{"id":1,"recipient":"0912***6789","channel":"sms","purpose":"login","message":1,"provider":"one"}}}}"#
        )
    );
    assert_eq!(header(&request, "content-type"), "application/json");
    assert_eq!(header(&request, "user-agent"), concat!("otpd/", env!("CARGO_PKG_VERSION")));
    let (id, seconds) = (header(&request, "webhook-id"), header(&request, "webhook-timestamp"));
    assert!(id.len() == 31 && id.starts_with("msg_"), "{id}");
    assert_eq!(seconds, START_SECONDS.to_string());
    let signature = WebhookSecret::parse(SECRET).unwrap().sign(&id, START_SECONDS, &request.2);
    assert_eq!(header(&request, "webhook-signature"), signature);
    let code = app.send("GET", &path(1)).await.json()["code"].to_string();
    assert!(!format!("{request:?}").contains(&code));
    until_all_are_delivered(&app).await;
    let metrics = app.send("GET", "/metrics").await.body;
    assert!(metrics.contains("otpd_events_total{outcome=\"accepted\",type=\"otp.sent\"} 1\n"), "{metrics}");
    assert!(metrics.contains("otpd_events_total{outcome=\"failed\",type=\"otp.locked_out\"} 0\n"), "{metrics}");
    assert!(metrics.contains("otpd_events_waiting 0\n"), "{metrics}");
}

#[tokio::test]
async fn a_message_that_no_provider_accepts_is_not_reported() {
    let (sms, server) = (answering(&[403]), Gateway::start(Vec::new()));
    let events = vec![endpoint(&server, EventType::ALL)];
    let app = TestApp::start_serving(Settings { events, ..with_sms(&sms) }).await;
    let delivering = app.deliver();
    app.send_json("POST", SEND, TO_MOBILE).await;
    history(&app, 1, 0, "failed").await;
    delivering.end().await;
    assert_eq!((waiting(&app).await, server.requests().len()), (0, 0));
}

#[tokio::test]
async fn a_verification_is_reported_with_the_whole_recipient_only_if_it_is_to_be_included() {
    let (masked, whole) = (Gateway::start(Vec::new()), Gateway::start(Vec::new()));
    let events = vec![endpoint(&masked, EventType::ALL), with_recipients(&whole)];
    let app = TestApp::start_serving(Settings { events, ..Settings::default() }).await;
    let _delivering = app.deliver();
    app.create().await;
    assert_eq!(app.send_json("POST", VERIFY, WRONG).await.status, 400);
    assert_eq!(app.send_json("POST", VERIFY, CORRECT).await.status, 200);
    assert_eq!(app.send_json("POST", VERIFY, CORRECT).await.status, 400);
    let expected = format!(
        r#"{{"type":"otp.verified","timestamp":"{START}","data":{{"id":1,"recipient":"0912***6789","channel":"sms","purpose":"login"}}}}"#
    );
    let (one, other) = (received(&masked, 1).await.remove(0), received(&whole, 1).await.remove(0));
    assert_eq!(one.2, expected);
    assert_eq!(other.2, expected.replace("0912***6789", "09123456789"));
    assert_eq!(header(&one, "webhook-id"), header(&other, "webhook-id"));
    assert!(!format!("{one:?}{other:?}").contains("255315"));
    until_all_are_delivered(&app).await;
    assert_eq!((masked.requests().len(), whole.requests().len()), (1, 1), "each event is delivered once");
}

#[tokio::test]
async fn a_lock_out_is_reported_once() {
    let server = Gateway::start(Vec::new());
    let events = vec![endpoint(&server, &[EventType::LockedOut])];
    let policy = Policy { max_consecutive_failures: Some(3), max_attempts: 10, ..Policy::default() };
    let app = TestApp::start_serving(Settings { events, policy, ..delivering() }).await;
    app.create().await;
    for status in [400, 400, 400, 429, 429] {
        assert_eq!(app.send_json("POST", VERIFY, WRONG).await.status, status);
    }
    // Without a code, and after a reset.
    let other = r#"{"email":"a@b.com","code":1,"purpose":"reset"}"#;
    for _ in 0..3 {
        assert_eq!(app.send_json("POST", VERIFY, other).await.status, 400);
    }
    app.send_json("POST", "/api/notifications/otp/reset", TO_MOBILE).await;
    for status in [400, 400, 400, 429] {
        assert_eq!(app.send_json("POST", VERIFY, WRONG).await.status, status);
    }
    assert_eq!(waiting(&app).await, 3);
    let _delivering = app.deliver();
    until_all_are_delivered(&app).await;
    let mut bodies: Vec<String> = server.requests().into_iter().map(|request| request.2).collect();
    bodies.sort();
    let of = |data: &str| format!(r#"{{"type":"otp.locked_out","timestamp":"{START}","data":{{{data}}}}}"#);
    let locked = of(r#""id":1,"recipient":"0912***6789","channel":"sms","purpose":"login""#);
    let without_code = of(r#""id":null,"recipient":"a***@b.com","channel":"email","purpose":"reset""#);
    assert_eq!(bodies, [locked.clone(), locked, without_code]);
}

#[tokio::test]
async fn an_endpoint_gets_only_its_types() {
    let server = Gateway::start(Vec::new());
    let events = vec![endpoint(&server, &[EventType::Sent, EventType::LockedOut])];
    let app = TestApp::start_serving(Settings { events, ..Settings::default() }).await;
    app.create().await;
    assert_eq!(app.send_json("POST", VERIFY, CORRECT).await.status, 200);
    assert_eq!(waiting(&app).await, 0);
}

#[tokio::test]
async fn a_refused_verification_stores_no_event() {
    let server = Gateway::start(Vec::new());
    let events = vec![endpoint(&server, EventType::ALL)];
    let app = TestApp::start_serving(Settings { events, ..Settings::default() }).await;
    app.create().await;
    // The trigger makes the transaction fail after the event is stored.
    let sql =
        "CREATE TEMP TRIGGER refused AFTER INSERT ON main.event_deliveries BEGIN SELECT RAISE(ABORT, 'refused'); END";
    app.store.write(move |db| Ok(db.execute_batch(sql)?)).await.unwrap();
    assert_eq!(app.send_json("POST", VERIFY, CORRECT).await.status, 500);
    assert_eq!(waiting(&app).await, 0);
    assert_eq!(app.send("GET", &path(1)).await.json()["is_allow"], true);
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
    assert_eq!(body(&requests[2])["timestamp"], START, "the time of the event does not change");
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
    let settings = Settings { events, delivery: Delivery { sms, ..Delivery::default() }, ..Settings::default() };
    let app = TestApp::start_serving(settings).await;
    let delivering = app.deliver();
    app.send_json("POST", SEND, TO_MOBILE).await;
    received(&server, 1).await;
    delivering.end().await;
    assert_eq!((waiting(&app).await, server.requests().len()), (0, 1));
}
