//! The page of the own account.

use crate::browser::Browser;
use crate::helpers::TestApp;

#[tokio::test]
async fn the_account_shows_the_own_sessions_and_permissions() {
    let (app, token) = TestApp::with_amir().await;
    let amir = Browser::signed_in(&app, "amir", &token).await;
    let page = amir.page("/console/account").await;
    assert!(page.contains("<bdi dir=\"ltr\" class=\"id\">amir</bdi> · Staff"), "{page}");
    assert!(page.contains("<dt><bdi dir=\"ltr\" class=\"id\">2852</bdi></dt><dd>View codes</dd>"), "{page}");
    assert_eq!(page.matches("This session").count(), 1);
    assert!(page.contains("No other session is open.") && page.contains(&token[..12]));
    assert!(page.contains("<kbd>g</kbd> <kbd>c</kbd>") && !page.contains("<kbd>g</kbd> <kbd>u</kbd>"));
    let admin = app.admin_browser().await.page("/console/account").await;
    assert!(admin.contains("All permissions") && admin.contains("<kbd>g</kbd> <kbd>u</kbd>"));
}

#[tokio::test]
async fn the_other_sessions_are_ended() {
    let (app, token) = TestApp::with_amir().await;
    let [amir, other] =
        [Browser::signed_in(&app, "amir", &token).await, Browser::signed_in(&app, "amir", &token).await];
    let admin = app.admin_browser().await;
    assert!(amir.page("/console/account").await.contains("End the other sessions"));
    let location = amir.redirect("/console/account/end-others", &[]).await;
    assert_eq!(location, "/console/account?done=sessions_ended&id=1");
    let page = amir.page(&location).await;
    assert!(page.contains("1 session was ended.") && page.contains("No other session is open."), "{page}");
    let over = other.get("/console/account").await;
    assert_eq!(over.status, 303);
    assert_eq!(over.header("location"), "/console/sign-in?next=%2Fconsole%2Faccount");
    admin.page("/console/account").await;
}
