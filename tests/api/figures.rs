//! The hourly figures that sending, verifying, delivery and refusals leave behind.

use std::sync::Arc;

use otpd::domain::figures::counts::Codes;
use otpd::domain::figures::period::PeriodLength;
use otpd::domain::limit::Limit;
use otpd::domain::outbox::OnUnknown;
use otpd::domain::user::Role;
use otpd::service::Settings;

use crate::helpers::{TestApp, answer, only, path};
use crate::outbox::{Gateway, Reply, delivering, with_sms, with_two};
use crate::outbox_faults::history;
use crate::sending::{SEND, TO_MOBILE};
use crate::verifying::VERIFY;

/// The stored counts as `figure hour subject: count`. Hours are relative to that of START.
pub async fn figures(app: &TestApp) -> Vec<String> {
    rows(
        app,
        "SELECT figure, hour - 490838 AS time, subject, CAST(sum(count) AS BIGINT) AS count
           FROM hourly_figures
          GROUP BY figure, hour, subject
          ORDER BY figure, hour, subject",
    )
    .await
}

/// The result of a query for the columns `figure`, `time`, `subject` and `count`.
pub async fn rows(app: &TestApp, sql: &'static str) -> Vec<String> {
    app.store
        .read(move |db| {
            db.rows(sql, &[], |row| {
                let (figure, time, subject, count): (String, i64, String, i64) =
                    (row.get("figure")?, row.get("time")?, row.get("subject")?, row.get("count")?);
                Ok(format!("{figure} {time} {subject}: {count}"))
            })
        })
        .await
        .unwrap()
}

/// The figures without the durations of attempts, which depend on the machine.
async fn without_durations(app: &TestApp) -> Vec<String> {
    figures(app).await.into_iter().filter(|row| !row.starts_with("attempt_seconds")).collect()
}

/// Sends a code to a recipient and returns its id.
pub async fn send(app: &TestApp, recipient: &str) -> i64 {
    let sent = app.send_json("POST", SEND, recipient.to_owned()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    sent.json()["id"].as_i64().unwrap()
}

/// Verifies the code with this id, which was sent to `recipient`.
pub async fn verify(app: &TestApp, recipient: &str, id: i64) {
    let code = app.send("GET", &path(id)).await.json()["code"].clone();
    let verified = app.send_json("POST", VERIFY, recipient.replace('}', &format!(r#","code":{code}}}"#))).await;
    assert_eq!(verified.status, 200, "{}", verified.body);
}

pub fn mobile(number: u32) -> String {
    format!(r#"{{"mobile_number":"0912000{number:04}"}}"#)
}

#[tokio::test]
async fn a_code_counts_in_the_hour_in_which_it_was_first_sent() {
    let app = TestApp::start_serving(delivering()).await;
    app.set_clock("2025-12-29T14:58:00Z");
    let id = send(&app, TO_MOBILE).await;
    let email = r#"{"email":"a@b.com"}"#;
    send(&app, email).await;
    // The same code again, in the next hour.
    app.set_clock("2025-12-29T15:00:00Z");
    assert_eq!(send(&app, TO_MOBILE).await, id);
    app.set_clock("2025-12-29T15:00:25Z");
    verify(&app, TO_MOBILE, id).await;
    send(&app, &mobile(1)).await;
    let expected = [
        "codes_sent 0 email: 1",
        "codes_sent 0 sms 0912: 1",
        "codes_sent 1 sms 0912: 1",
        "codes_verified 0 sms 0912: 1",
        // 145 seconds.
        "verify_seconds 0 09: 1",
    ];
    assert_eq!(figures(&app).await, expected);
}

#[tokio::test]
async fn wrong_codes_and_the_work_of_staff_leave_no_figures() {
    let app = TestApp::start_serving(delivering()).await;
    let id = app.create().await;
    app.send_json("POST", VERIFY, r#"{"mobile_number":"09123456789","code":1}"#).await;
    assert_eq!(app.send_json("POST", VERIFY, crate::verifying::CORRECT).await.status, 200);
    app.send_json("PATCH", &path(id), r#"{"code":7}"#).await;
    app.send("DELETE", &path(id)).await;
    assert_eq!(figures(&app).await, [""; 0]);
    // A code that staff changed no longer counts as verified, and the cancellation of its message is not counted.
    let id = send(&app, TO_MOBILE).await;
    app.send_json("PATCH", &path(id), r#"{"code":255315}"#).await;
    assert_eq!(app.send_json("POST", VERIFY, crate::verifying::CORRECT).await.status, 200);
    assert_eq!(figures(&app).await, ["codes_sent 0 sms 0912: 1"]);
}

#[tokio::test]
async fn deliveries_count_by_outcome_and_provider() {
    let one = Gateway::start(vec![Reply::from((503, ""))]);
    let two = Gateway::start(vec![Reply::from((200, crate::gateway::ACCEPTED)), Reply::from((200, "<html>"))]);
    let app = TestApp::start_serving(with_two(&one.url, &two.url, OnUnknown::Stop)).await;
    let _delivering = app.deliver();
    let first = send(&app, &mobile(1)).await;
    history(&app, first, 0, "sent").await;
    let second = send(&app, &mobile(2)).await;
    history(&app, second, 0, "unknown").await;
    let expected = [
        "attempts 0 retry one: 2",
        "attempts 0 sent two: 1",
        "attempts 0 unknown two: 1",
        "codes_sent 0 sms 0912: 2",
        "codes_sent_by_provider 0 two: 1",
        "fallbacks 0 two: 1",
        "messages_ended 0 sent two: 1",
        "messages_ended 0 unknown two: 1",
    ];
    assert_eq!(without_durations(&app).await, expected);
    let totals = app.service().overview(PeriodLength::Hour).await.unwrap().totals;
    let durations = |name: &str| totals.providers[name].seconds.total();
    assert_eq!((durations("one"), durations("two")), (2, 2));
    assert_eq!((totals.providers["two"].success(), totals.fallback_share()), (Some(0.5), Some(1.0)));
}

#[tokio::test]
async fn a_message_counts_once_if_a_later_code_cancels_it() {
    let gateway = Gateway::start(Vec::new());
    let app = TestApp::start_serving(with_sms(&gateway)).await;
    send(&app, TO_MOBILE).await;
    // Less than a minute and less than half of the lifetime is left: a new code is issued.
    app.set_clock("2025-12-29T14:42:40Z");
    assert_eq!(send(&app, TO_MOBILE).await, 2);
    assert_eq!(figures(&app).await, ["codes_sent 0 sms 0912: 2", "messages_ended 0 cancelled: 1"]);
    let _delivering = app.deliver();
    history(&app, 2, 0, "sent").await;
    let expected = [
        "attempts 0 sent one: 1",
        "codes_sent 0 sms 0912: 2",
        "codes_sent_by_provider 0 one: 1",
        "messages_ended 0 cancelled: 1",
        "messages_ended 0 sent one: 1",
    ];
    assert_eq!(without_durations(&app).await, expected);
}

#[tokio::test]
async fn a_code_used_before_delivery_counts_as_a_cancelled_message() {
    let app = TestApp::start_serving(with_sms(&Gateway::start(Vec::new()))).await;
    let id = send(&app, TO_MOBILE).await;
    verify(&app, TO_MOBILE, id).await;
    let _delivering = app.deliver();
    history(&app, id, 0, "cancelled").await;
    assert!(figures(&app).await.contains(&"messages_ended 0 cancelled: 1".to_owned()));
}

#[tokio::test]
async fn concurrent_clients_are_counted_exactly_and_a_restart_loses_nothing() {
    let app = Arc::new(TestApp::start_serving(delivering()).await);
    let clients = (0..2).map(|client| {
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            for n in 0..50 {
                let recipient = mobile(client * 1000 + n);
                let id = send(&app, &recipient).await;
                if n % 2 == 0 {
                    verify(&app, &recipient, id).await;
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let mut app = Arc::into_inner(app).unwrap();
    app.restart(delivering()).await;
    let expected = ["codes_sent 0 sms 0912: 100", "codes_verified 0 sms 0912: 50", "verify_seconds 0 00: 50"];
    assert_eq!(figures(&app).await, expected);
    let overview = app.service().overview(PeriodLength::Day).await.unwrap();
    assert_eq!(overview.totals.codes(), Codes { sent: 100, verified: 50 });
    assert_eq!((overview.points.len(), overview.points[24].codes.verified_share()), (25, Some(0.5)));
}

#[tokio::test]
async fn refusals_are_stored_by_the_next_flush_with_token_and_prefix() {
    let limits = only(Limit::SendsPerTokenMinute, 1);
    let app = TestApp::start_serving(Settings { limits, ..delivering() }).await;
    send(&app, &mobile(1)).await;
    for recipient in [mobile(2), mobile(3), r#"{"email":"a@b.com"}"#.to_owned()] {
        assert_eq!(app.send_json("POST", SEND, recipient).await.status, 429);
    }
    // The cooldown is not a limit.
    assert_eq!(app.send_json("POST", SEND, mobile(1)).await.json()["reason"], "too_soon");
    assert_eq!(figures(&app).await, ["codes_sent 0 sms 0912: 1"]);
    app.service().flush_figures().await.unwrap();
    app.service().flush_figures().await.unwrap();
    let token = app.admin.chars().take(12).collect::<String>();
    let expected = [
        "codes_sent 0 sms 0912: 1".to_owned(),
        "refusals 0 limits.sends_per_token_minute: 3".to_owned(),
        "refusals_by_prefix 0 limits.sends_per_token_minute 0912: 2".to_owned(),
        format!("refusals_by_token 0 limits.sends_per_token_minute {token}: 3"),
    ];
    assert_eq!(figures(&app).await, expected);
    let overview = app.service().overview(PeriodLength::Hour).await.unwrap();
    assert_eq!((overview.totals.refused(), overview.totals.top_tokens()[0].count), (3, 3));
    assert_eq!(overview.totals.top_prefixes()[0].subject, "0912");
}

#[tokio::test]
async fn refused_verifications_count_too() {
    let limits = only(Limit::FailuresPerRecipientHour, 1);
    let app = TestApp::start_serving(Settings { limits, ..delivering() }).await;
    for _ in 0..3 {
        app.send_json("POST", VERIFY, r#"{"mobile_number":"09123456789","code":1}"#).await;
    }
    app.service().flush_figures().await.unwrap();
    assert_eq!(figures(&app).await[0], "refusals 0 otp.recipient_attempts_per_hour: 2");
}

#[tokio::test]
async fn an_hour_has_at_most_a_hundred_tokens_and_counts_the_rest_as_others() {
    let limits = only(Limit::SendsPerRecipientHour, 1);
    let app = TestApp::start_serving(Settings { limits, ..delivering() }).await;
    send(&app, TO_MOBILE).await;
    app.set_clock("2025-12-29T14:40:00Z");
    for n in 0..103 {
        let token = app.user(&format!("user{n}"), Role::Admin, &[]).await;
        let request = app.request("POST", SEND).header("Authorization", format!("Token {token}"));
        let refused = answer(request.header("Content-Type", "application/json").body(TO_MOBILE)).await;
        assert_eq!(refused.status, 429, "{n}");
    }
    app.service().flush_figures().await.unwrap();
    let tokens: Vec<String> =
        figures(&app).await.into_iter().filter(|row| row.starts_with("refusals_by_token")).collect();
    assert_eq!(tokens.len(), 101);
    assert!(tokens.contains(&"refusals_by_token 0 limits.sends_per_recipient_hour other: 3".to_owned()), "{tokens:?}");
}
