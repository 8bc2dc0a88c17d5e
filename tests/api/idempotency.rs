//! The header `Idempotency-Key` of send requests.

use std::sync::Arc;

use crate::helpers::{Answer, TestApp, answer, deliveries};
use crate::outbox::delivering;
use crate::sending::{SEND, TO_MOBILE};

async fn send_with(app: &TestApp, key: &str, body: &'static str) -> Answer {
    let request = app.request("POST", SEND).header("Authorization", format!("Token {}", app.admin));
    answer(request.header("Content-Type", "application/json").header("Idempotency-Key", key).body(body)).await
}

#[tokio::test]
async fn a_repeated_key_gets_the_first_answer_and_no_second_message() {
    let mut app = TestApp::start_serving(delivering()).await;
    let first = send_with(&app, "key-1", TO_MOBILE).await;
    first.is(202, &app.expected_receipt(1, "09123456789"));
    app.restart(delivering()).await;
    app.set_clock("2025-12-30T14:38:32.273218Z");
    for key in ["key-1", "\"key-1\""] {
        send_with(&app, key, TO_MOBILE).await.is(202, &first.body);
    }
    send_with(&app, "key-1", r#"{"mobile_number":"09123456780"}"#)
        .await
        .is(422, r#"{"detail":"This Idempotency-Key was used with another request."}"#);
    assert_eq!(app.send("GET", &deliveries(1)).await.json().as_array().unwrap().len(), 1);
    app.set_clock("2025-12-30T14:38:32.273219Z");
    assert_eq!(send_with(&app, "key-1", TO_MOBILE).await.json()["id"], 2, "a day later it is another request");
    for bad in ["", &"k".repeat(256)] {
        let request = app.request("POST", SEND).header("Authorization", format!("Token {}", app.admin));
        answer(request.header("Idempotency-Key", bad))
            .await
            .is(400, r#"{"non_field_errors":["Exactly one of mobile_number or email must be provided."]}"#);
        let request = app.request("POST", SEND).header("Authorization", format!("Token {}", app.admin));
        answer(request.header("Idempotency-Key", bad).header("Content-Type", "application/json").body(TO_MOBILE))
            .await
            .is(400, r#"{"detail":"Idempotency-Key has 1 to 255 printable ASCII characters."}"#);
    }
}

#[tokio::test]
async fn only_one_of_many_requests_with_the_same_key_sends() {
    let app = Arc::new(TestApp::start_serving(delivering()).await);
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let app = Arc::clone(&app);
            tokio::spawn(async move {
                let request = app.request("POST", SEND).header("Authorization", format!("Token {}", app.admin));
                let request = request.header("Content-Type", "application/json").header("Idempotency-Key", "same");
                answer(request.body(TO_MOBILE)).await
            })
        })
        .collect();
    for task in tasks {
        let answer = task.await.unwrap();
        match answer.status.as_u16() {
            202 => answer.is(202, &app.expected_receipt(1, "09123456789")),
            _ => answer.is(409, r#"{"detail":"A request with this Idempotency-Key is being processed."}"#),
        }
    }
    assert_eq!(app.send("GET", &deliveries(1)).await.json().as_array().unwrap().len(), 1);
}
