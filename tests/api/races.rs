use std::sync::Arc;

use crate::helpers::{TestApp, path};

#[tokio::test]
async fn concurrent_patches_never_mix_and_never_leave_both_recipients_or_none() {
    let app = Arc::new(TestApp::start().await);
    let id = app.create().await;
    let bodies = [
        r#"{"mobile_number":null,"email":"some@email.com"}"#,
        r#"{"mobile_number":"09121111111","email":null}"#,
        r#"{"email":"other@email.com"}"#,
        r#"{"mobile_number":"09122222222"}"#,
    ];
    for _ in 0..50 {
        let tasks = (0..16).map(|n| {
            let app = Arc::clone(&app);
            tokio::spawn(async move {
                let code = 1000 + n;
                let body = bodies[n % bodies.len()].replacen('{', &format!(r#"{{"code":{code},"#), 1);
                (code, app.send_json("PATCH", &path(id), body).await)
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            let (code, answer) = task.await.unwrap();
            let otp = answer.json();
            match answer.status.as_u16() {
                200 => {
                    assert_eq!(otp["code"], code, "each answer shows its own change, whole");
                    assert_ne!(otp["mobile_number"].is_null(), otp["email"].is_null(), "{otp}");
                }
                400 => answer.is(400, crate::helpers::ONE_RECIPIENT),
                status => panic!("{status}: {otp}"),
            }
        }
        let stored = app.send("GET", &path(id)).await.json();
        assert_ne!(stored["mobile_number"].is_null(), stored["email"].is_null(), "{stored}");
    }
}

#[tokio::test]
async fn a_write_is_seen_by_the_read_that_follows_it() {
    let app = TestApp::start().await;
    let id = app.create().await;
    for code in 0..200 {
        app.send_json("PATCH", &path(id), format!(r#"{{"code":{code}}}"#)).await;
        assert_eq!(app.send("GET", &path(id)).await.json()["code"], code);
    }
}
