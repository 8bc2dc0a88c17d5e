//! Locked and paused recipients in the console.

use otpd::domain::limit::{Limit, Limits};
use otpd::domain::policy::Policy;
use otpd::domain::user::{Permission, Role};
use otpd::service::Settings;

use crate::browser::Browser;
use crate::helpers::{Answer, TestApp};
use crate::outbox::delivering;
use crate::sending::{SEND, TO_MOBILE};
use crate::verifying::{VERIFY, attempt};

const LOCKED: &str = "<span class=\"badge locked\">Locked until staff frees it</span>";
const FREE: &str =
    "action=\"/console/recipients/free\"><input type=\"hidden\" name=\"recipient\" value=\"09123456789\">";

/// Recipients are locked after two failures and get one message per hour.
async fn start() -> TestApp {
    let limits = Limits::new(|limit| u32::from(limit == Limit::SendsPerRecipientHour));
    let policy = Policy { max_consecutive_failures: Some(2), ..Policy::default() };
    TestApp::start_serving(Settings { limits, policy, ..delivering() }).await
}

async fn lock(app: &TestApp) -> i64 {
    let id = app.create().await;
    for code in [1, 2] {
        assert_eq!(app.send_json("POST", VERIFY, attempt(code)).await.status, 400);
    }
    id
}

fn location(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.header("location"))
}

#[tokio::test]
async fn a_locked_recipient_is_shown_and_freed() {
    let app = start().await;
    let browser = Browser::signed_in(&app, "admin", &app.admin).await;
    let empty = browser.get("/console/recipients").await.body;
    assert!(empty.contains("<h2>Nobody is locked</h2>"), "{empty}");
    let code = format!("/console/codes/{}", lock(&app).await);
    let page = browser.get("/console/recipients").await.body;
    assert!(page.contains(LOCKED) && page.contains(FREE) && page.contains("1 recipient"), "{page}");
    let page = browser.get(&code).await.body;
    let notice = "The recipient of this code is locked: until staff frees it, it gets no code and none is accepted.";
    assert!(page.contains(notice) && page.contains("2 failures in a row") && page.contains(FREE), "{page}");
    let freed = browser.post("/console/recipients/free", &[("recipient", "09123456789")]).await;
    assert_eq!(location(&freed), (303, "/console/recipients?done=freed"));
    let page = browser.get("/console/recipients?done=freed").await.body;
    assert!(page.contains("The recipient may try again.") && page.contains("Nobody is locked"), "{page}");
    assert!(!browser.get(&code).await.body.contains(notice));
    assert_eq!(browser.post("/console/recipients/free", &[("recipient", "x")]).await.status, 400);
}

#[tokio::test]
async fn a_paused_recipient_shows_when_it_may_continue() {
    let app = start().await;
    let code = app.send_json("POST", SEND, TO_MOBILE).await.json()["id"].as_i64().unwrap();
    let browser = Browser::signed_in(&app, "admin", &app.admin).await;
    let until = "until <bdi dir=\"ltr\" class=\"id\">2025-12-29 19:08</bdi>";
    let page = browser.get("/console/recipients").await.body;
    assert!(page.contains(&format!("<span class=\"badge paused\">Paused {until}</span>")), "{page}");
    assert!(page.contains("<small>Messages per recipient and hour</small>"), "{page}");
    assert!(page.contains(">1 of 1</td>") && page.contains(">1, no limit</td>"), "{page}");
    let page = browser.get(&format!("/console/codes/{code}")).await.body;
    assert!(page.contains(&format!("The recipient of this code is paused {until}.")), "{page}");
}

#[tokio::test]
async fn the_state_of_any_recipient_can_be_looked_up() {
    let app = start().await;
    lock(&app).await;
    let browser = Browser::signed_in(&app, "admin", &app.admin).await;
    let search = async |text| browser.post("/console/recipients/search", &[("q", text)]).await;
    let found = search("+98 912 345 6789").await;
    assert_eq!(location(&found), (303, "/console/recipients?s=1"));
    let page = browser.get("/console/recipients?s=1").await.body;
    assert!(page.contains("<h2 id=\"h-found\"><bdi dir=\"ltr\" class=\"id\">09123456789</bdi></h2>"), "{page}");
    assert_eq!(page.matches(LOCKED).count(), 2, "{page}");
    search("other@example.com").await;
    let page = browser.get("/console/recipients?s=2").await.body;
    assert!(page.contains("<span class=\"badge tone-ok\">May send and verify</span>"), "{page}");
    let wrong = search("0912").await;
    assert_eq!(wrong.status, 422);
    let error = "<a href=\"#q\">Enter a mobile number such as 09123456789.</a>";
    assert!(wrong.body.contains(error) && wrong.body.contains("value=\"0912\""), "{}", wrong.body);
    assert_eq!(location(&search("").await), (303, "/console/recipients"));
    let lost = browser.get("/console/recipients?s=9").await.body;
    assert!(lost.contains("This search is no longer kept. Search again."), "{lost}");
}

#[tokio::test]
async fn only_those_who_may_free_a_recipient_see_the_button() {
    let app = start().await;
    let code = lock(&app).await;
    let token = app.user("sara", Role::Staff, &[Permission::ViewOtp]).await;
    let browser = Browser::signed_in(&app, "sara", &token).await;
    for path in ["/console/recipients".to_owned(), format!("/console/codes/{code}")] {
        let page = browser.get(&path).await.body;
        assert!(page.contains("09123456789") && !page.contains("/console/recipients/free"), "{page}");
    }
}
