use std::sync::Arc;

use crate::helpers::TestApp;
use crate::verifying::{TOO_MANY, VERIFY};

#[tokio::test]
async fn only_one_of_many_concurrent_correct_attempts_is_accepted() {
    let app = Arc::new(TestApp::start().await);
    for round in 1..=20 {
        let id = app.create_with(&format!(r#"{{"code":255315,"mobile_number":"0912{round:07}"}}"#)).await;
        let body = format!(r#"{{"mobile_number":"0912{round:07}","code":255315}}"#);
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let (app, body) = (Arc::clone(&app), body.clone());
                tokio::spawn(async move { app.send_json("POST", VERIFY, body).await })
            })
            .collect();
        let mut successes = 0;
        for task in tasks {
            let answer = task.await.unwrap();
            match answer.status.as_u16() {
                200 => {
                    successes += 1;
                    assert_eq!(answer.json()["id"], id);
                }
                400 => assert_eq!(answer.json()["reason"], "used"),
                status => panic!("{status}: {}", answer.body),
            }
        }
        assert_eq!(successes, 1, "round {round}");
    }
}

#[tokio::test]
async fn concurrent_attempts_do_not_exceed_the_limit_of_a_code() {
    let app = Arc::new(TestApp::start().await);
    for round in 1..=20 {
        app.create_with(&format!(r#"{{"code":255315,"mobile_number":"0912{round:07}"}}"#)).await;
        let tasks: Vec<_> = (0..64)
            .map(|n| {
                let app = Arc::clone(&app);
                let body = format!(r#"{{"mobile_number":"0912{round:07}","code":{n}}}"#);
                tokio::spawn(async move { app.send_json("POST", VERIFY, body).await })
            })
            .collect();
        let mut heard = 0;
        for task in tasks {
            let answer = task.await.unwrap();
            heard += u32::from(answer.status == 400);
            assert!(answer.status == 400 || answer.body == TOO_MANY, "{}", answer.body);
        }
        assert_eq!(heard, 5, "round {round}");
    }
}
