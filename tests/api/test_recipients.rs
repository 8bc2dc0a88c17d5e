//! Recipients with a fixed code (`otp.test_recipients`).

use otpd::domain::code::Code;
use otpd::domain::limit::Limit;
use otpd::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use otpd::domain::test_recipient::{TestRecipient, TestRecipients};
use otpd::domain::timestamp::Timestamp;
use otpd::service::Settings;

use crate::figures::figures;
use crate::helpers::{START_PLUS_EXPIRATION, TestApp, deliveries, on_field, only, path};
use crate::outbox::delivering;
use crate::sending::{SEND, TO_MOBILE};
use crate::verifying::VERIFY;

const REVIEWER: &str = r#"{"email":"Reviewer@apple.com"}"#;
const CODE: i64 = 135_790;

/// Test recipients 09123456789 and reviewer@apple.com. The exception of both ends at `until`.
fn until(until: &str) -> TestRecipients {
    let recipients = [
        Recipient::Mobile(MobileNumber::parse("09123456789").unwrap()),
        Recipient::Email(EmailAddress::parse("reviewer@apple.com").unwrap()),
    ];
    let code = Code::new(CODE).unwrap();
    let until = Timestamp::parse(until).unwrap();
    let entries = recipients.map(|recipient| TestRecipient { recipient, code, until });
    TestRecipients::try_new(entries.into()).unwrap()
}

/// Settings without a provider.
fn for_days() -> Settings {
    Settings { test_recipients: until("2026-01-31T00:00:00Z"), ..Settings::default() }
}

fn with_code(recipient: &str, code: i64) -> String {
    recipient.replace('}', &format!(r#","code":{code}}}"#))
}

#[tokio::test]
async fn a_test_recipient_gets_its_fixed_code_and_no_message() {
    let app = TestApp::start_serving(for_days()).await;
    app.send_json("POST", SEND, TO_MOBILE).await.is(202, &app.expected_receipt(1, "09123456789"));
    app.send_json("POST", SEND, REVIEWER).await.is(202, &app.expected_receipt(2, "Reviewer@apple.com"));
    for id in [1, 2] {
        assert_eq!(app.send("GET", &path(id)).await.json()["code"], CODE);
        app.send("GET", &deliveries(id)).await.is(200, "[]");
    }
    app.send_json("POST", VERIFY, with_code(TO_MOBILE, CODE))
        .await
        .is(200, r#"{"verified":true,"id":1,"recipient":"09123456789"}"#);
    let used = app.send_json("POST", VERIFY, with_code(TO_MOBILE, CODE)).await;
    assert_eq!((used.status.as_u16(), used.json()["reason"].as_str()), (400, Some("used")));
    // After the cooldown, the recipient gets the same code again.
    app.set_clock("2025-12-29T14:39:32.273219Z");
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.json()["id"], 3);
    assert_eq!(app.send_json("POST", VERIFY, with_code(TO_MOBILE, CODE)).await.status, 200);
    assert_eq!(app.store.read(otpd::store::messages::count_open).await.unwrap(), 0);
}

#[tokio::test]
async fn other_recipients_still_need_a_provider() {
    let app = TestApp::start_serving(for_days()).await;
    let refusal = on_field("mobile_number", "Messages can not be sent there: no provider is configured.");
    app.send_json("POST", SEND, r#"{"mobile_number":"09123456780"}"#).await.is(400, &refusal);
}

#[tokio::test]
async fn cooldown_limits_attempts_and_idempotency_apply_to_test_recipients() {
    let limits = only(Limit::SendsPerRecipientHour, 2);
    let app = TestApp::start_serving(Settings { limits, ..for_days() }).await;
    let keyed = || {
        let request = app.request("POST", SEND).header("Authorization", format!("Token {}", app.admin));
        crate::helpers::answer(
            request.header("Content-Type", "application/json").header("Idempotency-Key", "k").body(TO_MOBILE),
        )
    };
    let first = keyed().await;
    first.is(202, &app.expected_receipt(1, "09123456789"));
    keyed().await.is(202, &first.body);
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.json()["reason"], "too_soon");
    for left in [4, 3, 2, 1, 0] {
        let wrong = app.send_json("POST", VERIFY, with_code(TO_MOBILE, 1)).await.json();
        assert_eq!((wrong["reason"].as_str(), wrong["attempts_left"].as_i64()), (Some("wrong_code"), Some(left)));
    }
    let refused = app.send_json("POST", VERIFY, with_code(TO_MOBILE, CODE)).await;
    assert_eq!((refused.status.as_u16(), refused.json()["reason"].as_str()), (429, Some("too_many_attempts")));
    app.set_clock("2025-12-29T14:40:00Z");
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.status, 202);
    app.set_clock("2025-12-29T14:42:00Z");
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.json()["reason"], "rate_limited");
}

#[tokio::test]
async fn a_fixed_code_is_not_accepted_after_the_end_of_the_exception() {
    let ends = "2025-12-29T14:40:00.000000Z";
    let app = TestApp::start_serving(Settings { test_recipients: until(ends), ..delivering() }).await;
    let sent = app.send_json("POST", SEND, TO_MOBILE).await.json();
    assert_eq!((sent["valid_to"].as_str(), sent["ttl"].as_i64()), (Some(ends), Some(87)));
    app.set_clock(ends);
    let expired = app.send_json("POST", VERIFY, with_code(TO_MOBILE, CODE)).await;
    expired.is(400, r#"{"detail":"The code has expired.","reason":"expired","attempts_left":0}"#);
    // From now on, the recipient is an ordinary one.
    let sent = app.send_json("POST", SEND, TO_MOBILE).await.json();
    assert_eq!((sent["id"].as_i64(), sent["valid_to"].as_str()), (Some(2), Some("2025-12-29T14:45:00.000000Z")));
    assert_ne!(app.send("GET", &path(2)).await.json()["code"], CODE);
    assert_eq!(app.send("GET", &deliveries(2)).await.json()[0]["state"], "queued");
}

#[tokio::test]
async fn a_removed_entry_does_not_send_the_fixed_code_and_a_new_one_does_not_repeat_a_random_code() {
    let with_entry = || Settings { test_recipients: for_days().test_recipients, ..delivering() };
    let mut app = TestApp::start_serving(with_entry()).await;
    app.send_json("POST", SEND, TO_MOBILE).await.is(202, &app.expected_receipt(1, "09123456789"));
    app.restart(delivering()).await;
    app.set_clock("2025-12-29T14:40:00Z");
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.json()["id"], 2);
    assert_ne!(app.send("GET", &path(2)).await.json()["code"], CODE);
    app.restart(with_entry()).await;
    app.set_clock("2025-12-29T14:41:30Z");
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.json()["id"], 3);
    assert_eq!(app.send("GET", &path(3)).await.json()["code"], CODE);
    assert_eq!(app.send("GET", &deliveries(2)).await.json()[0]["state"], "cancelled");
}

#[tokio::test]
async fn test_recipients_leave_no_figures() {
    let limits = only(Limit::SendsPerRecipientHour, 1);
    let app = TestApp::start_serving(Settings { limits, ..for_days() }).await;
    app.send_json("POST", SEND, TO_MOBILE).await.is(202, &app.expected_receipt(1, "09123456789"));
    assert_eq!(app.send_json("POST", VERIFY, with_code(TO_MOBILE, CODE)).await.status, 200);
    app.set_clock("2025-12-29T14:40:00Z");
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.json()["reason"], "rate_limited");
    app.service().flush_figures().await.unwrap();
    assert_eq!(figures(&app).await, [""; 0]);
}

#[tokio::test]
async fn the_audit_trail_marks_events_about_test_recipients() {
    let app = TestApp::start_serving(for_days()).await;
    let sent = app.send_json("POST", SEND, TO_MOBILE).await.json();
    assert_eq!(sent["valid_to"], START_PLUS_EXPIRATION);
    app.send_json("POST", VERIFY, with_code(TO_MOBILE, CODE)).await;
    let events = app.send("GET", "/api/audit/?otp=1").await.json();
    let changes = |n: usize| events["results"][n]["changes"].to_string();
    assert_eq!(changes(0), r#"{"verdict":[null,"right"],"test_recipient":[null,true]}"#);
    assert_eq!(changes(1), r#"{"channel":[null,"sms"],"test_recipient":[null,true]}"#);
}

#[tokio::test]
async fn the_console_shows_that_a_fixed_code_was_not_sent() {
    let app = TestApp::start_serving(for_days()).await;
    app.send_json("POST", SEND, TO_MOBILE).await.is(202, &app.expected_receipt(1, "09123456789"));
    let admin = app.admin_browser().await;
    let trail = admin.page("/console/audit?action=otp.send").await;
    assert!(trail.contains("<dt>Test recipient</dt><dd>fixed code, not sent</dd>"), "{trail}");
    let code = admin.page("/console/codes/1").await;
    assert!(code.contains("fixed code, not sent · "), "{code}");
}
