use crate::helpers::{ONE_RECIPIENT, OTPS, START_PLUS_EXPIRATION, TestApp, on_field};

#[tokio::test]
async fn the_response_to_a_created_code_has_ten_keys_in_order() {
    let app = TestApp::start().await;
    let body = r#"{"code":255315,"mobile_number":"+98 912 345 6789","valid_to":"2025-12-30T14:39:10.268800Z"}"#;
    app.send_json("POST", OTPS, body).await.is(
        201,
        r#"{"id":1,"code":255315,"mobile_number":"09123456789","email":null,"recipient":"09123456789","valid_to":"2025-12-30T14:39:10.268800Z","ttl":86437,"is_allow":true,"created_at":"2025-12-29T14:38:32.273219Z","updated_at":"2025-12-29T14:38:32.273219Z"}"#,
    );
}

#[tokio::test]
async fn a_code_is_valid_for_the_expiration_time_by_default() {
    let app = TestApp::start().await;
    app.send_json("POST", "/api/notifications/otp", r#"{"code":0,"email":"Info@MoeinMail.IR","mobile_number":null}"#)
        .await
        .is(
            201,
            &format!(
                r#"{{"id":1,"code":0,"mobile_number":null,"email":"Info@moeinmail.ir","recipient":"Info@moeinmail.ir","valid_to":"{START_PLUS_EXPIRATION}","ttl":300,"is_allow":true,"created_at":"2025-12-29T14:38:32.273219Z","updated_at":"2025-12-29T14:38:32.273219Z"}}"#
            ),
        );
}

#[tokio::test]
async fn a_valid_to_in_the_past_creates_an_expired_code() {
    let app = TestApp::start().await;
    let created = app.send_json("POST", OTPS, r#"{"code":1,"email":"a@b.com","valid_to":"2020-01-01"}"#).await;
    let body = created.json();
    assert_eq!(created.status.as_u16(), 201);
    assert_eq!((&body["ttl"], &body["is_allow"]), (&0.into(), &false.into()));
    assert_eq!(body["valid_to"], "2020-01-01T00:00:00.000000Z");
}

#[tokio::test]
async fn the_code_and_exactly_one_recipient_are_required() {
    let app = TestApp::start().await;
    let required = on_field("code", "This field is required.");
    for body in ["", "{}", r#"{"mobile_number":"09123456789"}"#, r#"{"email":"a@b.com"}"#] {
        app.send_json("POST", OTPS, body).await.is(400, &required);
    }
    for body in [
        r#"{"code":1}"#,
        r#"{"code":1,"mobile_number":null}"#,
        r#"{"code":1,"mobile_number":null,"email":null}"#,
        r#"{"code":1,"mobile_number":"09123456789","email":"a@b.com"}"#,
    ] {
        app.send_json("POST", OTPS, body).await.is(400, ONE_RECIPIENT);
    }
    app.send("GET", &format!("{OTPS}1")).await.is(404, crate::helpers::NOT_FOUND);
}

#[tokio::test]
async fn all_field_errors_are_reported_before_the_recipient_error() {
    let app = TestApp::start().await;
    app.send_json("POST", OTPS, r#"{"valid_to":null,"email":"x","mobile_number":1,"code":true}"#).await.is(
        400,
        r#"{"code":["A valid integer is required."],"mobile_number":["Enter a valid mobile number."],"email":["Enter a valid email address."],"valid_to":["This field may not be null."]}"#,
    );
    app.send_json("POST", OTPS, r#"{"email":"x"}"#)
        .await
        .is(400, r#"{"code":["This field is required."],"email":["Enter a valid email address."]}"#);
}

#[tokio::test]
async fn ids_are_never_reused() {
    let app = TestApp::start().await;
    assert_eq!(app.create().await, 1);
    assert_eq!(app.create().await, 2);
    app.send("DELETE", &format!("{OTPS}2")).await.is(204, "");
    assert_eq!(app.create().await, 3);
}

#[tokio::test]
async fn read_only_and_unknown_fields_are_ignored() {
    let app = TestApp::start().await;
    let body = r#"{"id":99,"code":5,"email":"a@b.com","recipient":"x","ttl":9,"is_allow":false,"created_at":"x","updated_at":7,"user_id":1,"color":[]}"#;
    let created = app.send_json("POST", OTPS, body).await.json();
    assert_eq!((&created["id"], &created["recipient"], &created["ttl"]), (&1.into(), &"a@b.com".into(), &300.into()));
    assert_eq!(created["is_allow"], true);
}
