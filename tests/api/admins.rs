//! Removal and roles of users.

use std::future::Future;

use otpd::domain::user::{Permission, Role};
use otpd::error::{Kind, Result};
use serde_json::json;

use crate::helpers::{TestApp, answer, path};
use crate::sending::{SEND, TO_MOBILE};
use crate::sessions::{OVER, UNKNOWN, is_refused};

const LAST: &str = "user admin is the last active admin; `otpd user role NAME admin` makes another user one";

async fn is_last_admin<T: std::fmt::Debug>(outcome: impl Future<Output = Result<T>>) {
    let error = outcome.await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Invalid, LAST));
}

#[tokio::test]
async fn a_removed_user_leaves_only_its_events() {
    let app = TestApp::start_serving(crate::outbox::delivering()).await;
    let token = app.user("amir", Role::Staff, &[Permission::SendOtp, Permission::ViewOtp]).await;
    let key = app.sign_in("amir", &token).await.unwrap();
    app.service().keep_search(1, "0912".to_owned()).await.unwrap();
    let link = app.link("amir").await.unwrap();
    let send = |verb, path: &str| app.request(verb, path).header("Authorization", format!("Token {token}"));
    let sent = send("POST", SEND).header("Idempotency-Key", "k").header("Content-Type", "application/json");
    assert_eq!(answer(sent.body(TO_MOBILE)).await.status, 202);
    app.accounts().remove("amir".parse().unwrap()).await.unwrap();
    answer(send("GET", &path(1))).await.is(401, r#"{"detail":"Invalid token."}"#);
    is_refused(app.visit(&key).await, OVER);
    is_refused(app.open_link(&link).await, UNKNOWN);
    for table in ["sessions", "session_searches", "sign_in_links", "idempotency_keys", "user_permissions"] {
        assert_eq!(app.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    assert_eq!(app.number("SELECT (SELECT count(*) FROM users) * 10 + (SELECT count(*) FROM api_tokens)").await, 11);
    let events = app.audit("action=user.remove").await;
    let expected = json!({
        "user": ["amir", null], "role": ["staff", null], "permissions": [[2852, 2855], null],
        "tokens": [[&token[..12]], null],
    });
    assert_eq!(events[0]["changes"], expected);
    let unknown = app.accounts().remove("amir".parse().unwrap()).await.unwrap_err().to_string();
    assert_eq!(unknown, "user amir does not exist; `otpd user list` lists the users");
}

#[tokio::test]
async fn a_role_applies_from_the_next_request_on() {
    let app = TestApp::start().await;
    let token = app.user("amir", Role::Staff, &[]).await;
    let key = app.sign_in("amir", &token).await.unwrap();
    let set_role = async |role| app.accounts().set_role("amir".parse().unwrap(), role).await.unwrap();
    assert_eq!(set_role(Role::Admin).await, Role::Staff);
    assert_eq!(app.visit(&key).await.unwrap().caller.role, Role::Admin);
    assert_eq!(set_role(Role::Admin).await, Role::Admin);
    assert_eq!(set_role(Role::User).await, Role::Admin);
    is_refused(app.visit(&key).await, OVER);
    assert_eq!(set_role(Role::Staff).await, Role::User);
    is_refused(app.visit(&key).await, OVER);
    let events = app.audit("action=user.role").await;
    let changes: Vec<_> = events.iter().map(|event| &event["changes"]).collect();
    let expected = [["user", "staff"], ["admin", "user"], ["staff", "admin"]]
        .map(|role| json!({"user": ["amir", "amir"], "role": role}));
    assert_eq!(changes, expected.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn the_last_active_admin_stays() {
    let app = TestApp::start().await;
    app.user("amir", Role::Staff, &[]).await;
    app.user("mina", Role::Admin, &[]).await;
    let (name, accounts) = (|name: &str| name.parse().unwrap(), app.accounts());
    accounts.require_other_admin(name("admin")).await.unwrap();
    assert!(accounts.disable_unless_last_admin(name("mina")).await.unwrap());
    assert!(!accounts.disable_unless_last_admin(name("mina")).await.unwrap());
    is_last_admin(accounts.require_other_admin(name("admin"))).await;
    is_last_admin(accounts.disable_unless_last_admin(name("admin"))).await;
    is_last_admin(accounts.remove(name("admin"))).await;
    for role in [Role::Staff, Role::User] {
        is_last_admin(accounts.set_role(name("admin"), role)).await;
    }
    assert_eq!(accounts.set_role(name("admin"), Role::Admin).await.unwrap(), Role::Admin);
    assert!(accounts.disable_unless_last_admin(name("amir")).await.unwrap());
    accounts.remove(name("mina")).await.unwrap();
    accounts.remove(name("amir")).await.unwrap();
    assert_eq!(app.send("GET", "/api/audit/").await.status, 200);
}

#[tokio::test]
async fn two_admins_that_remove_each_other_leave_one() {
    let app = TestApp::start().await;
    app.user("mina", Role::Admin, &[]).await;
    let accounts = app.accounts();
    let remove = |name: &str| accounts.remove(name.parse().unwrap());
    let (first, second) = tokio::join!(remove("admin"), remove("mina"));
    assert_eq!([first, second].iter().filter(|outcome| outcome.is_ok()).count(), 1);
}
