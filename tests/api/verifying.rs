use std::time::Duration;

use otpd::domain::limit::Limit;
use otpd::domain::policy::Policy;
use otpd::service::Settings;

use crate::helpers::{ONE_RECIPIENT, TestApp, on_field, only, path};
use crate::outbox::delivering;
use crate::sending::{SEND, TO_MOBILE};

pub const VERIFY: &str = "/api/notifications/otp/verify";
pub const CORRECT: &str = r#"{"mobile_number":"09123456789","code":255315}"#;
pub const VERIFIED: &str = r#"{"verified":true,"id":1,"recipient":"09123456789"}"#;
pub const TOO_MANY: &str = r#"{"detail":"Too many attempts.","reason":"too_many_attempts"}"#;
const RESET_FIRST: &str =
    r#"{"detail":"Too many failures in a row. Staff has to reset the recipient.","reason":"too_many_attempts"}"#;

fn wrong(attempts_left: u32) -> String {
    format!(r#"{{"detail":"The code is wrong.","reason":"wrong_code","attempts_left":{attempts_left}}}"#)
}

pub fn attempt(code: i64) -> String {
    format!(r#"{{"mobile_number":"09123456789","code":{code}}}"#)
}

#[tokio::test]
async fn the_response_contains_the_stored_form_of_an_address() {
    let app = TestApp::start().await;
    app.create_with(r#"{"code":255315,"email":"Some@example.com"}"#).await;
    app.send_json("POST", VERIFY, r#"{"email":"sOME@EXAMPLE.com","code":255315}"#)
        .await
        .is(200, r#"{"verified":true,"id":1,"recipient":"Some@example.com"}"#);
}

#[tokio::test]
async fn codes_are_normalised_and_invalid_input_is_not_an_attempt() {
    let app = TestApp::start().await;
    for typed in [r#""255315""#, r#""۲۵۵۳۱۵""#, r#"" 255-315 ""#, r#""٢٥٥ ٣١٥""#, "255315.0"] {
        let id = app.create().await;
        let body = format!(r#"{{"mobile_number":"+98 912-345-6789","code":{typed}}}"#);
        app.send_json("POST", VERIFY, body).await.is(200, &VERIFIED.replace("\"id\":1", &format!("\"id\":{id}")));
    }
    app.create().await;
    let integer = "A valid integer is required.";
    for (body, refusal) in [
        (r#"{"mobile_number":"09123456789"}"#, on_field("code", "This field is required.")),
        (r#"{"mobile_number":"09123456789","code":null}"#, on_field("code", "This field may not be null.")),
        (r#"{"mobile_number":"09123456789","code":""}"#, on_field("code", integer)),
        (r#"{"mobile_number":"09123456789","code":"25531x"}"#, on_field("code", integer)),
        (r#"{"mobile_number":"09123456789","code":[1]}"#, on_field("code", integer)),
        (r#"{"code":255315}"#, ONE_RECIPIENT.to_owned()),
        (
            r#"{"email":"x","code":true}"#,
            format!(r#"{{"code":["{integer}"],"email":["Enter a valid email address."]}}"#),
        ),
    ] {
        app.send_json("POST", VERIFY, body).await.is(400, &refusal);
    }
    app.send_json("POST", VERIFY, attempt(1)).await.is(400, &wrong(4));
}

#[tokio::test]
async fn a_code_allows_five_wrong_attempts() {
    let app = TestApp::start().await;
    app.create().await;
    for left in [4, 3, 2, 1, 0] {
        app.send_json("POST", VERIFY, attempt(1)).await.is(400, &wrong(left));
        assert_eq!(app.send("GET", &path(1)).await.json()["is_allow"], left > 0);
    }
    let locked = app.send_json("POST", VERIFY, CORRECT).await;
    locked.is(429, TOO_MANY);
    assert_eq!(locked.header("retry-after"), "60");
}

#[tokio::test]
async fn expired_missing_and_other_purpose_have_distinct_reasons() {
    let app = TestApp::start_serving(delivering()).await;
    let expired = r#"{"detail":"The code has expired.","reason":"expired","attempts_left":0}"#;
    let not_found = r#"{"detail":"There is no code.","reason":"not_found","attempts_left":0}"#;
    app.send_json("POST", VERIFY, CORRECT).await.is(400, not_found);
    app.send_json("POST", SEND, r#"{"mobile_number":"09123456789","purpose":"reset"}"#).await;
    let code = app.send("GET", &path(1)).await.json()["code"].as_i64().unwrap();
    app.send_json("POST", VERIFY, attempt(code)).await.is(400, not_found);
    let reset = format!(r#"{{"mobile_number":"09123456789","purpose":"reset","code":{code}}}"#);
    let other = format!(r#"{{"mobile_number":"09123456780","purpose":"reset","code":{code}}}"#);
    app.send_json("POST", VERIFY, other).await.is(400, not_found);
    app.set_clock("2025-12-29T14:43:32.273219Z");
    app.send_json("POST", VERIFY, reset.clone()).await.is(400, expired);
    app.set_clock("2025-12-29T14:43:32.273218Z");
    app.send_json("POST", VERIFY, reset).await.is(200, VERIFIED);
}

#[tokio::test]
async fn created_and_sent_codes_both_work_for_login() {
    let app = TestApp::start_serving(delivering()).await;
    app.create().await;
    app.send_json("POST", SEND, TO_MOBILE).await;
    let sent = app.send("GET", &path(2)).await.json()["code"].as_i64().unwrap();
    app.send_json("POST", VERIFY, attempt(1)).await.is(400, &wrong(4));
    app.send_json("POST", VERIFY, CORRECT).await.is(200, VERIFIED);
    app.send_json("POST", VERIFY, attempt(sent)).await.is(200, &VERIFIED.replace("\"id\":1", "\"id\":2"));
}

#[tokio::test]
async fn only_the_newest_three_codes_are_compared() {
    let app = TestApp::start().await;
    for code in 1..=4 {
        app.create_with(&format!(r#"{{"code":{code},"mobile_number":"09123456789"}}"#)).await;
    }
    app.send_json("POST", VERIFY, attempt(1)).await.is(400, &wrong(4));
    app.send_json("POST", VERIFY, attempt(2)).await.is(200, &VERIFIED.replace("\"id\":1", "\"id\":2"));
    app.send_json("POST", VERIFY, attempt(1)).await.is(200, VERIFIED);
}

#[tokio::test]
async fn a_resend_and_a_new_code_do_not_reset_the_attempts() {
    let limits = only(Limit::FailuresPerRecipientHour, 10);
    let policy = Policy { resend_cooldown: Duration::ZERO, ..Policy::default() };
    let mut app = TestApp::start_serving(Settings { limits, policy, ..delivering() }).await;
    let mut heard = 0;
    for round in 0..25 {
        app.send_json("POST", SEND, TO_MOBILE).await;
        for _ in 0..5 {
            app.send_json("POST", SEND, TO_MOBILE).await;
            let answer = app.send_json("POST", VERIFY, attempt(1)).await;
            heard += u32::from(answer.status == 400);
            assert!(answer.status == 400 || answer.body == TOO_MANY, "round {round}: {}", answer.body);
        }
    }
    assert_eq!(heard, 10);
    app.restart(Settings { limits, policy, ..delivering() }).await;
    let other = r#"{"mobile_number":"09123456789","purpose":"reset","code":1}"#;
    let locked = app.send_json("POST", VERIFY, other).await;
    locked.is(429, TOO_MANY);
    assert_eq!(locked.header("retry-after"), "3600");
    app.set_clock("2025-12-29T15:38:32.273218Z");
    assert_eq!(app.send_json("POST", VERIFY, attempt(1)).await.header("retry-after"), "1");
    app.set_clock("2025-12-29T15:38:32.273219Z");
    let accepted_again = app.send_json("POST", VERIFY, attempt(1)).await;
    assert_eq!(accepted_again.json()["reason"], "expired");
}

#[tokio::test]
async fn attempts_left_is_the_lower_of_code_and_hourly_limit() {
    let app =
        TestApp::start_serving(Settings { limits: only(Limit::FailuresPerRecipientHour, 3), ..delivering() }).await;
    app.create().await;
    for left in [2, 1, 0] {
        app.send_json("POST", VERIFY, attempt(1)).await.is(400, &wrong(left));
    }
    app.send_json("POST", VERIFY, CORRECT).await.is(429, TOO_MANY);
}

#[tokio::test]
async fn a_hundred_consecutive_failures_lock_a_recipient_until_a_reset() {
    let mut app = TestApp::start_serving(delivering()).await;
    for n in 0..100 {
        app.set_clock(&format!("2025-12-{:02}T{:02}:00:00Z", 1 + n % 28, n % 24));
        if n % 5 == 0 {
            app.create_with(r#"{"code":255315,"mobile_number":"09123456789","valid_to":"2031-01-01"}"#).await;
        }
        let purpose = if n % 2 == 0 { "login" } else { "reset" };
        let body = format!(r#"{{"mobile_number":"09123456789","code":1,"purpose":"{purpose}"}}"#);
        assert_eq!(app.send_json("POST", VERIFY, body).await.status, 400, "{n}");
    }
    app.set_clock("2030-01-01T00:00:00Z");
    app.create().await;
    app.restart(delivering()).await;
    app.send_json("POST", VERIFY, CORRECT).await.is(429, RESET_FIRST);
    app.send_json("POST", SEND, TO_MOBILE).await.is(429, RESET_FIRST);
    let told = "otpd_limited_requests_total{limit=\"otp.max_consecutive_failures\"} 2\n";
    assert!(app.send("GET", "/metrics").await.body.contains(told));
    let reset = "/api/notifications/otp/reset";
    app.send_json("POST", reset, "{}").await.is(400, ONE_RECIPIENT);
    app.send_json("POST", reset, r#"{"mobile_number":"0098 912 345 6789"}"#).await.is(204, "");
    assert_eq!(app.send_json("POST", VERIFY, CORRECT).await.status, 200);
}

#[tokio::test]
async fn a_success_resets_the_consecutive_failures() {
    let policy = Policy { max_consecutive_failures: Some(3), ..Policy::default() };
    let app = TestApp::start_serving(Settings { policy, ..delivering() }).await;
    for id in 1..=3 {
        app.create().await;
        for left in [4, 3] {
            app.send_json("POST", VERIFY, attempt(1)).await.is(400, &wrong(left));
        }
        app.send_json("POST", VERIFY, CORRECT).await.is(200, &VERIFIED.replace("\"id\":1", &format!("\"id\":{id}")));
    }
}

#[tokio::test]
async fn failures_per_token_and_hour_are_limited() {
    let app = TestApp::start_serving(Settings { limits: only(Limit::FailuresPerTokenHour, 3), ..delivering() }).await;
    app.create().await;
    for n in 0..3 {
        let body = format!(r#"{{"mobile_number":"0935345678{n}","code":1}}"#);
        assert_eq!(app.send_json("POST", VERIFY, body).await.json()["reason"], "not_found");
    }
    let refused = app.send_json("POST", VERIFY, CORRECT).await;
    refused.is(429, r#"{"detail":"Too many requests. Try again later.","reason":"rate_limited"}"#);
    assert_eq!(refused.header("retry-after"), "3600");
}
