//! A code can be used once.

use otpd::domain::limit::Limit;
use otpd::service::Settings;

use crate::helpers::{OTPS, TestApp, only, path};
use crate::verifying::{CORRECT, VERIFIED, VERIFY, attempt};

#[tokio::test]
async fn a_correct_code_is_consumed_and_works_once() {
    let app = TestApp::start().await;
    app.create().await;
    app.send_json("POST", VERIFY, CORRECT).await.is(200, VERIFIED);
    assert_eq!(app.send("GET", &path(1)).await.json()["is_allow"], false);
    let used = r#"{"detail":"The code has been used.","reason":"used","attempts_left":0}"#;
    app.send_json("POST", VERIFY, CORRECT).await.is(400, used);
    assert_eq!(app.send("GET", &format!("{OTPS}?is_allow=true")).await.json()["count"], 0);
    assert_eq!(app.send("GET", &format!("{OTPS}?is_allow=false")).await.json()["count"], 1);
    // An update with the same code keeps it used. An update with another code makes it usable.
    app.send_json("PATCH", &path(1), r#"{"code":255315}"#).await;
    app.send_json("POST", VERIFY, CORRECT).await.is(400, used);
    app.send_json("PATCH", &path(1), r#"{"code":255316}"#).await;
    app.send_json("POST", VERIFY, attempt(255_316)).await.is(200, VERIFIED);
}

#[tokio::test]
async fn a_code_stored_twice_works_once() {
    let app = TestApp::start().await;
    app.create().await;
    app.create().await;
    app.send_json("POST", VERIFY, CORRECT).await.is(200, &VERIFIED.replace(":1", ":2"));
    app.send_json("POST", VERIFY, CORRECT)
        .await
        .is(400, r#"{"detail":"The code has been used.","reason":"used","attempts_left":0}"#);
    assert_eq!(app.send("GET", &format!("{OTPS}?is_allow=true")).await.json()["count"], 0);
}

#[tokio::test]
async fn a_used_or_expired_correct_code_is_not_a_failed_attempt() {
    let limits = only(Limit::FailuresPerRecipientHour, 3);
    let app = TestApp::start_serving(Settings { limits, ..Settings::default() }).await;
    app.create().await;
    app.send_json("POST", VERIFY, CORRECT).await.is(200, VERIFIED);
    for _ in 0..10 {
        assert_eq!(app.send_json("POST", VERIFY, CORRECT).await.json()["reason"], "used");
    }
    app.create().await;
    app.send_json("PATCH", &path(2), r#"{"valid_to":"2025-12-29T14:38:32.273219Z"}"#).await;
    for _ in 0..10 {
        assert_eq!(app.send_json("POST", VERIFY, CORRECT).await.json()["reason"], "expired");
    }
    for _ in 0..3 {
        assert_eq!(app.send_json("POST", VERIFY, attempt(111_111)).await.json()["reason"], "expired");
    }
    assert_eq!(app.send_json("POST", VERIFY, attempt(111_111)).await.json()["reason"], "too_many_attempts");
}
