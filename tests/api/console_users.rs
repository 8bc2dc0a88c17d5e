//! The pages of users.

use otpd::domain::user::{Permission, Role};

use crate::browser::Browser;
use crate::helpers::{TestApp, answer, path};

const AMIR: &str = "/console/users/amir";
const LAST: &str = "The last active admin cannot be disabled.";

/// The token that a page shows.
fn shown_token(page: &str) -> &str {
    let (_, rest) = page.split_once("id=\"token-value\" data-secret>").unwrap_or_else(|| panic!("{page}"));
    rest.split_once('<').unwrap().0
}

#[tokio::test]
async fn a_user_is_added_and_its_token_is_shown_once() {
    let app = TestApp::start().await;
    let admin = app.admin_browser().await;
    assert!(admin.page("/console/users/new").await.contains("value=\"staff\" checked"));
    for (name, error) in [
        ("", "This field is required."),
        ("a b", "A name has 1 to 64 English letters"),
        ("admin", "A user with this name exists already."),
    ] {
        let fields = [("name", name), ("role", "admin"), ("permission", "2852")];
        let refused = admin.post("/console/users/new", &fields).await;
        assert_eq!(refused.status, 422, "{name}");
        assert!(refused.body.contains(&format!("<a href=\"#name\">{error}")), "{}", refused.body);
        assert!(refused.body.contains("value=\"admin\" checked") && refused.body.contains("value=\"2852\" checked"));
    }
    let fields = [("name", "sara"), ("role", "staff"), ("permission", "2852"), ("permission", "2855")];
    let added = admin.post("/console/users/new", &fields).await;
    assert_eq!((added.status.as_u16(), added.header("cache-control")), (200, "no-store"));
    let token = shown_token(&added.body);
    assert_eq!(added.body.matches(token).count(), 1);
    assert!(added.body.contains("<link rel=\"canonical\" href=\"/console/users/sara\">"));
    let sara = Browser::signed_in(&app, "sara", token).await;
    assert_eq!(sara.get("/console/users").await.status, 403);
    let user = admin.page("/console/users/sara").await;
    assert!(user.contains(&token[..12]) && !user.contains(token));
    for code in [2852, 2855] {
        assert!(user.contains(&format!("value=\"{code}\" checked")), "{user}");
    }
    // Two permissions and the role.
    assert_eq!(user.matches("\" checked").count(), 3);
    assert!(admin.page("/console/users").await.contains("View codes, Send"));
}

#[tokio::test]
async fn role_and_permissions_are_saved() {
    let (app, _) = TestApp::with_amir().await;
    let admin = app.admin_browser().await;
    let fields = [("permission", "2851"), ("permission", "2853")];
    let location = admin.redirect(&format!("{AMIR}/permissions"), &fields).await;
    assert_eq!(location, "/console/users/amir?done=permissions_saved&id=amir");
    let page = admin.page(&location).await;
    assert!(page.contains("The permissions of <bdi dir=\"ltr\" class=\"id\">amir</bdi> were saved."));
    for (code, is_ticked) in [(2851, true), (2852, false), (2853, true)] {
        assert_eq!(page.contains(&format!("value=\"{code}\" checked")), is_ticked, "{code}");
    }
    let events = app.audit("actor=admin&action=user.grant").await;
    assert_eq!(events[0]["changes"]["permissions"], serde_json::json!([[], [2851, 2853]]));
    assert_eq!(app.audit("actor=admin&action=user.revoke").await.len(), 1);
    let location = admin.redirect(&format!("{AMIR}/role"), &[("role", "admin")]).await;
    assert_eq!(location, "/console/users/amir?done=role_saved&id=amir");
    assert!(admin.page(&location).await.contains("All permissions"));
}

#[tokio::test]
async fn tokens_are_made_and_revoked() {
    let (app, old) = TestApp::with_amir().await;
    let admin = app.admin_browser().await;
    let form = format!("{AMIR}/token");
    let typed = [("name", &*"x".repeat(65)), ("validity", "until"), ("until", "1404/10/07")];
    let refused = admin.post(&form, &typed).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("2 fields need a correction") && refused.body.contains("value=\"1404/10/07\""));
    let pasted = admin.post(&form, &[("name", &old)]).await;
    assert!(pasted.status == 422 && !pasted.body.contains(&old));
    let fields = [("name", "shop-backend"), ("validity", "until"), ("until", "1404/10/09")];
    let token = shown_token(&admin.post(&form, &fields).await.body).to_owned();
    let page = admin.page(AMIR).await;
    assert!(page.contains("shop-backend") && page.contains("2025-12-30 00:00:00"), "{page}");
    let send = || app.request("GET", &path(1)).header("Authorization", format!("Token {token}"));
    assert_eq!(answer(send()).await.status, 404);
    let question = admin.page(&format!("{AMIR}/revoke?prefix={}", &token[..12])).await;
    assert!(question.contains("Programs that use it are refused") && !question.contains("Your session was started"));
    let location = admin.redirect(&format!("{AMIR}/revoke"), &[("prefix", &token[..12])]).await;
    assert_eq!(location, format!("{AMIR}?done=token_revoked&id={}", &token[..12]));
    assert_eq!(answer(send()).await.status, 401);
    assert_eq!(admin.post(&format!("{AMIR}/revoke"), &[("prefix", &app.admin[..12])]).await.status, 404);
    let own = admin.page(&format!("/console/users/admin/revoke?prefix={}", &app.admin[..12])).await;
    assert!(own.contains("Your session was started with this token"));
}

#[tokio::test]
async fn a_user_is_disabled_enabled_and_removed() {
    let (app, token) = TestApp::with_amir().await;
    let admin = app.admin_browser().await;
    let amir = Browser::signed_in(&app, "amir", &token).await;
    assert!(admin.page(AMIR).await.contains("End all sessions"));
    let location = admin.redirect(&format!("{AMIR}/end-sessions"), &[]).await;
    assert_eq!(location, "/console/users/amir?done=sessions_ended&id=1");
    assert_eq!(amir.get("/console/account").await.status, 303);
    assert!(admin.page(&format!("{AMIR}/disable")).await.contains("All tokens and sessions of this user stop working"));
    let location = admin.redirect(&format!("{AMIR}/disable"), &[]).await;
    assert_eq!(location, "/console/users/amir?done=user_disabled&id=amir");
    assert!(admin.page(AMIR).await.contains("action=\"/console/users/amir/enable\""));
    admin.redirect(&format!("{AMIR}/enable"), &[]).await;
    assert!(admin.page(&format!("{AMIR}/remove")).await.contains("Its events stay in the audit trail."));
    let location = admin.redirect(&format!("{AMIR}/remove"), &[]).await;
    assert_eq!(location, "/console/users?done=user_removed&id=amir");
    assert!(admin.page(&location).await.contains("1 user</span>"));
    for page in ["", "/disable", "/remove", "/token", "/revoke"] {
        assert_eq!(admin.get(&format!("{AMIR}{page}")).await.status, 404, "{page}");
    }
    for action in ["role", "permissions", "disable", "enable", "remove", "revoke", "token", "end-sessions"] {
        assert_eq!(admin.post(&format!("{AMIR}/{action}"), &[]).await.status, 404, "{action}");
    }
}

#[tokio::test]
async fn the_last_active_admin_stays() {
    let app = TestApp::start().await;
    app.user("sara", Role::Admin, &[]).await;
    let admin = app.admin_browser().await;
    admin.redirect("/console/users/sara/disable", &[]).await;
    let page = admin.page("/console/users/admin").await;
    assert!(!page.contains("/console/users/admin/disable") && !page.contains("/console/users/admin/remove"));
    for (action, fields) in [("disable", vec![]), ("remove", vec![]), ("role", vec![("role", "staff")])] {
        let refused = admin.post(&format!("/console/users/admin/{action}"), &fields).await;
        assert_eq!(refused.status, 409, "{action}");
        assert!(refused.body.contains(LAST), "{action}");
    }
    assert_eq!(admin.get("/console/users/admin/disable").await.status, 409);
}

#[tokio::test]
async fn an_admin_is_warned_before_it_locks_itself_out() {
    let app = TestApp::start().await;
    app.user("sara", Role::Admin, &[]).await;
    let admin = app.admin_browser().await;
    for page in ["disable", "remove"] {
        let question = admin.page(&format!("/console/users/admin/{page}")).await;
        assert!(question.contains("This is your own account."), "{question}");
    }
    let question = admin.post("/console/users/admin/role", &[("role", "staff")]).await;
    assert_eq!(question.status, 200);
    assert!(question.body.contains("another admin would have to make you an admin again"), "{}", question.body);
    assert!(question.body.contains("name=\"confirmed\" value=\"1\""));
    assert_eq!(admin.get("/console/users").await.status, 200);
    let location = admin.redirect("/console/users/admin/role", &[("role", "staff"), ("confirmed", "1")]).await;
    assert_eq!(location, "/console/account?done=role_saved&id=admin");
    assert_eq!(admin.get("/console/users").await.status, 403);
}

#[tokio::test]
async fn only_admins_reach_users() {
    let app = TestApp::start().await;
    let token = app.user("amir", Role::Staff, Permission::ALL).await;
    let amir = Browser::signed_in(&app, "amir", &token).await;
    for page in ["", "/new", "/amir", "/amir/token", "/amir/disable", "/amir/remove", "/amir/revoke"] {
        assert_eq!(amir.get(&format!("/console/users{page}")).await.status, 403, "{page}");
    }
    for action in ["new", "amir/role", "amir/permissions", "amir/enable", "amir/end-sessions", "amir/token"] {
        assert_eq!(amir.post(&format!("/console/users/{action}"), &[("role", "admin")]).await.status, 403, "{action}");
    }
}
