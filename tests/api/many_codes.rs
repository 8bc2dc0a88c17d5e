//! A recipient with 200,000 codes costs a request no more than one with a single code.

use std::time::{Duration, Instant};

use crate::helpers::TestApp;
use crate::outbox::delivering;
use crate::sending::SEND;
use crate::verifying::VERIFY;

/// Codes of one recipient: expired, or still valid.
async fn fill(app: &TestApp, column: &'static str, recipient: &'static str, valid_to: i64) {
    app.store
        .write(move |db| {
            let sql = format!(
                "INSERT INTO otp_codes (code, {column}, valid_to, created_at, updated_at)
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
                 SELECT 5, '{recipient}', {valid_to}, 0, 0 FROM n"
            );
            Ok(db.execute(&sql, []).map(drop)?)
        })
        .await
        .unwrap();
}

/// The median of several requests.
async fn median(app: &TestApp, path: &str, body: &str) -> Duration {
    let mut times = Vec::new();
    for _ in 0..21 {
        let begun = Instant::now();
        app.send_json("POST", path, body).await;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[10]
}

#[tokio::test]
async fn two_hundred_thousand_codes_of_one_recipient_cost_no_more_than_one() {
    let app = TestApp::start_serving(delivering()).await;
    fill(&app, "mobile_number", "09120000001", 1).await;
    fill(&app, "email", "many@b.com", 4_000_000_000_000_000).await;
    app.create_with(r#"{"code":255315,"mobile_number":"09120000002"}"#).await;
    let expired = r#"{"mobile_number":"09120000001","code":255315}"#;
    let valid = r#"{"email":"many@b.com","code":255315}"#;
    let one = r#"{"mobile_number":"09120000002","code":1}"#;
    let baseline = median(&app, VERIFY, one).await;
    for (path, body) in [(VERIFY, expired), (VERIFY, valid), (SEND, r#"{"mobile_number":"09120000001"}"#)] {
        let took = median(&app, path, body).await;
        assert!(took < baseline * 5 + Duration::from_millis(5), "{path} {body}: {took:?}, with one code {baseline:?}");
    }
    // The newest code of the recipient works, however many there are.
    let id = app.create_with(r#"{"code":777777,"mobile_number":"09120000001"}"#).await;
    let right = app.send_json("POST", VERIFY, r#"{"mobile_number":"09120000001","code":777777}"#).await;
    right.is(200, &format!(r#"{{"verified":true,"id":{id},"recipient":"09120000001"}}"#));
}
