//! The overview of the console.

use std::time::{Duration, Instant};

use otpd::domain::limit::Limit;
use otpd::domain::user::{Permission, Role};
use otpd::service::Settings;

use crate::browser::Browser;
use crate::figures::{mobile, send, verify};
use crate::helpers::{TestApp, only};
use crate::outbox::delivering;
use crate::sending::SEND;

/// The text of a page without its tags, in pieces that are separated by `|`.
fn text_of(html: &str) -> String {
    let main = html.split_once("<main").unwrap().1.split_once("<footer").unwrap().0;
    let pieces = main.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text.trim());
    pieces.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("|").replace("&#39;", "'")
}

async fn overview(app: &TestApp, path: &str) -> String {
    let page = Browser::signed_in(app, "admin", &app.admin).await.get(path).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page.body
}

#[tokio::test]
async fn an_empty_database_has_no_data_in_any_chart() {
    let app = TestApp::start().await;
    for path in ["/console/", "/console"] {
        let page = overview(&app, path).await;
        let expected = "Overview|As of|2025-12-29 18:08:32|1 hour|24 hours|7 days|30 days|Refresh|Key figures|\
                        Sent|0|as in the period before|Verified of sent|—|no data of the period before|\
                        Time from sending to verification|—|no data of the period before|\
                        Failed or unknown|0|as in the period before|Refused|0|as in the period before|Charts|\
                        Verified of sent|No data in this period.|Messages by outcome|No data in this period.|\
                        Time from sending to verification|No data in this period.|\
                        Providers: success and latency|No data in this period.|";
        let text = text_of(&page);
        assert!(text.contains(expected), "{text}");
        let expected = "Refused: by limit and by cause|No data in this period.|Queue|See all|Queue|Queue|\
                        Channel|Waiting|Being handed over|Oldest|SMS|0|0|E-mail|0|0|\
                        Locked recipients|See all|Locked recipients|Nobody is locked.|Providers|See all|Providers|\
                        No provider is configured. Codes cannot be sent.";
        assert!(text.contains(expected), "{text}");
        assert!(!page.contains("style=\"") && !page.contains("class=\"alarm"), "{page}");
    }
}

#[tokio::test]
async fn codes_are_shown_in_tiles_charts_and_tables() {
    let app = TestApp::start_serving(Settings { limits: only(Limit::SmsPerDay, 4), ..delivering() }).await;
    for n in 0..4 {
        let id = send(&app, &mobile(n)).await;
        if n == 0 {
            app.set_clock("2025-12-29T14:38:44Z");
            verify(&app, &mobile(n), id).await;
        }
    }
    assert_eq!(app.send_json("POST", SEND, mobile(9)).await.status, 429);
    app.service().flush_figures().await.unwrap();
    app.set_clock("2025-12-29T14:40:00Z");
    let page = overview(&app, "/console/?period=1h").await;
    let text = text_of(&page);
    for expected in [
        "|100% of today's limit is used: SMS.|Sent of today's limit|The oldest message has waited for 88 s.|Queue|Key figures|",
        "Sent|4|no data of the period before|Verified of sent|25%|no data of the period before|",
        "Refused|1|no data of the period before|Charts|Verified of sent|25%|0%|25%|50%|75%|100%|16:30|17:30|",
        "|2025-12-29 17:30|4|1|25%|This period|4|1|25%|Period before|0|0|",
        "Limit|Requested|Allowed|Share|SMS|4|4|100%|",
        "SMS per day|1|Most refused tokens:|",
        "|Most refused number prefixes:|0912|Show as a table|",
        "|SMS|4|0|1 minute ago|E-mail|0|0|",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    for expected in [
        r#"<a href="?period=1h" aria-current="true">1 hour</a>"#,
        r#"aria-label="25% of the codes sent in this period were verified.""#,
        r#"aria-label="Messages requested in the last 24 hours: SMS: 4 of 4.""#,
        r#"aria-label="Refused requests by limit: SMS per day: 1.""#,
        r#"<circle class="point c1" cx="432.0" cy="123.0" r="3.5"/>"#,
    ] {
        assert!(page.contains(expected), "{expected}\n{page}");
    }
    app.set_clock("2025-12-29T15:40:00Z");
    let text = text_of(&overview(&app, "/console/?period=1h").await);
    assert!(text.contains("Sent|4|"), "the last full hour belongs to the period: {text}");
    app.set_clock("2025-12-29T16:40:00Z");
    let text = text_of(&overview(&app, "/console/?period=1h").await);
    let expected = "Sent|0|100% less than in the period before|Verified of sent|—|no data of the period before|";
    assert!(text.contains(expected), "{text}");
}

#[tokio::test]
async fn only_admins_get_links_to_the_providers() {
    let app = TestApp::start_serving(delivering()).await;
    let token = app.user("sara", Role::Staff, &[Permission::ViewOtp]).await;
    let page = Browser::signed_in(&app, "sara", &token).await.get("/console/").await.body;
    assert!(page.contains("<h2 id=\"h-providers\">Providers</h2></div>"), "{page}");
    assert!(page.contains("<span class=\"badge sound\">Works</span>"), "{page}");
    assert!(!page.contains("\"/console/providers\""), "{page}");
    assert!(overview(&app, "/console/").await.contains("class=\"btn quiet small\" href=\"/console/providers\""));
}

#[tokio::test]
async fn the_overview_answers_within_a_tenth_of_a_second() {
    let app = TestApp::start_serving(delivering()).await;
    for n in 0..20 {
        send(&app, &mobile(n)).await;
    }
    let browser = Browser::signed_in(&app, "admin", &app.admin).await;
    for period in ["1h", "24h", "7d", "30d"] {
        let mut fastest = Duration::MAX;
        for _ in 0..5 {
            let begun = Instant::now();
            assert_eq!(browser.get(&format!("/console/?period={period}")).await.status, 200);
            fastest = fastest.min(begun.elapsed());
        }
        assert!(fastest < Duration::from_millis(100), "{period}: {fastest:?}");
    }
}
