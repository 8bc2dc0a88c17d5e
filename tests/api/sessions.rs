//! Sessions of the console.

use otpd::domain::audit::Origin;
use otpd::domain::caller::Caller;
use otpd::domain::session::{LinkKey, SessionKey};
use otpd::domain::timestamp::Timestamp;
use otpd::domain::user::{Permission, Role};
use otpd::error::{Kind, Result};
use otpd::service::RequestSource;
use otpd::service::sessions::{Visit, create_sign_in_link};

use crate::databases::on_postgres;
use crate::helpers::{START, TestApp};

pub const UNKNOWN: &str = "This token is not known, was revoked, or its user is disabled.";
pub const OVER: &str = "This session is over.";

pub fn from(address: &str) -> RequestSource {
    RequestSource { request_id: Some("request".to_owned()), address: Some(address.parse().unwrap()) }
}

pub fn here() -> RequestSource {
    from("192.0.2.1")
}

#[track_caller]
pub fn is_refused<T: std::fmt::Debug>(outcome: Result<T>, text: &str) {
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Unauthenticated, text));
}

impl TestApp {
    /// Starts an app in which `amir` (staff) has a token. Returns both.
    pub async fn with_amir() -> (Self, String) {
        let app = Self::start().await;
        let token = app.user("amir", Role::Staff, &[Permission::ViewOtp]).await;
        (app, token)
    }

    pub async fn sign_in(&self, name: &str, token: &str) -> Result<SessionKey> {
        self.service().sign_in(name, token, here(), Some("Firefox".to_owned())).await
    }

    pub async fn visit(&self, key: &SessionKey) -> Result<Visit> {
        self.service().resume(key, here(), false).await
    }

    /// Requests something on behalf of the user until the activity is stored. One request is not enough while another
    /// update is in progress.
    async fn act(&self, key: &SessionKey) {
        while self.number("SELECT max(last_seen_at) FROM sessions").await < self.service().now().as_micros() {
            self.service().resume(key, here(), true).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    pub async fn link(&self, name: &str) -> Result<LinkKey> {
        let now = self.service().now();
        create_sign_in_link(&self.store, Origin::command("test"), name.parse().unwrap(), now).await
    }

    pub async fn open_link(&self, key: &LinkKey) -> Result<SessionKey> {
        self.service().sign_in_by_link(key, here(), None).await
    }

    /// Sets the clock to START plus `seconds`.
    pub fn after(&self, seconds: i64) {
        self.set_clock_to(Timestamp::parse(START).unwrap().as_micros() + seconds * 1_000_000);
    }

    pub async fn caller(&self, name: &str, token: &str) -> Caller {
        self.visit(&self.sign_in(name, token).await.unwrap()).await.unwrap().caller
    }
}

#[tokio::test]
async fn a_session_has_the_user_and_the_permissions_of_its_token() {
    let (app, token) = TestApp::with_amir().await;
    let key = app.sign_in(" amir ", &format!("{token}\n")).await.unwrap();
    let Visit { caller, session_id, ends_at } = app.visit(&key).await.unwrap();
    assert_eq!((session_id, ends_at.to_string().as_str()), (1, "2025-12-29T15:08:32.273219Z"));
    assert_eq!((caller.user_id, caller.token_id, caller.role), (2, 2, Role::Staff));
    assert_eq!(caller.permissions, [Permission::ViewOtp]);
    assert_eq!(caller.origin.name, "amir");
    assert_eq!(caller.origin.token_prefix.as_deref(), Some(&token[..12]));
    assert_eq!(caller.origin.address, here().address);
    app.accounts().grant("amir".parse().unwrap(), vec![Permission::UpdateOtp]).await.unwrap();
    let caller = app.visit(&key).await.unwrap().caller;
    assert_eq!(caller.permissions, [Permission::ViewOtp, Permission::UpdateOtp]);
    assert_eq!(app.number("SELECT count(*) FROM api_tokens WHERE last_used_at IS NOT NULL").await, 1);
}

#[tokio::test]
async fn each_sign_in_starts_a_session_of_its_own() {
    if on_postgres() {
        return;
    }
    let (app, token) = TestApp::with_amir().await;
    let [first, second] = [app.sign_in("amir", &token).await.unwrap(), app.sign_in("amir", &token).await.unwrap()];
    assert_ne!(first.reveal(), second.reveal());
    app.service().end_session(&app.visit(&first).await.unwrap()).await.unwrap();
    is_refused(app.visit(&first).await, OVER);
    assert_eq!(app.visit(&second).await.unwrap().session_id, 2);
    let files = std::fs::read(app.folder.path().join("otp.db-wal")).unwrap();
    let secret = second.reveal().as_bytes();
    assert!(!files.windows(secret.len()).any(|window| window == secret), "only the hash is stored");
}

#[tokio::test]
async fn a_session_ends_after_30_idle_minutes() {
    let (app, token) = TestApp::with_amir().await;
    let key = app.sign_in("amir", &token).await.unwrap();
    app.after(1799);
    // A request without activity does not keep the session open.
    assert_eq!(app.visit(&key).await.unwrap().ends_at.to_string(), "2025-12-29T15:08:32.273219Z");
    app.act(&key).await;
    assert_eq!(app.visit(&key).await.unwrap().ends_at.to_string(), "2025-12-29T15:38:31.273219Z");
    app.after(1799 + 1799);
    assert_eq!(app.visit(&key).await.unwrap().session_id, 1);
    app.after(1799 + 1800);
    is_refused(app.visit(&key).await, OVER);
}

#[tokio::test]
async fn activity_is_stored_once_a_minute() {
    let (app, token) = TestApp::with_amir().await;
    let key = app.sign_in("amir", &token).await.unwrap();
    app.after(59);
    let visit = app.service().resume(&key, here(), true).await.unwrap();
    assert_eq!(visit.ends_at.to_string(), "2025-12-29T15:08:32.273219Z");
    app.after(60);
    app.act(&key).await;
    assert_eq!(app.number("SELECT max(last_seen_at - created_at) FROM sessions").await, 60_000_000);
}

#[tokio::test]
async fn a_session_ends_after_12_hours_in_spite_of_activity() {
    let (app, token) = TestApp::with_amir().await;
    let key = app.sign_in("amir", &token).await.unwrap();
    for minutes in (25..12 * 60).step_by(25) {
        app.after(minutes * 60);
        app.act(&key).await;
    }
    app.after(12 * 3600 - 1);
    assert_eq!(app.visit(&key).await.unwrap().ends_at.to_string(), "2025-12-30T02:38:32.273219Z");
    app.after(12 * 3600);
    is_refused(app.visit(&key).await, OVER);
}

#[tokio::test]
async fn a_session_ends_with_its_token_and_its_user() {
    let (app, token) = TestApp::with_amir().await;
    let name = || "amir".parse().unwrap();
    let key = app.sign_in("amir", &token).await.unwrap();
    let by_link = app.open_link(&app.link("amir").await.unwrap()).await.unwrap();
    let prefix = otpd::domain::token::TokenName::parse(&token[..12]).unwrap();
    app.accounts().revoke_token(prefix).await.unwrap();
    is_refused(app.visit(&key).await, OVER);
    let caller = app.visit(&by_link).await.unwrap().caller;
    assert_eq!((caller.token_id, caller.origin.token_prefix.clone()), (-2, None), "it has no token");
    let unused = app.link("amir").await.unwrap();
    app.accounts().set_active(name(), false).await.unwrap();
    is_refused(app.visit(&by_link).await, OVER);
    app.accounts().set_active(name(), true).await.unwrap();
    is_refused(app.visit(&by_link).await, OVER);
    is_refused(app.open_link(&unused).await, UNKNOWN);
}

#[tokio::test]
async fn a_session_with_a_time_in_the_future_is_over() {
    let (app, token) = TestApp::with_amir().await;
    app.after(3600);
    let early = app.sign_in("amir", &token).await.unwrap();
    let link = app.link("amir").await.unwrap();
    app.after(3599);
    is_refused(app.visit(&early).await, OVER);
    is_refused(app.open_link(&link).await, UNKNOWN);
    app.after(3600);
    assert_eq!(app.visit(&early).await.unwrap().session_id, 1, "the clock was corrected");
    app.after(0);
    app.link("amir").await.unwrap();
    app.after(-1);
    app.purge().await;
    assert_eq!(app.number("SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM sign_in_links)").await, 0);
    // The failures later than now don't count.
    for _ in 0..5 {
        is_refused(app.sign_in("amir", "wrong").await, UNKNOWN);
    }
    app.after(-2);
    app.sign_in("amir", &token).await.unwrap();
}

#[tokio::test]
async fn sessions_are_listed_and_ended_together() {
    let (app, token) = TestApp::with_amir().await;
    let old = app.sign_in("amir", &token).await.unwrap();
    app.after(1800);
    for _ in 0..3 {
        app.sign_in("amir", &token).await.unwrap();
    }
    let by_link = app.open_link(&app.link("amir").await.unwrap()).await.unwrap();
    let admin = app.caller("admin", &app.admin).await;
    let listed = app.service().list_sessions(2).await.unwrap();
    assert_eq!(listed.iter().map(|session| session.id).collect::<Vec<_>>(), [5, 4, 3, 2]);
    assert_eq!((&listed[0].token_prefix, &listed[0].browser, listed[0].address), (&None, &None, here().address));
    assert_eq!(listed[1].token_prefix.as_deref(), Some(&token[..12]));
    assert_eq!((listed[1].browser.as_deref(), listed[1].times.created_at), (Some("Firefox"), app.service().now()));
    let caller = app.visit(&by_link).await.unwrap().caller;
    assert_eq!(app.service().end_other_sessions(&caller, 5).await.unwrap(), 3, "one was over already");
    is_refused(app.visit(&old).await, OVER);
    app.visit(&by_link).await.unwrap();
    let unused = app.link("amir").await.unwrap();
    assert_eq!(app.service().end_sessions_of(&admin, "amir".parse().unwrap()).await.unwrap(), 1);
    is_refused(app.visit(&by_link).await, OVER);
    is_refused(app.open_link(&unused).await, UNKNOWN);
    let unknown = app.service().end_sessions_of(&admin, "nobody".parse().unwrap()).await.unwrap_err();
    assert_eq!((unknown.kind(), unknown.to_string().as_str()), (Kind::NotFound, "There is no such user."));
    assert_eq!(app.service().list_sessions(1).await.unwrap().len(), 1, "the admin's");
}

#[tokio::test]
async fn purges_delete_what_is_over() {
    let (app, token) = TestApp::with_amir().await;
    app.sign_in("amir", &token).await.unwrap();
    app.link("amir").await.unwrap();
    let left = || app.number("SELECT (SELECT count(*) FROM sessions) * 10 + (SELECT count(*) FROM sign_in_links)");
    for (seconds, rows) in [(599, 11), (600, 10), (1799, 10), (1800, 0)] {
        app.after(seconds);
        app.purge().await;
        assert_eq!(left().await, rows, "after {seconds} s");
    }
    assert_eq!(app.audit("action=session.end").await.len(), 0);
}
