use crate::helpers::{NOT_FOUND, ONE_RECIPIENT, START_PLUS_EXPIRATION, TestApp, on_field, path};

#[tokio::test]
async fn the_documented_example_changes_a_number_to_an_address() {
    let app = TestApp::start().await;
    let id = app.create().await;
    app.set_clock("2025-12-29T14:53:04.467226Z");
    let body = r#"{"mobile_number": null, "email": "some@email.com"}"#;
    app.send_json("PATCH", &path(id), body).await.is(
        200,
        r#"{"id":1,"code":255315,"mobile_number":null,"email":"some@email.com","recipient":"some@email.com","valid_to":"2025-12-29T14:58:04.467226Z","ttl":300,"is_allow":true,"created_at":"2025-12-29T14:38:32.273219Z","updated_at":"2025-12-29T14:53:04.467226Z"}"#,
    );
}

#[tokio::test]
async fn the_documented_response_matches_exactly() {
    let app = TestApp::start().await;
    let id = app.create_with(r#"{"code":1,"mobile_number":"09123456789"}"#).await;
    app.set_clock("2025-12-29T14:53:04.467226Z");
    let body =
        r#"{"code":255315,"mobile_number":null,"email":"info@moeinmail.ir","valid_to":"2025-12-30T14:39:10.268800Z"}"#;
    let patched = app.send_json("PATCH", &path(id), body).await;
    patched.is(
        200,
        r#"{"id":1,"code":255315,"mobile_number":null,"email":"info@moeinmail.ir","recipient":"info@moeinmail.ir","valid_to":"2025-12-30T14:39:10.268800Z","ttl":85565,"is_allow":true,"created_at":"2025-12-29T14:38:32.273219Z","updated_at":"2025-12-29T14:53:04.467226Z"}"#,
    );
    app.send("GET", &path(id)).await.is(200, &patched.body);
}

#[tokio::test]
async fn an_update_without_valid_to_restarts_the_expiration_time() {
    let app = TestApp::start().await;
    let id = app.create_with(r#"{"code":1,"email":"a@b.com","valid_to":"2030-01-01"}"#).await;
    for body in ["", "{}", r#"{"code":2}"#, r#"{"email":"a@b.com"}"#] {
        let patched = app.send_json("PATCH", &path(id), body).await.json();
        assert_eq!(patched["valid_to"], START_PLUS_EXPIRATION, "{body}");
    }
}

#[tokio::test]
async fn each_field_can_be_changed_alone() {
    let app = TestApp::start().await;
    let id = app.create().await;
    let changed = |body: &'static str| {
        let (app, path) = (&app, path(id));
        async move {
            let otp = app.send_json("PATCH", &path, body).await.json();
            (otp["code"].clone(), otp["mobile_number"].clone(), otp["email"].clone(), otp["valid_to"].clone())
        }
    };
    let renewed = || START_PLUS_EXPIRATION.into();
    assert_eq!(changed(r#"{"code":7}"#).await, (7.into(), "09123456789".into(), ().into(), renewed()));
    assert_eq!(
        changed(r#"{"mobile_number":"9121111111"}"#).await,
        (7.into(), "09121111111".into(), ().into(), renewed())
    );
    assert_eq!(
        changed(r#"{"valid_to":"2026-01-01T00:00+03:30"}"#).await,
        (7.into(), "09121111111".into(), ().into(), "2025-12-31T20:30:00.000000Z".into())
    );
    assert_eq!(changed(r#"{"email":null}"#).await, (7.into(), "09121111111".into(), ().into(), renewed()));
}

#[tokio::test]
async fn an_update_to_both_recipients_or_none_is_refused() {
    let app = TestApp::start().await;
    let id = app.create().await;
    app.set_clock("2025-12-29T14:40:00Z");
    let before = app.send("GET", &path(id)).await;
    for body in [
        r#"{"email":"some@email.com"}"#,
        r#"{"mobile_number":null}"#,
        r#"{"mobile_number":null,"email":null}"#,
        r#"{"mobile_number":"09121111111","email":"some@email.com","code":9}"#,
    ] {
        app.send_json("PATCH", &path(id), body).await.is(400, ONE_RECIPIENT);
    }
    app.send_json("PATCH", &path(id), r#"{"code":5,"valid_to":null}"#)
        .await
        .is(400, &on_field("valid_to", "This field may not be null."));
    app.send("GET", &path(id)).await.is(200, &before.body);
}

#[tokio::test]
async fn a_response_can_be_sent_back_as_an_update() {
    let app = TestApp::start().await;
    let id = app.create_with(r#"{"code":1,"email":"a@b.com","valid_to":"2030-01-01"}"#).await;
    let read = app.send("GET", &path(id)).await;
    app.send_json("PATCH", &path(id), read.body.clone()).await.is(200, &read.body);
}

#[tokio::test]
async fn updated_at_is_never_before_created_at() {
    let app = TestApp::start().await;
    let id = app.create().await;
    app.set_clock("2025-12-29T13:38:32Z");
    let patched = app.send_json("PATCH", &path(id), "{}").await.json();
    assert_eq!(patched["updated_at"], patched["created_at"]);
    assert_eq!(patched["valid_to"], "2025-12-29T13:43:32.000000Z");
}

#[tokio::test]
async fn a_missing_code_is_reported_before_a_bad_body() {
    let app = TestApp::start().await;
    app.send_json("PATCH", &path(1), "{").await.is(404, NOT_FOUND);
    app.send_body("PATCH", &path(1), "text/plain", "x").await.is(404, NOT_FOUND);
}
