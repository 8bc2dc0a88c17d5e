use otpd::domain::limit::{Limit, Limits};
use otpd::service::Settings;

use crate::helpers::{TestApp, on_field, only};
use crate::outbox::delivering;
use crate::sending::SEND;
use crate::verifying::VERIFY;

fn to(n: usize, client: &str) -> String {
    format!(r#"{{"mobile_number":"0912345{n:04}","client_ip":"{client}"}}"#)
}

fn attempt(n: usize, client: &str) -> String {
    format!(r#"{{"mobile_number":"0912345{n:04}","code":1,"client_ip":"{client}"}}"#)
}

#[tokio::test]
async fn one_end_user_cannot_exhaust_the_verifications_of_others() {
    let limits = Limits::new(|limit| match limit {
        Limit::FailuresPerClientHour => 30,
        Limit::FailuresPerTokenHour => 200,
        _ => 0,
    });
    let app = TestApp::start_serving(Settings { limits, ..delivering() }).await;
    app.send_json("POST", SEND, to(9999, "203.0.113.7")).await;
    for n in 0..200 {
        let refused = app.send_json("POST", VERIFY, attempt(n, "198.51.100.1")).await;
        let reason = if n < 30 { "not_found" } else { "rate_limited" };
        assert_eq!(refused.json()["reason"], reason, "{n}");
    }
    let refused = app.send_json("POST", VERIFY, attempt(0, "198.51.100.1")).await;
    refused.is(429, r#"{"detail":"Too many requests. Try again later.","reason":"rate_limited"}"#);
    assert_eq!(refused.header("retry-after"), "3600");
    let code = app.send("GET", "/api/notifications/otp/1").await.json()["code"].clone();
    let right = format!(r#"{{"mobile_number":"09123459999","code":{code},"client_ip":"203.0.113.7"}}"#);
    assert_eq!(app.send_json("POST", VERIFY, right).await.status, 200);
    let metrics = app.send("GET", "/metrics").await.body;
    assert!(
        metrics.contains("otpd_limited_requests_total{limit=\"limits.failures_per_client_hour\"} 171\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn sends_per_client_network_and_hour_are_limited() {
    let limits = only(Limit::SendsPerClientHour, 2);
    let app = TestApp::start_serving(Settings { limits, ..delivering() }).await;
    for (n, client, status) in [
        (0, "2001:db8:1:2::1", 202),
        (1, "2001:DB8:1:2:ffff::9", 202),
        (2, "2001:db8:1:2:3:4:5:6", 429),
        (3, "2001:db8:1:3::1", 202),
        (4, "198.51.100.1", 202),
        (5, "::ffff:198.51.100.1", 202),
        (6, "198.51.100.1", 429),
    ] {
        assert_eq!(app.send_json("POST", SEND, to(n, client)).await.status, status, "{client}");
    }
    for n in 10..15 {
        let without = format!(r#"{{"mobile_number":"0912345{n:04}"}}"#);
        assert_eq!(app.send_json("POST", SEND, without).await.status, 202, "a request without client_ip");
    }
}

#[tokio::test]
async fn sms_and_emails_have_separate_daily_limits() {
    let limits = Limits::new(|limit| if matches!(limit, Limit::SmsPerDay | Limit::EmailsPerDay) { 2 } else { 0 });
    let app = TestApp::start_serving(Settings { limits, ..delivering() }).await;
    for (body, status) in [
        (r#"{"email":"a@b.com"}"#, 202),
        (r#"{"email":"b@b.com"}"#, 202),
        (r#"{"email":"c@b.com"}"#, 429),
        (r#"{"mobile_number":"09123456780"}"#, 202),
        (r#"{"mobile_number":"09123456781"}"#, 202),
        (r#"{"mobile_number":"09123456782"}"#, 429),
    ] {
        assert_eq!(app.send_json("POST", SEND, body).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn an_invalid_client_ip_is_refused() {
    let app = TestApp::start_serving(delivering()).await;
    let refusal = on_field("client_ip", "Enter a valid IPv4 or IPv6 address.");
    for client in [r#""198.51.100.256""#, r#""198.51.100.1:80""#, r#""x""#, "1", r#""[::1]""#] {
        let body = format!(r#"{{"mobile_number":"09123456789","code":1,"client_ip":{client}}}"#);
        app.send_json("POST", SEND, body.as_str()).await.is(400, &refusal);
        app.send_json("POST", VERIFY, body).await.is(400, &refusal);
    }
    for (client, message) in [
        ("null", "This field may not be null."),
        (r#""""#, "This field may not be blank."),
        ("true", "Not a valid string."),
        ("[]", "Not a valid string."),
    ] {
        let body = format!(r#"{{"mobile_number":"09123456789","client_ip":{client}}}"#);
        app.send_json("POST", SEND, body).await.is(400, &on_field("client_ip", message));
    }
    let form = "mobile_number=09123456789&client_ip=";
    assert_eq!(app.send_body("POST", SEND, "application/x-www-form-urlencoded", form).await.status, 202);
}
