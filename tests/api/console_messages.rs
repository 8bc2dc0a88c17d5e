//! The list of messages in the console.

use otpd::domain::outbox::OnUnknown;

use crate::browser::Browser;
use crate::helpers::TestApp;
use crate::outbox::{Gateway, Reply, delivering, with_two};
use crate::outbox_faults::history;
use crate::sending::SEND;

async fn send(app: &TestApp, number: u32, state: &str) -> i64 {
    let body = format!(r#"{{"mobile_number":"0912000{number:04}"}}"#);
    let id = app.send_json("POST", SEND, body).await.json()["id"].as_i64().unwrap();
    history(app, id, 0, state).await;
    id
}

/// The body of a page that is shown.
async fn page(browser: &Browser, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

#[tokio::test]
async fn messages_show_state_provider_and_reason_and_link_to_their_code() {
    let refused = Reply::from((404, "{}"));
    let one = Gateway::start(vec![refused, Reply::from((200, crate::gateway::ACCEPTED))]);
    let two = Gateway::start(vec![Reply::from((403, ""))]);
    let app = TestApp::start_serving(with_two(&one.url, &two.url, OnUnknown::Stop)).await;
    let browser = Browser::signed_in(&app, "admin", &app.admin).await;
    let empty = page(&browser, "/console/messages").await;
    assert!(empty.contains("<h2>No messages yet</h2><p>They appear here when a code is sent.</p>"), "{empty}");
    let _delivering = app.deliver();
    let failed = send(&app, 1, "failed").await;
    let sent = send(&app, 2, "sent").await;
    let all = page(&browser, "/console/messages").await;
    assert!(all.contains("<p>Accepted by the provider does not mean delivered.</p>"));
    assert!(all.contains("<span class=\"badge sent\">Accepted by the provider</span>"), "{all}");
    assert!(all.contains("<span class=\"badge failed\">Failed</span>"));
    assert!(all.contains("The provider refuses everything: a setting or the account has to be corrected."));
    assert!(all.contains("<bdi dir=\"ltr\" class=\"id wrap\">403: the key was rejected</bdi>"));
    assert!(all.contains("<bdi dir=\"ltr\" class=\"id\">09120000002</bdi>") && all.contains("2 messages"));
    for id in [failed, sent] {
        assert!(all.contains(&format!("<a href=\"/console/codes/{id}\" dir=\"ltr\" class=\"id\">{id}</a>")));
    }
    let by_two = page(&browser, "/console/messages?provider=two&state=failed").await;
    assert!(by_two.contains("09120000001") && !by_two.contains("09120000002"), "{by_two}");
    assert!(by_two.contains("<option value=\"two\" selected>two</option>"));
    assert!(by_two.contains("href=\"/console/messages?state=failed\""), "a chip removes its filter");
    let other_day = page(&browser, "/console/messages?from=1404/10/09").await;
    assert!(other_day.contains("No message matches. Remove a filter."), "{other_day}");
    let day = page(&browser, "/console/messages?from=1404/10/08&to=2025-12-29").await;
    assert!(day.contains("09120000001"), "{day}");
}

#[tokio::test]
async fn pages_go_on_with_older_messages_and_back_to_the_first_one() {
    let app = TestApp::start_serving(delivering()).await;
    for number in 0..51 {
        send(&app, number, "queued").await;
    }
    let browser = Browser::signed_in(&app, "admin", &app.admin).await;
    let first = page(&browser, "/console/messages?state=queued").await;
    assert!(first.contains("09120000050") && !first.contains("09120000000"), "{first}");
    assert!(first.contains("not tried yet") && !first.contains("First page"));
    let older = "/console/messages?state=queued&before=2";
    assert!(first.contains(&format!("rel=\"next\" href=\"{}\"", older.replace('&', "&#38;"))), "{first}");
    let last = page(&browser, older).await;
    assert!(last.contains("09120000000") && !last.contains("09120000001"), "{last}");
    assert!(last.contains("href=\"/console/messages?state=queued\">") && last.contains("First page"));
    assert!(!last.contains("rel=\"next\""));
    assert_eq!(app.send_json("PATCH", &crate::helpers::path(1), r#"{"code":1}"#).await.status, 200);
    let cancelled = page(&browser, "/console/messages?state=cancelled").await;
    assert!(cancelled.contains("The code was changed, used or sent again before."), "{cancelled}");
}
