use otpd::domain::limit::Limit;
use otpd::service::Settings;

use crate::helpers::{OTPS, TestApp, only};
use crate::outbox::delivering;
use crate::sending::SEND;
use crate::verifying::VERIFY;

const SPELLINGS: [&str; 6] = [
    "victim@gmail.com",
    "victim@ｇmail.com",
    "VICTIM@GMAIL.COM",
    "victim@ⓖmail.com",
    "victim@g\u{ad}mail.com",
    " victim@gmail。com ",
];

#[tokio::test]
async fn all_spellings_of_one_mailbox_share_limits_cooldown_and_codes() {
    let app = TestApp::start_serving(Settings { limits: only(Limit::SendsPerRecipientHour, 1), ..delivering() }).await;
    let sent = app.send_json("POST", SEND, r#"{"email":"victim@ｇmail.com"}"#).await;
    sent.is(202, &app.expected_receipt(1, "victim@gmail.com"));
    for spelling in SPELLINGS {
        let again = app.send_json("POST", SEND, format!(r#"{{"email":"{spelling}"}}"#)).await;
        assert_eq!(again.json()["reason"], "too_soon", "{spelling}");
    }
    app.set_clock("2025-12-29T14:39:32.273219Z");
    for spelling in SPELLINGS {
        let again = app.send_json("POST", SEND, format!(r#"{{"email":"{spelling}"}}"#)).await;
        assert_eq!(again.json()["reason"], "rate_limited", "{spelling}");
        let found = app.send("GET", &format!("{OTPS}?email={}", spelling.trim())).await.json();
        assert_eq!(found["count"], 1, "{spelling}");
    }
    let code = app.send("GET", "/api/notifications/otp/1").await.json()["code"].clone();
    let verified = app.send_json("POST", VERIFY, format!(r#"{{"email":"Victim@𝗴mail.com","code":{code}}}"#)).await;
    verified.is(200, r#"{"verified":true,"id":1,"recipient":"victim@gmail.com"}"#);
}

#[tokio::test]
async fn an_international_domain_is_stored_and_shown_in_ascii() {
    let app = TestApp::start().await;
    for spelling in ["a@münchen.de", "a@MÜNCHEN.de", "a@xn--mnchen-3ya.de", "a@XN--MNCHEN-3YA.de"] {
        let created = app.send_json("POST", OTPS, format!(r#"{{"code":1,"email":"{spelling}"}}"#)).await;
        assert_eq!(created.json()["email"], "a@xn--mnchen-3ya.de", "{spelling}");
    }
}
