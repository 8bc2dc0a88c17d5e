//! Events: when they are stored, and the requests that report them.

use std::time::Duration;

use otpd::delivery::{Endpoint, EndpointSettings};
use otpd::domain::attempt::DeliveryStatus;
use otpd::domain::policy::Policy;
use otpd::domain::webhook::{EventType, WebhookSecret};
use otpd::service::Settings;
use otpd::store::event_deliveries;

use crate::databases::on_postgres;
use crate::gateway::ReceivedRequest;
use crate::helpers::{START, TestApp, path, until};
use crate::outbox::{Gateway, Reply, delivering, with_sms};
use crate::outbox_faults::history;
use crate::scripted::Scripted;
use crate::sending::{SEND, TO_MOBILE};
use crate::verifying::{CORRECT, VERIFY};

pub const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const WRONG: &str = r#"{"mobile_number":"09123456789","code":1}"#;
/// START in seconds since 1970.
pub const START_SECONDS: i64 = 1_767_019_112;

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
pub fn endpoint(server: &Gateway, types: &[EventType]) -> Endpoint {
    Endpoint::new(settings_of(&server.url, types)).unwrap()
}

/// An endpoint that gets all events, with whole recipients.
pub fn with_recipients(server: &Gateway) -> Endpoint {
    let settings = settings_of(&server.url, EventType::ALL);
    Endpoint::new(EndpointSettings { include_recipient: true, ..settings }).unwrap()
}

pub fn answering(statuses: &[u16]) -> Gateway {
    Gateway::start(statuses.iter().map(|status| Reply::from((*status, ""))).collect())
}

pub async fn received(server: &Gateway, count: usize) -> Vec<ReceivedRequest> {
    until(|| server.requests().len() >= count).await;
    server.requests()
}

pub fn header(request: &ReceivedRequest, name: &str) -> String {
    let value = request.1.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    value.unwrap_or_else(|| panic!("no {name}: {}", request.1)).to_owned()
}

pub async fn waiting(app: &TestApp) -> i64 {
    app.store.read(event_deliveries::count).await.unwrap()
}

/// Waits until no event waits.
pub async fn until_all_are_delivered(app: &TestApp) {
    let begun = std::time::Instant::now();
    while waiting(app).await > 0 {
        assert!(begun.elapsed() < Duration::from_secs(120), "an event is not delivered");
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
            r#"{{"type":"otp.sent","timestamp":"{START}","data":{{"id":1,"recipient":"0912***6789","channel":"sms","purpose":"login","message":1,"provider":"one","state":"sent"}}}}"#
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
async fn a_message_that_no_provider_accepts_is_reported_as_undelivered() {
    let (sms, server) = (answering(&[403]), Gateway::start(Vec::new()));
    let events = vec![endpoint(&server, EventType::ALL)];
    let app = TestApp::start_serving(Settings { events, ..with_sms(&sms) }).await;
    let _delivering = app.deliver();
    app.send_json("POST", SEND, TO_MOBILE).await;
    history(&app, 1, 0, "failed").await;
    let expected = format!(
        r#"{{"type":"otp.undelivered","timestamp":"{START}","data":{{"id":1,"recipient":"0912***6789","channel":"sms","purpose":"login","message":1,"provider":"one","state":"failed"}}}}"#
    );
    assert_eq!(received(&server, 1).await[0].2, expected);
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
    if on_postgres() {
        return;
    }
    let server = Gateway::start(Vec::new());
    let events = vec![endpoint(&server, EventType::ALL)];
    let app = TestApp::start_serving(Settings { events, ..Settings::default() }).await;
    app.create().await;
    // The trigger makes the transaction fail after the event is stored.
    let sql =
        "CREATE TEMP TRIGGER refused AFTER INSERT ON main.event_deliveries BEGIN SELECT RAISE(ABORT, 'refused'); END";
    app.store.write(move |db| db.execute(sql, &[])).await.unwrap();
    assert_eq!(app.send_json("POST", VERIFY, CORRECT).await.status, 500);
    assert_eq!(waiting(&app).await, 0);
    assert_eq!(app.send("GET", &path(1)).await.json()["is_allow"], true);
}

#[tokio::test]
async fn a_delivery_report_is_reported_once() {
    for (status, kind) in [
        (DeliveryStatus::Delivered, "otp.delivered"),
        (DeliveryStatus::Undelivered, "otp.undelivered"),
        (DeliveryStatus::Blocked, "otp.undelivered"),
    ] {
        let server = Gateway::start(Vec::new());
        let events = vec![endpoint(&server, &[EventType::Delivered, EventType::Undelivered])];
        let app =
            TestApp::start_serving(Settings { events, ..crate::scripted::with_sms(&[&Scripted::new("one")]) }).await;
        app.send_json("POST", SEND, TO_MOBILE).await;
        let delivering = app.deliver();
        history(&app, 1, 0, "sent").await;
        delivering.end().await;
        for status in [DeliveryStatus::Waiting, status, DeliveryStatus::Delivered] {
            app.service().receive_report("one", "one-1", status).await.unwrap();
        }
        assert_eq!(waiting(&app).await, 1, "{status:?}");
        let _delivering = app.deliver();
        let expected = format!(
            r#"{{"type":"{kind}","timestamp":"{START}","data":{{"id":1,"recipient":"0912***6789","channel":"sms","purpose":"login","message":1,"provider":"one","state":"{}"}}}}"#,
            status.as_str()
        );
        assert_eq!(received(&server, 1).await[0].2, expected);
    }
}
