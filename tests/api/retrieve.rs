use crate::helpers::{NOT_FOUND, OTPS, TestApp, path};

#[tokio::test]
async fn a_code_is_shown_with_its_remaining_ttl() {
    let app = TestApp::start().await;
    let id = app.create().await;
    for (moment, ttl, is_allow) in [
        ("2025-12-29T14:38:32.273219Z", 300, true),
        ("2025-12-29T14:38:32.273220Z", 299, true),
        ("2025-12-29T14:43:32.273218Z", 0, true),
        ("2025-12-29T14:43:32.273219Z", 0, false),
        ("2026-12-29T00:00:00Z", 0, false),
    ] {
        app.set_clock(moment);
        let body = format!(
            r#"{{"id":1,"code":255315,"mobile_number":"09123456789","email":null,"recipient":"09123456789","valid_to":"2025-12-29T14:43:32.273219Z","ttl":{ttl},"is_allow":{is_allow},"created_at":"2025-12-29T14:38:32.273219Z","updated_at":"2025-12-29T14:38:32.273219Z"}}"#
        );
        for path in [path(id), format!("{}/", path(id))] {
            let answer = app.send("GET", &path).await;
            answer.is(200, &body);
            assert_eq!(answer.header("content-type"), "application/json");
        }
    }
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let app = TestApp::start().await;
    let id = app.create().await;
    let (head, get) = (app.send("HEAD", &path(id)).await, app.send("GET", &path(id)).await);
    head.is(200, "");
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    app.send("HEAD", &path(2)).await.is(404, "");
}

#[tokio::test]
async fn an_unknown_id_is_not_found() {
    let app = TestApp::start().await;
    app.create().await;
    for id in [
        "2",
        "0",
        "-1",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "1.0",
        "0x1",
        "x",
        "1x",
        "%00",
        "%001",
        "%FF",
        "1%20",
        "۱",
        "null",
    ] {
        for verb in ["GET", "PATCH", "DELETE"] {
            app.send(verb, &format!("{OTPS}{id}")).await.is(404, NOT_FOUND);
        }
    }
}
