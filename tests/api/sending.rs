use std::time::Duration;

use otpd::domain::limit::Limit;
use otpd::domain::policy::Policy;
use otpd::service::Settings;

use crate::helpers::{NOT_FOUND, ONE_RECIPIENT, OTPS, TestApp, answer, deliveries, on_field, only, path};
use crate::outbox::{Gateway, delivering, with_sms};

pub const SEND: &str = "/api/notifications/otp/send";
pub const TO_MOBILE: &str = r#"{"mobile_number":"09123456789"}"#;

#[tokio::test]
async fn a_code_that_got_another_recipient_delays_no_message_to_it() {
    let app = TestApp::start_serving(delivering()).await;
    let send = |to: &'static str| app.send_json("POST", SEND, to);
    let update = async |id: i64, body: &str| assert_eq!(app.send_json("PATCH", &path(id), body).await.status, 200);
    let mistyped = send(r#"{"mobile_number":"09123456788"}"#).await.json()["id"].as_i64().unwrap();
    update(mistyped, r#"{"mobile_number":"09123456789"}"#).await;
    let sent = send(TO_MOBILE).await;
    assert_eq!(sent.status.as_u16(), 202, "{}", sent.body);
    update(sent.json()["id"].as_i64().unwrap(), r#"{"code":1}"#).await;
    assert_eq!(send(TO_MOBILE).await.json()["reason"], "too_soon");
}

#[tokio::test]
async fn another_spelling_of_an_address_does_not_end_the_wait() {
    let app = TestApp::start_serving(delivering()).await;
    let send = || app.send_json("POST", SEND, r#"{"email":"some@email.com"}"#);
    let id = send().await.json()["id"].as_i64().unwrap();
    assert_eq!(app.send_json("PATCH", &path(id), r#"{"email":"SOME@email.com"}"#).await.status, 200);
    assert_eq!(send().await.json()["reason"], "too_soon");
}

#[tokio::test]
async fn the_response_to_a_send_does_not_contain_the_code() {
    let app = TestApp::start_serving(delivering()).await;
    let sent = app.send_json("POST", SEND, r#"{"mobile_number":"+98 912 345 6789"}"#).await;
    sent.is(
        202,
        r#"{"id":1,"recipient":"09123456789","valid_to":"2025-12-29T14:43:32.273219Z","ttl":300,"resend_in":60}"#,
    );
    let otp = app.send("GET", &path(1)).await.json();
    assert_eq!((otp["recipient"].as_str(), otp["is_allow"].as_bool()), (Some("09123456789"), Some(true)));
    assert!((100_000..1_000_000).contains(&otp["code"].as_i64().unwrap()), "{otp}");
    assert!(!sent.body.contains(&otp["code"].to_string()));
}

#[tokio::test]
async fn an_invalid_send_request_is_refused_on_each_field() {
    let app = TestApp::start_serving(delivering()).await;
    let purpose = "Enter a valid purpose: 1 to 32 lower-case letters, digits, underscores or hyphens.";
    let long = format!(r#"{{"mobile_number":"09123456789","purpose":"{}"}}"#, "a".repeat(33));
    for (body, refusal) in [
        ("{}", ONE_RECIPIENT.to_owned()),
        (r#"{"mobile_number":null,"email":null}"#, ONE_RECIPIENT.to_owned()),
        (r#"{"mobile_number":"09123456789","email":"a@b.com"}"#, ONE_RECIPIENT.to_owned()),
        (r#"{"mobile_number":"0912"}"#, on_field("mobile_number", "Enter a valid mobile number.")),
        (r#"{"email":""}"#, on_field("email", "This field may not be blank.")),
        (r#"{"mobile_number":"09123456789","purpose":"Log in"}"#, on_field("purpose", purpose)),
        (&long, on_field("purpose", purpose)),
        (r#"{"mobile_number":"09123456789","purpose":null}"#, on_field("purpose", "This field may not be null.")),
        (
            r#"{"mobile_number":"09123456789","language":"de"}"#,
            on_field("language", r#"\"de\" is not a valid choice."#),
        ),
        (
            r#"{"mobile_number":"x","purpose":""}"#,
            r#"{"purpose":["This field may not be blank."],"mobile_number":["Enter a valid mobile number."]}"#
                .to_owned(),
        ),
    ] {
        app.send_json("POST", SEND, body).await.is(400, &refusal);
    }
    app.send_body("POST", SEND, "text/plain", "x")
        .await
        .is(415, r#"{"detail":"Unsupported media type \"text/plain\" in request."}"#);
    app.send_body("POST", SEND, "application/x-www-form-urlencoded", "email=&mobile_number=09123456789&purpose=")
        .await
        .is(202, &app.expected_receipt(1, "09123456789"));
    assert_eq!(app.send("GET", OTPS).await.json()["count"], 1);
}

#[tokio::test]
async fn a_resend_repeats_the_code_without_extending_it() {
    let app = TestApp::start_serving(delivering()).await;
    app.send_json("POST", SEND, TO_MOBILE).await;
    let code = app.send("GET", &path(1)).await.json()["code"].clone();
    app.set_clock("2025-12-29T14:39:32.273218Z");
    let soon = app.send_json("POST", SEND, TO_MOBILE).await;
    soon.is(429, r#"{"detail":"A code was sent a moment ago.","reason":"too_soon"}"#);
    assert_eq!(soon.header("retry-after"), "1");
    app.set_clock("2025-12-29T14:39:32.273219Z");
    app.send_json("POST", SEND, TO_MOBILE).await.is(
        202,
        r#"{"id":1,"recipient":"09123456789","valid_to":"2025-12-29T14:43:32.273219Z","ttl":240,"resend_in":60}"#,
    );
    assert_eq!(app.send("GET", &path(1)).await.json()["code"], code);
    // One minute before the code expires, the same code is sent again.
    app.set_clock("2025-12-29T14:42:32.273219Z");
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.json()["id"], 1);
    app.set_clock("2025-12-29T14:43:32.273219Z");
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.json()["id"], 2);
}

#[tokio::test]
async fn a_sent_code_is_valid_for_ten_minutes_at_most_until_staff_update_it() {
    let policy = Policy { expiration: Duration::from_secs(3600), ..Policy::default() };
    let app = TestApp::start_serving(Settings { policy, ..delivering() }).await;
    let sent = app.send_json("POST", SEND, TO_MOBILE).await.json();
    assert_eq!(sent["valid_to"], "2025-12-29T14:48:32.273219Z");
    assert_eq!(app.send_json("PATCH", &path(1), "{}").await.json()["valid_to"], "2025-12-29T15:38:32.273219Z");
    app.set_clock("2025-12-29T14:40:32.273219Z");
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.json()["id"], 2, "a code of the staff's is not repeated");
}

#[tokio::test]
async fn codes_created_by_staff_do_not_hide_sent_codes() {
    let app = TestApp::start_serving(delivering()).await;
    app.send_json("POST", SEND, TO_MOBILE).await.is(202, &app.expected_receipt(1, "09123456789"));
    for _ in 0..4 {
        app.create().await;
    }
    app.set_clock("2025-12-29T14:39:32.273219Z");
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.json()["id"], 1);
}

#[tokio::test]
async fn purposes_and_recipients_are_separate_and_case_insensitive() {
    let app = TestApp::start_serving(delivering()).await;
    for (id, body) in [
        (1, TO_MOBILE),
        (2, r#"{"mobile_number":"09123456789","purpose":"reset"}"#),
        (3, r#"{"mobile_number":"09123456780"}"#),
        (4, r#"{"email":"Some@email.com"}"#),
    ] {
        assert_eq!(app.send_json("POST", SEND, body).await.json()["id"], id, "{body}");
    }
    let same = app.send_json("POST", SEND, r#"{"email":"sOME@EMAIL.com"}"#).await;
    assert_eq!(same.json()["reason"], "too_soon");
}

#[tokio::test]
async fn every_limit_is_enforced_and_survives_a_restart() {
    for (limit, wait) in
        [(Limit::SendsPerRecipientHour, "3480"), (Limit::SendsPerRecipientDay, "86280"), (Limit::SmsPerDay, "86280")]
    {
        let limits = only(limit, 2);
        let mut app = TestApp::start_serving(Settings { limits, ..delivering() }).await;
        for minute in 38..42 {
            app.set_clock(&format!("2025-12-29T14:{minute}:32.273219Z"));
            let sent = app.send_json("POST", SEND, TO_MOBILE).await;
            if minute < 40 {
                assert_eq!(sent.status, 202, "{limit:?} {}", sent.body);
            } else if minute == 40 {
                sent.is(429, r#"{"detail":"Too many requests. Try again later.","reason":"rate_limited"}"#);
                assert_eq!(sent.header("retry-after"), wait, "{limit:?}");
                let metrics = app.send("GET", "/metrics").await.body;
                let line = format!("otpd_limited_requests_total{{limit=\"{}\"}} 1\n", limit.setting());
                assert!(metrics.contains(&line), "{metrics}");
                app.restart(Settings { limits, ..delivering() }).await;
            } else {
                assert_eq!(sent.status, 429, "{limit:?}");
            }
        }
    }
}

#[tokio::test]
async fn sends_per_minute_are_limited_per_token() {
    let limits = only(Limit::SendsPerTokenMinute, 3);
    let app = TestApp::start_serving(Settings { limits, ..delivering() }).await;
    let other = app.user("other", otpd::domain::user::Role::Admin, &[]).await;
    let to = |n: i32| format!(r#"{{"mobile_number":"0912345678{n}"}}"#);
    for n in 0..3 {
        assert_eq!(app.send_json("POST", SEND, to(n)).await.status, 202);
    }
    let refused = app.send_json("POST", SEND, to(3)).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "60"));
    let request = app.request("POST", SEND).header("Authorization", format!("Token {other}"));
    let sent = answer(request.header("Content-Type", "application/json").body(to(3))).await;
    assert_eq!(sent.status, 202);
    app.set_clock("2025-12-29T14:39:32.273219Z");
    assert_eq!(app.send_json("POST", SEND, to(4)).await.status, 202);
}

#[tokio::test]
async fn an_unreachable_recipient_is_refused() {
    let app = TestApp::start().await;
    let no_provider = on_field("mobile_number", "Messages can not be sent there: no provider is configured.");
    app.send_json("POST", SEND, TO_MOBILE).await.is(400, &no_provider);
    let mut settings = with_sms(&Gateway::start(Vec::new()));
    settings.delivery.allowed_prefixes = vec!["0912".to_owned(), "0935".to_owned()];
    let app = TestApp::start_serving(settings).await;
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.status, 202);
    let refusal = on_field("mobile_number", "Messages to this number are not allowed.");
    app.send_json("POST", SEND, r#"{"mobile_number":"09913456789"}"#).await.is(400, &refusal);
    let refusal = on_field("email", "Messages can not be sent there: no provider is configured.");
    app.send_json("POST", SEND, r#"{"email":"a@b.com"}"#).await.is(400, &refusal);
}

#[tokio::test]
async fn an_update_of_code_or_recipient_cancels_queued_messages() {
    // No delivery worker runs, so the message stays queued.
    let app = TestApp::start_serving(delivering()).await;
    app.send_json("POST", SEND, TO_MOBILE).await;
    let state = || async { app.send("GET", &deliveries(1)).await.json()[0]["state"].clone() };
    app.send_json("PATCH", &path(1), "{}").await;
    assert_eq!(state().await, "queued");
    app.send_json("PATCH", &path(1), r#"{"code":1,"mobile_number":"09123456780"}"#).await;
    assert_eq!(state().await, "cancelled", "also after staff took it over");
    app.set_clock("2025-12-29T14:44:32.273219Z");
    let id = app.send_json("POST", SEND, TO_MOBILE).await.json()["id"].as_i64().unwrap();
    app.send_json("PATCH", &path(id), r#"{"mobile_number":"09123456780"}"#).await;
    let told = app.send("GET", &deliveries(id)).await.json();
    assert_eq!(told[0]["state"], "cancelled");
    app.send("DELETE", &path(id)).await.is(204, "");
    app.send("GET", &deliveries(id)).await.is(404, NOT_FOUND);
}
