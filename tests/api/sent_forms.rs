//! Forms of the console that are sent twice, for example by a double click without JavaScript.

use futures_util::future::join_all;

use crate::helpers::{OTPS, TestApp};

/// The key of the form of a page.
fn key(page: &str) -> String {
    let (_, rest) = page.split_once(r#"name="form" value=""#).unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_code_is_created_once_for_each_display_of_the_form() {
    let app = TestApp::start().await;
    let admin = app.admin_browser().await;
    for expected in [1, 2] {
        let key = key(&admin.page("/console/codes/new").await);
        assert_eq!(key.len(), 32);
        let fields = [("form", key.as_str()), ("mobile", "09123456789"), ("code", "255315"), ("validity", "renew")];
        // An error does not use up the form.
        let mut wrong = fields;
        wrong[1] = ("mobile", "0912");
        assert_eq!(admin.post("/console/codes/new", &wrong).await.status, 422);
        let sent = join_all((0..4).map(|_| admin.redirect("/console/codes/new", &fields))).await;
        let location = format!("/console/codes/{expected}?done=created&id={expected}");
        assert!(sent.iter().all(|one| *one == location), "{sent:?}");
        assert_eq!(app.send("GET", OTPS).await.json()["count"], expected);
    }
    assert_eq!(app.audit("action=otp.create").await.len(), 2);
}

#[tokio::test]
async fn a_token_and_a_user_are_added_once_for_each_display_of_the_form() {
    let (app, _) = TestApp::with_amir().await;
    let admin = app.admin_browser().await;
    for (path, user, action) in
        [("/console/users/amir/token", "amir", "token.add"), ("/console/users/new", "sara", "user.add")]
    {
        let before = app.audit(&format!("action={action}")).await.len();
        let key = key(&admin.page(path).await);
        let fields = [("form", key.as_str()), ("name", user), ("validity", "90d"), ("role", "staff")];
        assert_eq!(admin.post(path, &fields).await.status, 200);
        let location = admin.redirect(path, &fields).await;
        assert_eq!(location, format!("/console/users/{user}?done=sent_twice"));
        assert!(admin.page(&location).await.contains("The form was sent twice and took effect once."));
        assert_eq!(app.audit(&format!("action={action}")).await.len(), before + 1, "{action}");
    }
}

#[tokio::test]
async fn a_key_belongs_to_one_session() {
    let app = TestApp::start().await;
    let (one, other) = (app.admin_browser().await, app.admin_browser().await);
    let key = key(&one.page("/console/codes/new").await);
    let fields = [("form", key.as_str()), ("mobile", "09123456789"), ("code", "255315"), ("validity", "renew")];
    let locations =
        [one.redirect("/console/codes/new", &fields).await, other.redirect("/console/codes/new", &fields).await];
    assert_eq!(locations, ["/console/codes/1?done=created&id=1", "/console/codes/2?done=created&id=2"]);
}
