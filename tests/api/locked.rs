//! The recipients that are locked out or paused by a limit.

use otpd::domain::limit::{Limit, Limits};
use otpd::domain::policy::Policy;
use otpd::domain::recipient::{MobileNumber, Recipient};
use otpd::domain::recipient_state::{Pause, RecipientState, Usage};
use otpd::domain::timestamp::Timestamp;
use otpd::service::Settings;

use crate::helpers::TestApp;
use crate::outbox::delivering;
use crate::sending::SEND;
use crate::verifying::VERIFY;

fn limited(allowed: u32) -> Settings {
    let limits = Limits::new(|limit| match limit {
        Limit::SendsPerRecipientHour => allowed,
        Limit::SendsPerRecipientDay => allowed + 1,
        Limit::FailuresPerRecipientHour => 3,
        _ => 0,
    });
    let policy = Policy { max_consecutive_failures: Some(4), ..Policy::default() };
    Settings { limits, policy, ..delivering() }
}

fn number(last: u32) -> String {
    format!("0912345678{last}")
}

async fn send(app: &TestApp, last: u32, moment: &str) {
    app.set_clock(moment);
    app.send_json("POST", SEND, format!(r#"{{"mobile_number":"{}"}}"#, number(last))).await;
}

async fn fail(app: &TestApp, last: u32, moment: &str) {
    app.set_clock(moment);
    let body = format!(r#"{{"mobile_number":"{}","code":1}}"#, number(last));
    assert_eq!(app.send_json("POST", VERIFY, body).await.status, 400);
}

async fn numbers(app: &TestApp) -> Vec<String> {
    let list = app.service().list_locked().await.unwrap();
    assert!(!list.has_more);
    list.recipients.iter().map(|state| state.recipient.as_str().to_owned()).collect()
}

#[tokio::test]
async fn paused_and_locked_recipients_are_listed_until_the_pause_ends() {
    for allowed in [1, 2, 3, 4] {
        let app = TestApp::start_serving(limited(allowed)).await;
        for n in 0..allowed {
            send(&app, 1, &format!("2025-12-29T10:{:02}:00Z", 2 * n)).await;
        }
        send(&app, 2, "2025-12-29T10:10:00Z").await;
        assert_eq!(numbers(&app).await.contains(&number(2)), allowed == 1, "{allowed}");
        assert!(numbers(&app).await.contains(&number(1)), "{allowed}");
        let list = app.service().list_locked().await.unwrap();
        let state = list.recipients.iter().find(|state| state.recipient.as_str() == number(1)).unwrap();
        let until = Timestamp::parse("2025-12-29T11:00:00Z").unwrap();
        assert_eq!(state.pauses, [Pause { limit: "limits.sends_per_recipient_hour", until }]);
        assert_eq!((state.until(), state.is_locked), (Some(until), false));
        assert_eq!(state.sends_per_hour, Usage { used: allowed, allowed: Some(allowed) });
        app.set_clock("2025-12-29T11:00:00Z");
        assert!(!numbers(&app).await.contains(&number(1)), "{allowed}");
    }
}

#[tokio::test]
async fn failures_pause_a_recipient_and_then_lock_it() {
    let app = TestApp::start_serving(limited(5)).await;
    for minute in 0..3 {
        fail(&app, 1, &format!("2025-12-29T10:{minute:02}:00Z")).await;
    }
    let recipient = Recipient::Mobile(MobileNumber::parse(&number(1)).unwrap());
    let until = Timestamp::parse("2025-12-29T11:00:00Z").unwrap();
    let unused = |allowed| Usage { used: 0, allowed: Some(allowed) };
    let expected = RecipientState {
        recipient: recipient.clone(),
        consecutive_failures: 3,
        is_locked: false,
        pauses: vec![Pause { limit: "otp.recipient_attempts_per_hour", until }],
        sends_per_hour: unused(5),
        sends_per_day: unused(6),
        failures_per_hour: Usage { used: 3, allowed: Some(3) },
    };
    assert_eq!(app.service().list_locked().await.unwrap().recipients, std::slice::from_ref(&expected));
    assert_eq!(app.service().recipient_state(recipient.clone()).await.unwrap(), expected);
    fail(&app, 1, "2025-12-29T11:30:00Z").await;
    let locked = app.service().recipient_state(recipient.clone()).await.unwrap();
    assert_eq!((locked.is_locked, locked.until(), locked.consecutive_failures), (true, None, 4));
    app.set_clock("2026-01-29T11:30:00Z");
    assert_eq!(numbers(&app).await, [number(1)]);
    let overview = app.service().overview(otpd::domain::figures::period::PeriodLength::Hour).await.unwrap();
    assert_eq!(overview.locked, 1);
    app.send_json("POST", "/api/notifications/otp/reset", format!(r#"{{"mobile_number":"{}"}}"#, number(1))).await;
    assert_eq!(numbers(&app).await, [""; 0]);
    assert!(!app.service().recipient_state(recipient).await.unwrap().is_limited());
}

#[tokio::test]
async fn a_list_is_bounded() {
    let app = TestApp::start_serving(limited(5)).await;
    app.store
        .write(|db| {
            let sql = "INSERT INTO recipients (recipient, consecutive_failures, last_failed_at)
                       WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 249)
                       SELECT '0912000' || substr(CAST(10000 + i AS TEXT), 2), 4 + i, 0 FROM n";
            db.execute(sql, &[])
        })
        .await
        .unwrap();
    let list = app.service().list_locked().await.unwrap();
    assert_eq!((list.recipients.len(), list.has_more), (200, true));
    assert_eq!(list.recipients[0].recipient.as_str(), "09120000249", "the most failures come first");
}
