//! The providers in the console.

use otpd::domain::outbox::OnUnknown;

use crate::browser::Browser;
use crate::helpers::TestApp;
use crate::outbox::{Gateway, Reply, with_two};
use crate::outbox_faults::history;
use crate::sending::SEND;

#[tokio::test]
async fn providers_show_their_state_their_figures_and_their_last_error() {
    let (one, two) = (Gateway::start(vec![Reply::from((500, ""))]), Gateway::start(Vec::new()));
    let app = TestApp::start_serving(with_two(&one.url, &two.url, OnUnknown::Stop)).await;
    let browser = Browser::signed_in(&app, "admin", &app.admin).await;
    let page = browser.get("/console/providers").await.body;
    assert_eq!(page.matches("<span class=\"badge sound\">Works</span>").count(), 2, "{page}");
    assert!(page.contains("no error") && !page.contains("class=\"meter"), "{page}");
    let delivering = app.deliver();
    for number in 0..5 {
        let body = format!(r#"{{"mobile_number":"0912000{number:04}"}}"#);
        let id = app.send_json("POST", SEND, body).await.json()["id"].as_i64().unwrap();
        history(&app, id, 0, "sent").await;
    }
    delivering.end().await;
    let page = browser.get("/console/providers").await.body;
    let resting = "<span class=\"badge resting\">Resting: asked last</span><small>30 seconds left</small>";
    assert!(page.contains(resting), "{page}");
    assert!(page.contains("<bdi dir=\"ltr\" class=\"id wrap\">500: the gateway is unavailable</bdi>"), "{page}");
    assert!(page.contains("<span class=\"nowrap\">0%</span><svg class=\"meter low\""), "{page}");
    assert!(page.contains("<span class=\"nowrap\">100%</span><svg class=\"meter\"") && page.contains("5 attempts"));
    assert!(page.contains("Order 1 · SMS") && page.contains("Order 2 · SMS") && page.contains(" ms</span>"), "{page}");
    app.set_clock("2025-12-29T14:39:02.273219Z");
    let page = browser.get("/console/providers").await.body;
    assert!(page.contains("<span class=\"badge trial\">On trial</span>"), "{page}");
}

#[tokio::test]
async fn the_account_of_a_provider_is_checked_on_demand() {
    let one = Gateway::start(vec![Reply::from((200, "{}"))]);
    let app = TestApp::start_serving(with_two(&one.url, "http://127.0.0.1:9", OnUnknown::Stop)).await;
    let browser = Browser::signed_in(&app, "admin", &app.admin).await;
    let check = async |channel, index| {
        browser.post("/console/providers/check", &[("channel", channel), ("index", index)]).await
    };
    let good = check("sms", "0").await;
    assert_eq!(good.status, 200);
    let title = "The provider <bdi dir=\"ltr\" class=\"id\">one</bdi> was checked.";
    assert!(good.body.contains(title) && good.body.contains("class=\"flash tone-ok\" role=\"status\""));
    let answer = "<bdi dir=\"ltr\" class=\"id wrap\">reachable; the key is checked only by sending</bdi>";
    assert_eq!(good.body.matches(answer).count(), 2, "{}", good.body);
    assert!(good.body.contains("<link rel=\"canonical\" href=\"/console/providers\">"));
    let bad = check("sms", "1").await;
    assert!(bad.body.contains("class=\"flash tone-bad\" role=\"alert\""), "{}", bad.body);
    assert!(bad.body.contains("unreachable: ") && bad.body.contains("There is a problem"), "{}", bad.body);
    for (channel, index) in [("sms", "2"), ("email", "0"), ("post", "0"), ("sms", "")] {
        assert_eq!(check(channel, index).await.status, 404, "{channel} {index}");
    }
}

#[tokio::test]
async fn a_server_without_providers_says_how_to_add_one() {
    let app = TestApp::start().await;
    let browser = Browser::signed_in(&app, "admin", &app.admin).await;
    let page = browser.get("/console/providers").await.body;
    assert!(page.contains("No provider is configured. Codes cannot be sent."), "{page}");
    assert!(page.contains("Add one under <bdi dir=\"ltr\" class=\"id\">[[delivery.sms]]</bdi>."), "{page}");
}
