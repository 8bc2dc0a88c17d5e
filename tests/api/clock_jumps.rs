//! The clock is 400 days fast or slow and is then corrected. Rows stored with the wrong time are not trusted.

use std::time::Duration;

use otpd::domain::limit::{Limit, Limits};
use otpd::service::Settings;
use serde_json::Value;

use crate::helpers::{OTPS, START, START_PLUS_EXPIRATION, TestApp, answer, deliveries, path};
use crate::outbox::{Gateway, delivering, first_body, with_sms};
use crate::sending::{SEND, TO_MOBILE};
use crate::verifying::VERIFY;

const AHEAD: &str = "2027-02-02T14:38:32.273219Z";
const BEHIND: &str = "2024-11-24T14:38:32.273219Z";
const WRONG: &str = r#"{"mobile_number":"09123456789","code":1}"#;

/// Every limit is two.
fn limited() -> Settings {
    Settings { limits: Limits::new(|_| 2), ..delivering() }
}

#[tokio::test]
async fn limits_and_cooldowns_of_a_wrong_clock_end_with_its_correction() {
    for wrong in [AHEAD, BEHIND] {
        let mut app = TestApp::start_serving(limited()).await;
        app.set_clock(wrong);
        for n in 0..2 {
            let to = format!(r#"{{"mobile_number":"0912345678{n}","client_ip":"198.51.100.1"}}"#);
            assert_eq!(app.send_json("POST", SEND, to).await.status, 202);
            let attempt = r#"{"mobile_number":"09123456780","code":1,"client_ip":"198.51.100.1"}"#;
            app.send_json("POST", VERIFY, attempt).await;
        }
        assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.status, 429, "the token's limit");
        app.set_clock(START);
        app.restart(limited()).await;
        for (n, id) in [(0, 3), (1, 4)] {
            let to = format!(r#"{{"mobile_number":"0912345678{n}","client_ip":"198.51.100.1"}}"#);
            app.send_json("POST", SEND, to).await.is(202, &app.expected_receipt(id, &format!("0912345678{n}")));
        }
        for left in [1, 0] {
            let attempt = r#"{"mobile_number":"09123456780","code":1,"client_ip":"198.51.100.1"}"#;
            let refused = app.send_json("POST", VERIFY, attempt).await.json();
            assert_eq!(
                (&refused["reason"], &refused["attempts_left"]),
                (&"wrong_code".into(), &left.into()),
                "{wrong}"
            );
        }
        // The limits count requests at the corrected time.
        let third = app.send_json("POST", SEND, TO_MOBILE).await;
        assert_eq!((third.status.as_u16(), third.header("retry-after")), (429, "60"), "{wrong}");
        let third = app.send_json("POST", VERIFY, WRONG).await;
        assert_eq!((third.status.as_u16(), third.header("retry-after")), (429, "3600"), "{wrong}");
    }
}

#[tokio::test]
async fn rows_stored_with_a_wrong_time_never_count() {
    let app = TestApp::start_serving(limited()).await;
    app.set_clock(AHEAD);
    for n in 0..2 {
        app.send_json("POST", SEND, format!(r#"{{"mobile_number":"0912345678{n}"}}"#)).await;
        app.send_json("POST", VERIFY, r#"{"mobile_number":"09123456780","code":1}"#).await;
    }
    let code = app.send("GET", &path(1)).await.json()["code"].clone();
    app.set_clock(START);
    app.purge().await;
    app.set_clock(AHEAD);
    app.send_json("POST", SEND, r#"{"mobile_number":"09123456780"}"#).await.is(
        202,
        r#"{"id":3,"recipient":"09123456780","valid_to":"2027-02-02T14:43:32.273219Z","ttl":300,"resend_in":60}"#,
    );
    let old = app.send_json("POST", VERIFY, format!(r#"{{"mobile_number":"09123456780","code":{code}}}"#)).await;
    assert_eq!(old.json()["reason"], "wrong_code");
}

#[tokio::test]
async fn a_code_issued_in_the_future_is_expired_everywhere() {
    let app = TestApp::start_serving(delivering()).await;
    app.set_clock(AHEAD);
    app.send_json("POST", SEND, TO_MOBILE).await;
    let code = app.send("GET", &path(1)).await.json()["code"].clone();
    app.set_clock(START);
    let expired = |otp: &Value| assert_eq!((&otp["ttl"], &otp["is_allow"]), (&0.into(), &false.into()), "{otp}");
    expired(&app.send("GET", &path(1)).await.json());
    expired(&app.send("GET", OTPS).await.json()["results"][0]);
    for (allowed, count) in [("true", 0), ("false", 1)] {
        for ordering in ["", "&ordering=valid_to", "&ordering=code"] {
            let listed = app.send("GET", &format!("{OTPS}?is_allow={allowed}{ordering}")).await.json();
            assert_eq!(listed["count"], count, "{allowed}{ordering}");
            assert_eq!(listed["results"].as_array().unwrap().len(), count, "{allowed}{ordering}");
        }
    }
    let right = format!(r#"{{"mobile_number":"09123456789","code":{code}}}"#);
    app.send_json("POST", VERIFY, right.as_str())
        .await
        .is(400, r#"{"detail":"The code has expired.","reason":"expired","attempts_left":0}"#);
    app.send_json("POST", SEND, TO_MOBILE).await.is(202, &app.expected_receipt(2, "09123456789"));
    app.purge().await;
    let purged = app.send("GET", &path(1)).await.json();
    expired(&purged);
    assert_eq!(purged["valid_to"], START, "it is deleted when otp.retention is over");
    assert_eq!(app.send("GET", &path(2)).await.json()["is_allow"], true);
    // An update by staff makes the code valid again.
    let patched = app.send_json("PATCH", &path(1), r#"{"code":7}"#).await.json();
    assert_eq!((&patched["valid_to"], &patched["is_allow"]), (&START_PLUS_EXPIRATION.into(), &true.into()));
}

#[tokio::test]
async fn an_idempotent_response_from_the_future_is_not_repeated() {
    let app = TestApp::start_serving(delivering()).await;
    let send = || {
        let request = app.request("POST", SEND).header("Authorization", format!("Token {}", app.admin));
        answer(request.header("Idempotency-Key", "k").header("Content-Type", "application/json").body(TO_MOBILE))
    };
    app.set_clock(AHEAD);
    assert_eq!(send().await.json()["id"], 1);
    app.set_clock(START);
    send().await.is(202, &app.expected_receipt(2, "09123456789"));
    send().await.is(202, &app.expected_receipt(2, "09123456789"));
}

#[tokio::test]
async fn a_message_due_in_the_far_future_is_not_delayed_until_then() {
    let gateway = Gateway::start(vec![(500, "{}").into()]);
    let app = TestApp::start_serving(with_sms(&gateway)).await;
    app.send_json("POST", SEND, TO_MOBILE).await;
    let state = || async { app.send("GET", &deliveries(1)).await.json()[0]["state"].clone() };
    app.store.write(|db| db.execute("UPDATE messages SET due_at = due_at + 400 * 86400000000", &[])).await.unwrap();
    let _delivering = app.deliver();
    let asked = first_body(&gateway).await;
    assert!(asked.contains("09123456789"), "{asked}");
    assert_ne!(state().await, "failed");
}

#[tokio::test]
async fn a_purge_deletes_rows_from_the_future() {
    let app = TestApp::start_serving(limited()).await;
    app.set_clock(AHEAD);
    for n in 0..600 {
        app.send_json("POST", VERIFY, format!(r#"{{"mobile_number":"0912345{n:04}","code":1}}"#)).await;
    }
    app.store
        .write(|db| {
            let sql = "INSERT INTO limit_events (kind, subject, nth, at)
                       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
                       SELECT 'failure_of', 'future', i, 1801492712273219 + i FROM n";
            db.execute(sql, &[])
        })
        .await
        .unwrap();
    app.set_clock(BEHIND);
    app.send_json("POST", VERIFY, WRONG).await;
    app.set_clock(START);
    app.send_json("POST", VERIFY, WRONG).await;
    app.purge().await;
    assert_eq!(app.number("SELECT count(*) FROM limit_events").await, 2, "the two of now");
}

#[tokio::test]
async fn a_reset_allows_verifying_and_sending_again() {
    let limits = Limits::new(|limit| match limit {
        Limit::SendsPerRecipientHour | Limit::SendsPerRecipientDay | Limit::FailuresPerRecipientHour => 1,
        _ => 0,
    });
    let app = TestApp::start_serving(Settings { limits, ..delivering() }).await;
    app.send_json("POST", SEND, TO_MOBILE).await;
    app.send_json("POST", VERIFY, WRONG).await;
    app.set_clock("2025-12-29T14:40:32.273219Z");
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.json()["reason"], "rate_limited");
    assert_eq!(app.send_json("POST", VERIFY, WRONG).await.json()["reason"], "too_many_attempts");
    app.send_json("POST", "/api/notifications/otp/reset", TO_MOBILE).await.is(204, "");
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.status, 202);
    assert_eq!(app.send_json("POST", VERIFY, WRONG).await.json()["reason"], "wrong_code");
}

/// Sets a correct clock to START plus `later`, runs the purge and returns the number of rows in `recipients`.
async fn recipients_after(app: &TestApp, later: Duration) -> i64 {
    let moment = otpd::domain::timestamp::Timestamp::parse(START).unwrap().plus(later);
    app.set_clock(&moment.to_string());
    app.purge().await;
    app.number("SELECT count(*) FROM recipients").await
}

#[tokio::test]
async fn a_recipient_is_purged_30_days_after_a_failure_or_400_if_locked() {
    const DAY: u64 = 24 * 3600;
    let days = |days: u64| Duration::from_secs(days * DAY);
    let policy = otpd::domain::policy::Policy { max_consecutive_failures: Some(3), ..Default::default() };
    let app = TestApp::start_serving(Settings { policy, ..delivering() }).await;
    app.send_json("POST", VERIFY, WRONG).await;
    for _ in 0..3 {
        app.send_json("POST", VERIFY, r#"{"email":"locked@b.com","code":1}"#).await;
    }
    assert_eq!(recipients_after(&app, days(30)).await, 2);
    assert_eq!(recipients_after(&app, days(30) + Duration::from_micros(1)).await, 1);
    let locked = app.send_json("POST", VERIFY, r#"{"email":"locked@b.com","code":1}"#).await;
    assert_eq!(locked.status, 429);
    assert_eq!(recipients_after(&app, days(400)).await, 1);
    assert_eq!(recipients_after(&app, days(400) + Duration::from_micros(1)).await, 0);
}

#[tokio::test]
async fn a_lockout_survives_a_purge_with_a_slow_clock() {
    let policy = otpd::domain::policy::Policy { max_consecutive_failures: Some(2), ..Default::default() };
    let app = TestApp::start_serving(Settings { policy, ..delivering() }).await;
    for _ in 0..2 {
        app.send_json("POST", VERIFY, WRONG).await;
    }
    app.set_clock("1970-01-01T00:00:10Z");
    app.purge().await;
    assert_eq!(recipients_after(&app, Duration::from_secs(60)).await, 1);
    assert_eq!(app.send_json("POST", VERIFY, WRONG).await.json()["reason"], "too_many_attempts");
}

#[tokio::test]
async fn a_staff_code_from_the_future_is_expired_until_an_update() {
    let app = TestApp::start().await;
    let old = app.create().await;
    app.set_clock(AHEAD);
    let new = app.create().await;
    app.send_json("PATCH", &path(old), r#"{"code":5}"#).await;
    app.set_clock(START);
    for id in [old, new] {
        let otp = app.send("GET", &path(id)).await.json();
        assert_eq!((&otp["ttl"], &otp["is_allow"]), (&0.into(), &false.into()), "{otp}");
        let attempt = format!(r#"{{"mobile_number":"09123456789","code":{}}}"#, otp["code"]);
        assert_eq!(app.send_json("POST", VERIFY, attempt).await.status, 400);
        assert_eq!(app.send("GET", &format!("{OTPS}?is_allow=true")).await.json()["count"], 0);
    }
    for id in [old, new] {
        let otp = app.send_json("PATCH", &path(id), "{}").await.json();
        assert_eq!((&otp["ttl"], &otp["is_allow"]), (&300.into(), &true.into()), "{otp}");
    }
    assert_eq!(app.send("GET", &format!("{OTPS}?is_allow=true")).await.json()["count"], 2);
}

#[tokio::test]
async fn after_400_days_no_table_holds_a_number_or_an_address() {
    // Each failure locks the recipient out, and is an event with the whole recipient.
    let policy = otpd::domain::policy::Policy { max_consecutive_failures: Some(1), ..Default::default() };
    let events = vec![crate::events::with_recipients(&crate::gateway::Gateway::start(Vec::new()))];
    let app = TestApp::start_serving(Settings { policy, events, ..delivering() }).await;
    for body in [TO_MOBILE, r#"{"email":"canary@b.com"}"#] {
        app.send_json("POST", SEND, body).await;
        app.send_json("POST", VERIFY, body.replace('}', r#","code":1}"#)).await;
    }
    assert_eq!(crate::events::waiting(&app).await, 2);
    let moment = otpd::domain::timestamp::Timestamp::parse(START).unwrap().plus(Duration::from_secs(401 * 24 * 3600));
    app.set_clock(&moment.to_string());
    app.purge().await;
    assert_eq!(app.purge_expired(Duration::from_secs(72 * 3600)).await, 2);
    // Reads SQLite's own list of the tables.
    let db = rusqlite::Connection::open(app.folder.path().join("otp.db")).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'otp_search%'";
    let mut tables = db.prepare(sql).unwrap();
    for table in tables.query_map([], |row| row.get::<_, String>(0)).unwrap() {
        let table = table.unwrap();
        let mut statement = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let width = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<rusqlite::types::Value> = (0..width).map(|n| row.get(n).unwrap()).collect();
            let row = format!("{table}: {values:?}");
            assert!(!row.contains("canary") && !row.contains("9123456789"), "{row}");
        }
    }
}
