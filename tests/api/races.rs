use std::sync::Arc;
use std::time::Duration;

use crate::helpers::{TestApp, path};

#[tokio::test]
async fn concurrent_patches_do_not_mix_and_leave_exactly_one_recipient() {
    let app = Arc::new(TestApp::start().await);
    let id = app.create().await;
    // Each task has its own recipient, so a response or row that mixes two tasks is detected.
    let body = |n: usize| match n % 4 {
        0 => format!(r#"{{"code":{n},"mobile_number":null,"email":"task{n}@email.com"}}"#),
        1 => format!(r#"{{"code":{n},"mobile_number":"0912000{n:04}","email":null}}"#),
        2 => format!(r#"{{"code":{n},"email":"task{n}@email.com"}}"#),
        _ => format!(r#"{{"code":{n},"mobile_number":"0912000{n:04}"}}"#),
    };
    let own = |otp: &serde_json::Value| {
        let n = usize::try_from(otp["code"].as_u64().unwrap()).unwrap();
        let (number, address) = (format!("0912000{n:04}"), format!("task{n}@email.com"));
        let recipient = if n % 2 == 0 { &address } else { &number };
        assert_eq!(otp["recipient"], *recipient, "{otp}");
        assert_ne!(otp["mobile_number"].is_null(), otp["email"].is_null(), "{otp}");
        n
    };
    for _ in 0..50 {
        let tasks = (1..=16).map(|n| {
            let (app, body) = (Arc::clone(&app), body(n));
            tokio::spawn(async move { (n, app.send_json("PATCH", &path(id), body).await) })
        });
        for task in tasks.collect::<Vec<_>>() {
            let (n, answer) = task.await.unwrap();
            match answer.status.as_u16() {
                200 => assert_eq!(own(&answer.json()), n, "each answer shows its own change, whole"),
                _ => answer.is(400, crate::helpers::ONE_RECIPIENT),
            }
        }
        own(&app.send("GET", &path(id)).await.json());
    }
}

#[tokio::test]
async fn a_read_sees_the_preceding_write() {
    let app = TestApp::start().await;
    let id = app.create().await;
    for code in 0..200 {
        app.send_json("PATCH", &path(id), format!(r#"{{"code":{code}}}"#)).await;
        assert_eq!(app.send("GET", &path(id)).await.json()["code"], code);
    }
}

/// Another process has locked the code. The clock goes on meanwhile.
#[tokio::test]
async fn a_patch_that_waited_has_the_time_at_which_it_got_the_code() {
    let app = Arc::new(TestApp::start().await);
    let Some(other) = app.database().connect().await else { return };
    let id = app.create().await;
    other.batch_execute(&format!("BEGIN; SELECT 1 FROM otp_codes WHERE id = {id} FOR UPDATE")).await.unwrap();
    let patch = {
        let app = Arc::clone(&app);
        tokio::spawn(async move { app.send_json("PATCH", &path(id), r#"{"code":7}"#).await })
    };
    let is_waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    while other.query_one(is_waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(!patch.is_finished(), "the PATCH does not wait for the lock");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    app.set_clock("2025-12-29T14:53:04.467226Z");
    other.batch_execute("COMMIT").await.unwrap();
    let patched = patch.await.unwrap().json();
    assert_eq!(patched["updated_at"], "2025-12-29T14:53:04.467226Z");
    assert_eq!(patched["valid_to"], "2025-12-29T14:58:04.467226Z");
}
