//! The page of the audit trail.

use otpd::domain::user::{Permission, Role};

use crate::browser::Browser;
use crate::helpers::{START_PLUS_EXPIRATION, TestApp, path};

/// The parts of a page that stand between `before` and `after`.
fn between<'a>(page: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    page.split(before).skip(1).filter_map(|part| part.split_once(after)).map(|(part, _)| part).collect()
}

/// The ids of the codes that a page links to.
fn codes(page: &str) -> Vec<&str> {
    between(page, "<a href=\"/console/codes/", "\"")
}

#[tokio::test]
async fn events_are_shown_in_plain_words() {
    let app = TestApp::start().await;
    let id = app.create().await;
    app.send_json("PATCH", &path(id), r#"{"mobile_number":null,"email":"Info@moeinmail.ir"}"#).await;
    app.user("amir", Role::Staff, &[Permission::ViewOtp, Permission::SendOtp]).await;
    app.accounts().revoke("amir".parse().unwrap(), vec![Permission::ViewOtp]).await.unwrap();
    let page = app.admin_browser().await.page("/console/audit").await;
    assert!(page.contains("<span class=\"count\">6 events</span>"), "{page}");
    let rows = between(&page, "<tr><th scope=\"row\">", "</tr>");
    let [signed_in, revoked, added, changed, created, first] = rows.as_slice() else { panic!("{page}") };
    assert!(signed_in.contains("Sign-in<small><bdi dir=\"ltr\" class=\"id\">session.start</bdi>"));
    assert!(signed_in.contains("<dt>Result</dt><dd>signed in</dd>"));
    assert!(
        revoked.contains("Took permissions away") && revoked.contains("User <bdi dir=\"ltr\" class=\"id\">amir</bdi>")
    );
    let permission = |label: &str, code| format!("{label} <bdi dir=\"ltr\" class=\"id\">{code}</bdi>");
    let (view, send) = (permission("View codes", 2852), permission("Send", 2855));
    assert!(revoked.contains(&format!("<dt>Permissions</dt><dd>{view}, {send}</dd>")), "{revoked}");
    assert!(revoked.contains(&format!("<dt>Permissions</dt><dd>{send}</dd>")), "{revoked}");
    assert!(added.contains("<dt>Role</dt><dd>Staff</dd>") && added.contains("Command line"));
    assert!(changed.contains("<bdi dir=\"ltr\" class=\"id\">0912***6789</bdi>"), "{changed}");
    assert!(changed.contains(&format!("<bdi dir=\"ltr\" class=\"id mono\">{}</bdi>", &app.admin[..12])));
    assert!(created.contains("2025-12-29 18:13:32") && created.contains("127.0.0.1"), "{created}");
    assert!(first.contains("Added a user"));
    assert_eq!(codes(&page), ["1", "1"]);
    assert!(!page.contains("255315") && !page.contains("09123456789") && !page.contains(START_PLUS_EXPIRATION));
}

#[tokio::test]
async fn the_trail_is_filtered() {
    let app = TestApp::start().await;
    for number in ["09123456789", "09350000000", "09123456789"] {
        app.create_with(&format!(r#"{{"code":1,"mobile_number":"{number}"}}"#)).await;
    }
    let admin = app.admin_browser().await;
    for (query, ids) in [
        ("", vec!["3", "2", "1"]),
        ("?actor=admin&action=otp.create", vec!["3", "2", "1"]),
        ("?actor=test", vec![]),
        ("?action=otp.delete", vec![]),
        ("?code=2", vec!["2"]),
        ("?code=%DB%B2", vec!["2"]),
        ("?code=x", vec![]),
        ("?from=1404%2F10%2F08&to=2025-12-29", vec!["3", "2", "1"]),
        ("?from=2025-12-30", vec![]),
    ] {
        assert_eq!(codes(&admin.page(&format!("/console/audit{query}")).await), ids, "{query}");
    }
    let fields = [("q", "+98 912 345 6789"), ("action", "otp.create"), ("actor", "")];
    let location = admin.redirect("/console/audit/search", &fields).await;
    assert_eq!(location, "/console/audit?action=otp.create&s=1");
    for indexed in [false, true] {
        if indexed {
            app.index_audit().await;
        }
        let page = admin.page(&location).await;
        assert_eq!(codes(&page), ["3", "1"]);
        assert!(page.contains("href=\"/console/audit.csv?s=1&#38;action=otp.create\""), "{page}");
    }
    let part = admin.redirect("/console/audit/search", &[("q", "0912")]).await;
    let page = admin.page(&part).await;
    assert!(page.contains("Enter a whole mobile number or a whole e-mail address.") && codes(&page).is_empty());
    assert!(page.contains("No event matches."));
    assert_eq!(admin.redirect("/console/audit/search", &[("q", " ")]).await, "/console/audit");
    assert!(admin.page("/console/audit?s=9").await.contains("This search is no longer kept."));
}

#[tokio::test]
async fn the_pages_follow_each_other_in_both_directions() {
    let app = TestApp::start().await;
    for n in 0..120 {
        if n == 80 {
            app.index_audit().await;
        }
        app.create().await;
    }
    let admin = app.admin_browser().await;
    for filter in ["action=otp.create", "action=otp.create&actor=admin&from=2025-12-29"] {
        let list = format!("/console/audit?{filter}");
        let link = |page: &str, rel: &str| {
            let start = format!("rel=\"{rel}\" href=\"");
            between(page, &start, "\"").first().map(|link| link.replace("&#38;", "&"))
        };
        let mut pages = vec![admin.page(&list).await];
        while let Some(older) = link(pages.last().unwrap(), "next") {
            pages.push(admin.page(&older).await);
        }
        let sizes: Vec<usize> = pages.iter().map(|page| codes(page).len()).collect();
        assert_eq!(sizes, [50, 50, 20]);
        assert_eq!((codes(&pages[0])[0], codes(&pages[1])[0], codes(&pages[2])[19]), ("120", "70", "1"));
        assert!(pages[2].contains("120 events"));
        let middle = admin.page(&link(&pages[2], "prev").unwrap()).await;
        assert_eq!(codes(&middle), codes(&pages[1]));
        let first = admin.page(&link(&middle, "prev").unwrap()).await;
        assert_eq!(codes(&first), codes(&pages[0]));
        assert_eq!(link(&first, "prev"), None);
    }
}

#[tokio::test]
async fn the_events_are_downloaded_as_csv() {
    let app = TestApp::start().await;
    app.create().await;
    app.user("@sum", Role::Staff, &[]).await;
    app.service().sign_in("@sum", "x", otpd::service::RequestSource::default(), None).await.unwrap_err();
    app.accounts().grant("admin".parse().unwrap(), vec![Permission::ViewOtp]).await.unwrap();
    let admin = app.admin_browser().await;
    let file = admin.get("/console/audit.csv").await;
    assert_eq!((file.status.as_u16(), file.header("content-type")), (200, "text/csv; charset=utf-8"));
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"otpd-audit-2025-12-29.csv\"");
    assert_eq!(file.header("cache-control"), "no-store");
    let text = file.body.strip_prefix('\u{feff}').unwrap();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "When,When (UTC),Who,Token,What,Action,Code ID,Recipient,User,Before,After,Address,Request");
    assert!(lines[2].contains("test · Command line,,Granted permissions,user.grant,,,admin,"), "{}", lines[2]);
    let only_creations = admin.get("/console/audit.csv?action=otp.create").await.body;
    let row = format!(
        "\r\n2025-12-29 18:08:32,2025-12-29T14:38:32.273219Z,admin,{},Created a code,otp.create,1,0912***6789,,,\"Code: •\n",
        &app.admin[..12]
    );
    assert!(only_creations.contains(&row), "{only_creations}");
    assert_eq!(only_creations.matches("\r\n").count(), 2);
    assert!(lines[3].contains(",'@sum,,Sign-in,session.start,"), "{}", lines[3]);
    assert!(!text.contains("255315"), "{text}");
}

#[tokio::test]
async fn only_admins_see_the_trail() {
    let (app, token) = TestApp::with_amir().await;
    let amir = Browser::signed_in(&app, "amir", &token).await;
    for path in ["/console/audit", "/console/audit.csv"] {
        assert_eq!(amir.get(path).await.status, 403, "{path}");
    }
    assert_eq!(amir.post("/console/audit/search", &[("q", "09123456789")]).await.status, 403);
}
