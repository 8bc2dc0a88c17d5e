//! Signing in to the console.

use otpd::domain::session::SessionKey;
use otpd::domain::user::Role;
use otpd::error::{Error, Kind, Result};
use serde_json::{Value, json};

use crate::helpers::{START, TestApp};
use crate::sessions::{UNKNOWN, from, is_refused};

#[track_caller]
fn seconds_to_wait(outcome: Result<SessionKey>) -> u64 {
    let error: Error = outcome.unwrap_err();
    assert_eq!(error.kind(), Kind::Throttled, "{error}");
    error.retry_after().unwrap()
}

#[tokio::test]
async fn all_wrong_combinations_have_the_same_error() {
    let (app, token) = TestApp::with_amir().await;
    let plain = app.user("plain", Role::User, &[]).await;
    let disabled = app.user("disabled", Role::Admin, &[]).await;
    app.accounts().set_active("disabled".parse().unwrap(), false).await.unwrap();
    let wrong_sum = format!("{}x", &token[..54]);
    for (n, (name, token)) in [
        ("admin", token.as_str()),
        ("amir", &app.admin),
        ("amir", ""),
        ("amir", "wrong"),
        ("amir", &wrong_sum),
        ("Amir", &token),
        ("nobody", &token),
        ("", ""),
        (&token, &token),
        ("plain", &plain),
        ("disabled", &disabled),
    ]
    .into_iter()
    .enumerate()
    {
        let source = from(&format!("192.0.2.{n}"));
        is_refused(app.service().sign_in(name, token, source, None).await, UNKNOWN);
    }
    assert_eq!(app.number("SELECT count(*) FROM sessions").await, 0);
}

#[tokio::test]
async fn a_link_works_once_within_10_minutes() {
    let (app, _) = TestApp::with_amir().await;
    app.user("plain", Role::User, &[]).await;
    let [first, second] = [app.link("amir").await.unwrap(), app.link("amir").await.unwrap()];
    app.after(599);
    let key = app.open_link(&first).await.unwrap();
    assert_eq!(app.visit(&key).await.unwrap().caller.origin.name, "amir");
    is_refused(app.open_link(&first).await, UNKNOWN);
    app.after(600);
    is_refused(app.open_link(&second).await, UNKNOWN);
    for (name, text) in [
        ("nobody", "user nobody does not exist; `otpd user list` lists the users"),
        ("plain", "user plain has the role user, which can't use the console"),
    ] {
        assert_eq!(app.link(name).await.unwrap_err().to_string(), text);
    }
    app.accounts().set_active("amir".parse().unwrap(), false).await.unwrap();
    let text = "user amir is disabled; `otpd user enable amir` enables it";
    assert_eq!(app.link("amir").await.unwrap_err().to_string(), text);
}

#[tokio::test]
async fn after_5_failures_a_network_waits_until_the_first_is_15_minutes_old() {
    let (app, token) = TestApp::with_amir().await;
    let link = app.link("amir").await.unwrap();
    for second in 0..5 {
        app.after(second);
        is_refused(app.sign_in("amir", "wrong").await, UNKNOWN);
    }
    assert_eq!(seconds_to_wait(app.sign_in("amir", &token).await), 896);
    assert_eq!(seconds_to_wait(app.open_link(&link).await), 896);
    app.service().sign_in("amir", &token, from("192.0.2.2"), None).await.unwrap();
    app.after(899);
    assert_eq!(seconds_to_wait(app.sign_in("amir", &token).await), 1);
    app.after(900);
    app.sign_in("amir", &token).await.unwrap();
    is_refused(app.sign_in("amir", "wrong").await, UNKNOWN);
    assert_eq!(seconds_to_wait(app.sign_in("amir", &token).await), 1);
}

#[tokio::test]
async fn the_addresses_of_an_ipv6_network_are_counted_together() {
    let (app, token) = TestApp::with_amir().await;
    for n in 0..5 {
        let source = from(&format!("2001:db8:1:2::{n}"));
        is_refused(app.service().sign_in("amir", "wrong", source, None).await, UNKNOWN);
    }
    let sign_in = |address: &str| app.service().sign_in("amir", &token, from(address), None);
    assert_eq!(seconds_to_wait(sign_in("2001:db8:1:2:3::1").await), 900);
    sign_in("2001:db8:1:3::1").await.unwrap();
    sign_in("::ffff:192.0.2.1").await.unwrap();
}

#[tokio::test]
async fn after_20_failures_over_all_every_sign_in_waits() {
    let (app, token) = TestApp::with_amir().await;
    for n in 0..20 {
        let source = from(&format!("192.0.2.{n}"));
        is_refused(app.service().sign_in("amir", "wrong", source, None).await, UNKNOWN);
    }
    let elsewhere = || app.service().sign_in("amir", &token, from("198.51.100.1"), None);
    assert_eq!(seconds_to_wait(elsewhere().await), 900);
    app.after(900);
    elsewhere().await.unwrap();
}

#[tokio::test]
async fn concurrent_failures_are_all_counted() {
    let (app, token) = TestApp::with_amir().await;
    let guesses = futures_util::future::join_all((0..30).map(|_| app.sign_in("amir", "wrong"))).await;
    let refused = guesses.iter().filter(|guess| guess.as_ref().unwrap_err().kind() == Kind::Unauthenticated);
    assert_eq!(refused.count(), 5);
    assert_eq!(seconds_to_wait(app.sign_in("amir", &token).await), 900);
}

#[tokio::test]
async fn sign_ins_and_ends_are_recorded() {
    let (app, token) = TestApp::with_amir().await;
    let key = app.sign_in("amir", &token).await.unwrap();
    is_refused(app.sign_in("amir", &app.admin).await, UNKNOWN);
    is_refused(app.sign_in(&token, "amir").await, UNKNOWN);
    let link = app.link("amir").await.unwrap();
    let by_link = app.open_link(&link).await.unwrap();
    is_refused(app.open_link(&link).await, UNKNOWN);
    app.service().end_session(&app.visit(&by_link).await.unwrap()).await.unwrap();
    let visit = app.visit(&key).await.unwrap();
    app.service().end_session(&visit).await.unwrap();
    app.service().end_session(&visit).await.unwrap();
    let seen: Vec<_> = app.audit("").await.into_iter().rev().skip(2).collect();
    let prefix = &token[..12];
    let user = |name: &str, prefix: Value| json!({"kind": "user", "name": name, "token_prefix": prefix});
    let result = |result: &str| json!({"result": [null, result]});
    let ended = json!({"user": ["amir", "amir"], "started_at": [START, null]});
    let link = json!({"user": ["amir", "amir"], "result": [null, "link"]});
    let expected = [
        ("session.start", user("amir", json!(prefix)), result("started")),
        ("session.start", user("amir", Value::Null), result("refused")),
        ("session.start", user("", Value::Null), result("refused")),
        ("session.start", json!({"kind": "command", "name": "test", "token_prefix": null}), link),
        ("session.start", user("amir", Value::Null), result("started")),
        ("session.start", user("", Value::Null), result("refused")),
        ("session.end", user("amir", Value::Null), ended.clone()),
        ("session.end", user("amir", json!(prefix)), ended),
    ];
    assert_eq!(seen.len(), expected.len());
    for (event, (action, actor, changes)) in seen.iter().zip(expected) {
        assert_eq!((&event["action"], &event["actor"], &event["changes"]), (&json!(action), &actor, &changes));
        if actor["kind"] == "user" {
            assert_eq!((&event["address"], &event["request_id"]), (&json!("192.0.2.1"), &json!("request")));
        }
    }
}

#[tokio::test]
async fn a_refusal_by_the_limit_is_not_recorded() {
    let (app, token) = TestApp::with_amir().await;
    for _ in 0..5 {
        is_refused(app.sign_in("amir", "wrong").await, UNKNOWN);
    }
    seconds_to_wait(app.sign_in("amir", &token).await);
    assert_eq!(app.audit("action=session.start").await.len(), 5);
}
