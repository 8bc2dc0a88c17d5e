use otpd::domain::token::TokenName;
use otpd::domain::user::{Permission, Role};
use otpd::service::accounts;

use crate::helpers::{Answer, FORBIDDEN, NO_CREDENTIALS, NOT_FOUND, OTPS, TestApp, answer, path};

/// Every operation, its permission, and the status that a permitted caller gets for a code that does not exist.
const OPERATIONS: [(&str, &str, Permission, u16); 12] = [
    ("POST", "/api/notifications/otp/", Permission::CreateOtp, 400),
    ("GET", "/api/notifications/otp/404", Permission::ViewOtp, 404),
    ("HEAD", "/api/notifications/otp/404", Permission::ViewOtp, 404),
    ("PATCH", "/api/notifications/otp/404", Permission::UpdateOtp, 404),
    ("DELETE", "/api/notifications/otp/404", Permission::DeleteOtp, 404),
    ("POST", "/api/notifications/otp/send", Permission::SendOtp, 400),
    ("POST", "/api/notifications/otp/verify", Permission::VerifyOtp, 400),
    ("POST", "/api/notifications/otp/reset", Permission::UpdateOtp, 400),
    ("GET", "/api/notifications/otp/404/deliveries", Permission::ViewOtp, 404),
    ("HEAD", "/api/notifications/otp/404/deliveries", Permission::ViewOtp, 404),
    ("GET", "/dev/inbox", Permission::ViewOtp, 404),
    ("GET", "/metrics", Permission::ViewOtp, 200),
];

async fn as_token(app: &TestApp, verb: &str, path: &str, token: &str) -> Answer {
    answer(app.request(verb, path).header("Authorization", format!("Token {token}"))).await
}

#[track_caller]
fn is_refused(answer: &Answer, verb: &str, status: u16, body: &str) {
    answer.is(status, if verb == "HEAD" { "" } else { body });
    assert_eq!(answer.header("www-authenticate"), if status == 401 { "Token" } else { "" });
}

#[tokio::test]
async fn each_role_and_permission_allows_exactly_the_documented_operations() {
    let app = TestApp::start().await;
    let plain = app.user("plain", Role::User, Permission::ALL).await;
    let no_permissions = app.user("no_permissions", Role::Staff, &[]).await;
    let mut staff = Vec::new();
    for held in Permission::ALL.iter().copied() {
        staff.push((held, app.user(&format!("staff{held}"), Role::Staff, &[held]).await));
    }
    for (verb, path, permission, status) in OPERATIONS {
        assert_eq!(as_token(&app, verb, path, &app.admin).await.status.as_u16(), status, "admin {verb}");
        for (held, token) in &staff {
            let answer = as_token(&app, verb, path, token).await;
            if *held == permission {
                assert_eq!(answer.status.as_u16(), status, "{held} {verb}");
            } else {
                is_refused(&answer, verb, 403, FORBIDDEN);
            }
        }
        for token in [&plain, &no_permissions] {
            is_refused(&as_token(&app, verb, path, token).await, verb, 403, FORBIDDEN);
        }
        is_refused(&answer(app.request(verb, path)).await, verb, 401, NO_CREDENTIALS);
    }
}

#[tokio::test]
async fn every_invalid_authorization_header_has_its_own_error() {
    let app = TestApp::start().await;
    let unknown = "otpd_0000000000000000000000000000000000000000000000000";
    let spaces = r#"{"detail":"Invalid token header. Token string should not contain spaces."}"#;
    let invalid = r#"{"detail":"Invalid token."}"#;
    let no_key = r#"{"detail":"Invalid token header. No credentials provided."}"#;
    let characters = r#"{"detail":"Invalid token header. Token string should not contain invalid characters."}"#;
    for (header, body) in [
        (&b""[..], NO_CREDENTIALS),
        (b"Bearer abc", NO_CREDENTIALS),
        (b"Basic YTpi", NO_CREDENTIALS),
        (b"Tokenabc", NO_CREDENTIALS),
        (b"\xff\xfe", NO_CREDENTIALS),
        (b"Token", no_key),
        (b"token  ", no_key),
        (b"Token a b", spaces),
        (b"Token a b c", spaces),
        (b"Token abc", invalid),
        (b"TOKEN abc", invalid),
        (unknown.as_bytes(), NO_CREDENTIALS),
        (b"Token \xc3\xa9", invalid),
        (b"Token \xff\xfe", characters),
    ] {
        let request = app.request("GET", &path(1)).header("Authorization", header);
        is_refused(&answer(request).await, "GET", 401, body);
    }
    is_refused(&as_token(&app, "GET", &path(1), unknown).await, "GET", 401, invalid);
    for scheme in ["token", "TOKEN", "  tOkEn "] {
        let request = app.request("GET", &path(1)).header("Authorization", format!("{scheme} {}", app.admin));
        answer(request).await.is(404, NOT_FOUND);
    }
}

#[tokio::test]
async fn other_methods_get_405_after_authentication() {
    let app = TestApp::start().await;
    let plain = app.user("plain", Role::User, &[]).await;
    let staff = app.user("staff", Role::Staff, &[]).await;
    for (path, verbs, allow) in [
        (OTPS, &["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"][..], "GET, HEAD, POST"),
        ("/api/notifications/otp/1", &["PUT", "POST", "OPTIONS", "TRACE", "FOO"][..], "GET, HEAD, PATCH, DELETE"),
        ("/api/notifications/otp/x/", &["PUT"][..], "GET, HEAD, PATCH, DELETE"),
        ("/api/notifications/otp/send", &["GET", "PATCH", "DELETE"][..], "POST"),
        ("/api/notifications/otp/verify/", &["GET", "PUT"][..], "POST"),
        ("/api/notifications/otp/reset", &["GET"][..], "POST"),
        ("/api/notifications/otp/1/deliveries", &["POST", "DELETE"][..], "GET, HEAD"),
        ("/dev/inbox", &["POST"][..], "GET, HEAD"),
    ] {
        for verb in verbs {
            let body = format!(r#"{{"detail":"Method \"{verb}\" not allowed."}}"#);
            for token in [&app.admin, &staff] {
                let answer = as_token(&app, verb, path, token).await;
                answer.is(405, &body);
                assert_eq!(answer.header("allow"), allow);
            }
            is_refused(&as_token(&app, verb, path, &plain).await, verb, 403, FORBIDDEN);
            is_refused(&answer(app.request(verb, path)).await, verb, 401, NO_CREDENTIALS);
        }
    }
}

#[tokio::test]
async fn checks_run_in_the_order_caller_object_body() {
    let app = TestApp::start().await;
    let viewer = app.user("viewer", Role::Staff, &[Permission::ViewOtp]).await;
    let bad = |token: String, id: i64| {
        app.request("PATCH", &path(id))
            .header("Authorization", format!("Token {token}"))
            .header("Content-Type", "text/plain")
            .body("{")
    };
    answer(bad("x".to_owned(), 1)).await.is(401, r#"{"detail":"Invalid token."}"#);
    answer(bad(viewer, 1)).await.is(403, FORBIDDEN);
    answer(bad(app.admin.clone(), 1)).await.is(404, NOT_FOUND);
    let id = app.create().await;
    answer(bad(app.admin.clone(), id))
        .await
        .is(415, r#"{"detail":"Unsupported media type \"text/plain\" in request."}"#);
}

#[tokio::test]
async fn a_revocation_applies_to_the_next_request() {
    let app = TestApp::start().await;
    let token = app.user("support", Role::Staff, &[Permission::ViewOtp]).await;
    let name = || "support".parse().unwrap();
    let ask = || as_token(&app, "GET", "/api/notifications/otp/1", &token);
    ask().await.is(404, NOT_FOUND);
    app.accounts().revoke(name(), vec![Permission::ViewOtp]).await.unwrap();
    ask().await.is(403, FORBIDDEN);
    app.accounts().grant(name(), vec![Permission::ViewOtp]).await.unwrap();
    ask().await.is(404, NOT_FOUND);
    app.accounts().set_active(name(), false).await.unwrap();
    is_refused(&ask().await, "GET", 401, r#"{"detail":"User inactive or deleted."}"#);
    app.accounts().set_active(name(), true).await.unwrap();
    ask().await.is(404, NOT_FOUND);
    app.accounts().revoke_token(TokenName::parse(&token[..12]).unwrap()).await.unwrap();
    is_refused(&ask().await, "GET", 401, r#"{"detail":"Invalid token."}"#);
}

#[tokio::test]
async fn the_last_use_of_a_token_is_recorded_every_ten_minutes() {
    let app = TestApp::start().await;
    let last_used = || async {
        let tokens = accounts::tokens::list_tokens(&app.store, None).await.unwrap();
        tokens[0].last_used_at.map(|moment| moment.to_string())
    };
    // The use of the token is recorded after the response.
    let noted = |moment: &'static str| async move {
        for _ in 0..200 {
            if last_used().await.as_deref() == Some(moment) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(last_used().await.as_deref(), Some(moment));
    };
    assert_eq!(last_used().await, None);
    // A refused request counts as a use of the token.
    app.send_json("PATCH", &path(1), "{").await.is(404, NOT_FOUND);
    noted("2025-12-29T14:38:32.273219Z").await;
    app.set_clock("2025-12-29T14:48:32.273218Z");
    app.create().await;
    app.create().await;
    assert_eq!(last_used().await.as_deref(), Some("2025-12-29T14:38:32.273219Z"));
    app.set_clock("2025-12-29T14:48:32.273219Z");
    app.send("GET", &path(1)).await;
    noted("2025-12-29T14:48:32.273219Z").await;
}
