use std::time::Duration;

use otpd::domain::policy::Policy;
use otpd::service::Settings;
use serde_json::Value;

use crate::helpers::{TestApp, deliveries, path};
use crate::outbox::{Gateway, delivering, first_body, with_sms};
use crate::sending::{SEND, TO_MOBILE};
use crate::verifying::VERIFY;

async fn verify(app: &TestApp, code: &Value) -> Value {
    app.send_json("POST", VERIFY, format!(r#"{{"mobile_number":"09123456789","code":{code}}}"#)).await.json()
}

#[tokio::test]
async fn a_resend_in_the_last_minute_issues_a_new_code_and_the_old_one_stays_valid() {
    let app = TestApp::start_serving(delivering()).await;
    app.send_json("POST", SEND, TO_MOBILE).await.is(202, &app.expected_receipt(1, "09123456789"));
    app.set_clock("2025-12-29T14:42:32.273220Z");
    let late = app.send_json("POST", SEND, TO_MOBILE).await;
    late.is(
        202,
        r#"{"id":2,"recipient":"09123456789","valid_to":"2025-12-29T14:47:32.273220Z","ttl":300,"resend_in":60}"#,
    );
    let old = app.send("GET", &path(1)).await.json();
    assert_eq!((&old["is_allow"], &old["ttl"]), (&true.into(), &59.into()));
    assert_eq!(app.send("GET", &deliveries(1)).await.json()[0]["state"], "cancelled", "its message still waited");
    assert_eq!(verify(&app, &old["code"]).await["id"], 1);
}

#[tokio::test]
async fn a_new_code_does_not_reset_the_attempts() {
    let app = TestApp::start_serving(delivering()).await;
    app.send_json("POST", SEND, TO_MOBILE).await;
    let wrong = Value::from(1);
    assert_eq!(verify(&app, &wrong).await["attempts_left"], 4);
    assert_eq!(verify(&app, &wrong).await["attempts_left"], 3);
    app.set_clock("2025-12-29T14:43:30.273219Z");
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.json()["id"], 2);
    assert_eq!(verify(&app, &wrong).await["attempts_left"], 2);
    app.set_clock("2025-12-29T14:43:33.273219Z");
    assert_eq!(verify(&app, &wrong).await["attempts_left"], 1, "after the old code has expired");
    assert_eq!(verify(&app, &wrong).await["attempts_left"], 0);
    assert_eq!(verify(&app, &wrong).await["reason"], "too_many_attempts");
}

#[tokio::test]
async fn a_short_lived_code_is_resent_until_half_of_its_lifetime() {
    let policy =
        Policy { expiration: Duration::from_secs(40), resend_cooldown: Duration::from_secs(1), ..Policy::default() };
    let app = TestApp::start_serving(Settings { policy, ..delivering() }).await;
    for (second, id, ttl) in [("32", 1, 40), ("52", 1, 20), ("53", 2, 40)] {
        app.set_clock(&format!("2025-12-29T14:38:{second}.273219Z"));
        let sent = app.send_json("POST", SEND, TO_MOBILE).await.json();
        assert_eq!((&sent["id"], &sent["ttl"]), (&id.into(), &ttl.into()), "{second}");
    }
}

#[tokio::test]
async fn a_message_never_states_more_than_the_remaining_minutes() {
    for (at, text) in [
        ("2025-12-29T14:38:32.273219Z", "5"),
        ("2025-12-29T14:38:32.273220Z", "4"),
        ("2025-12-29T14:38:33.273219Z", "4"),
        ("2025-12-29T14:42:32.273219Z", "1"),
        ("2025-12-29T14:42:33.273219Z", "کمتر از 1"),
        ("2025-12-29T14:43:30.273219Z", "کمتر از 1"),
    ] {
        let gateway = Gateway::start(Vec::new());
        let app = TestApp::start_serving(with_sms(&gateway)).await;
        app.send_json("POST", SEND, TO_MOBILE).await;
        app.set_clock(at);
        let _delivering = app.deliver();
        let asked = first_body(&gateway).await;
        assert!(asked.contains(&format!("اعتبار: {text} دقیقه")), "{at}: {asked}");
    }
}
