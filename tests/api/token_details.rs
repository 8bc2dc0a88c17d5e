//! Names and expiry of API tokens.

use otpd::domain::token::ApiToken;
use otpd::domain::token_details::{TokenDetails, expiry};
use otpd::domain::user::Role;
use otpd::service::accounts::tokens::list_tokens;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use serde_json::json;

use crate::helpers::{Answer, NOT_FOUND, TestApp, answer, path};
use crate::sessions::{OVER, UNKNOWN, is_refused};

impl TestApp {
    /// Adds a token with a name to a user. It expires in one hour.
    async fn hourly(&self, user: &str) -> String {
        let token = ApiToken::generate(&mut UnwrapErr(SysRng));
        let expires_at = Some(expiry("1h", self.service().now()).unwrap());
        let details = TokenDetails { name: Some("ci".parse().unwrap()), expires_at };
        self.accounts().add_token(user.parse().unwrap(), token.clone(), details).await.unwrap();
        token.reveal().to_owned()
    }

    async fn ask(&self, token: &str) -> Answer {
        answer(self.request("GET", &path(404)).header("Authorization", format!("Token {token}"))).await
    }
}

#[tokio::test]
async fn an_expired_token_is_refused_like_an_unknown_one() {
    let app = TestApp::start().await;
    let token = app.hourly("admin").await;
    app.after(3599);
    app.ask(&token).await.is(404, NOT_FOUND);
    app.after(3600);
    app.ask(&token).await.is(401, r#"{"detail":"Invalid token."}"#);
    app.ask(&app.admin).await.is(404, NOT_FOUND);
    // An expired token of a disabled user is refused with the same text.
    app.accounts().set_active("admin".parse().unwrap(), false).await.unwrap();
    app.ask(&token).await.is(401, r#"{"detail":"Invalid token."}"#);
}

#[tokio::test]
async fn a_session_ends_when_its_token_expires() {
    let app = TestApp::start().await;
    app.user("amir", Role::Staff, &[]).await;
    let token = app.hourly("amir").await;
    app.after(1801);
    let key = app.sign_in("amir", &token).await.unwrap();
    assert_eq!(app.visit(&key).await.unwrap().ends_at.to_string(), "2025-12-29T15:38:32.273219Z");
    app.after(3599);
    app.visit(&key).await.unwrap();
    assert_eq!(app.service().list_sessions(2).await.unwrap().len(), 1);
    app.after(3600);
    is_refused(app.visit(&key).await, OVER);
    assert_eq!(app.service().list_sessions(2).await.unwrap().len(), 0);
    is_refused(app.sign_in("amir", &token).await, UNKNOWN);
}

#[tokio::test]
async fn name_and_expiry_are_listed_and_recorded() {
    let app = TestApp::start().await;
    let token = app.hourly("admin").await;
    let listed = list_tokens(&app.store, None).await.unwrap();
    assert_eq!(listed[0].details, TokenDetails::default());
    assert_eq!(listed[1].details.name.as_ref().map(|name| name.as_str()), Some("ci"));
    let expires_at = "2025-12-29T15:38:32.273219Z";
    assert_eq!(listed[1].details.expires_at.map(|at| at.to_string()).as_deref(), Some(expires_at));
    let events = app.audit("action=token.add").await;
    let expected = json!({
        "user": ["admin", "admin"], "token": [null, &token[..12]], "name": [null, "ci"], "expires_at": [null, expires_at],
    });
    assert_eq!(events[0]["changes"], expected);
}
