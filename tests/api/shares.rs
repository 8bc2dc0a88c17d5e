//! The verified share of recent codes by prefix and provider: counts, metrics and collapses.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use otpd::delivery::{Chain, Delivery, Provider};
use otpd::domain::attempt::Report;
use otpd::domain::figures::counts::Codes;
use otpd::domain::figures::shares::{Collapse, Part, Usual};
use otpd::domain::message::Message;
use otpd::domain::message::PerChannel;
use otpd::domain::outbox::OnUnknown;
use otpd::service::Settings;
use tokio::sync::Notify;

use crate::figures::{figures, mobile, send, verify};
use crate::helpers::TestApp;
use crate::outbox::{Gateway, Reply, delivering, with_two};
use crate::outbox_faults::history;
use crate::sending::TO_MOBILE;

/// The hour that is checked at START: from 13:00 to 14:00.
const CHECKED: i64 = 490_837;

/// The stored counts by provider.
async fn by_provider(app: &TestApp) -> Vec<String> {
    figures(app).await.into_iter().filter(|row| row.starts_with("codes_") && row.contains("_by_provider")).collect()
}

#[tokio::test]
async fn a_code_counts_for_each_provider_that_sent_it_and_verified_for_the_last_one() {
    let one = Gateway::start(vec![Reply::from((200, crate::gateway::ACCEPTED)), Reply::from((503, ""))]);
    let two = Gateway::start(Vec::new());
    let app = TestApp::start_serving(with_two(&one.url, &two.url, OnUnknown::Stop)).await;
    let _delivering = app.deliver();
    let id = send(&app, TO_MOBILE).await;
    history(&app, id, 0, "sent").await;
    assert_eq!(by_provider(&app).await, ["codes_sent_by_provider 0 one: 1"]);
    // The second and third message with the same code go through the other provider, in the next hour.
    for (n, moment) in [(1, "2025-12-29T14:40:00Z"), (2, "2025-12-29T14:41:00Z")] {
        app.set_clock(moment);
        assert_eq!(send(&app, TO_MOBILE).await, id);
        history(&app, id, n, "sent").await;
    }
    let sent = ["codes_sent_by_provider 0 one: 1", "codes_sent_by_provider 0 two: 1"];
    assert_eq!(by_provider(&app).await, sent);
    verify(&app, TO_MOBILE, id).await;
    assert_eq!(by_provider(&app).await, [&sent[..], &["codes_verified_by_provider 0 two: 1"]].concat());
}

/// A provider that accepts a message when it is told to.
struct LateProvider(Arc<Notify>);

impl Provider for LateProvider {
    fn name(&self) -> &str {
        "late"
    }

    fn type_name(&self) -> &'static str {
        "late"
    }

    fn send<'a>(&'a self, _: &'a Message) -> BoxFuture<'a, Report> {
        Box::pin(async {
            self.0.notified().await;
            Report::sent(None)
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async { Ok(String::new()) })
    }
}

#[tokio::test]
async fn a_code_that_was_verified_before_the_provider_answered_counts_once() {
    let answer = Arc::new(Notify::new());
    let sms = Chain::new(vec![Box::new(LateProvider(Arc::clone(&answer)))]);
    let app = TestApp::start_serving(Settings {
        delivery: Delivery { chains: PerChannel { sms, ..PerChannel::default() }, ..Delivery::default() },
        ..Settings::default()
    })
    .await;
    let _delivering = app.deliver();
    app.set_clock("2025-12-29T14:59:59Z");
    let id = send(&app, TO_MOBILE).await;
    history(&app, id, 0, "sending").await;
    app.set_clock("2025-12-29T15:00:05Z");
    verify(&app, TO_MOBILE, id).await;
    assert_eq!(by_provider(&app).await, [""; 0]);
    answer.notify_one();
    history(&app, id, 0, "sent").await;
    let expected = ["codes_sent_by_provider 0 late: 1", "codes_verified_by_provider 0 late: 1"];
    assert_eq!(by_provider(&app).await, expected);
}

/// Stores counts of an hour.
async fn insert(app: &TestApp, figure: &'static str, hour: i64, subject: &'static str, count: i64) {
    let sql = "INSERT INTO hourly_figures (figure, hour, subject, count) VALUES ($1, $2, $3, $4)";
    app.store.write(move |db| db.execute(sql, &otpd::values![figure, hour, subject, count])).await.unwrap();
}

/// An hour in which 60 codes were requested for numbers with the prefix 0994, and 3 were verified.
async fn pumped() -> TestApp {
    let app = TestApp::start_serving(delivering()).await;
    for (figure, hour, subject, count) in [
        ("codes_sent", CHECKED, "sms 0912", 80),
        ("codes_verified", CHECKED, "sms 0912", 60),
        ("codes_sent", CHECKED, "sms 0994", 60),
        ("codes_verified", CHECKED, "sms 0994", 3),
        ("codes_sent", CHECKED - 168, "sms 0912", 200),
        ("codes_verified", CHECKED - 168, "sms 0912", 150),
        ("codes_sent", CHECKED - 1, "email", 1),
        ("codes_sent_by_provider", CHECKED - 1, "one", 4),
        ("codes_verified_by_provider", CHECKED - 1, "one", 2),
        // Outside the windows.
        ("codes_sent", CHECKED - 169, "sms 0935", 7),
        ("codes_sent", CHECKED + 1, "sms 0935", 7),
    ] {
        insert(&app, figure, hour, subject, count).await;
    }
    app
}

/// The exported lines about shares.
async fn exported(app: &TestApp) -> Vec<String> {
    let metrics = app.send("GET", "/metrics").await.body;
    let is_about_shares = |line: &&str| line.starts_with("otpd_prefix_") || line.starts_with("otpd_provider_");
    metrics.lines().filter(is_about_shares).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_metrics_contain_the_checked_hour_and_the_week_before_it() {
    let app = pumped().await;
    let expected = [
        r#"otpd_prefix_codes_sent{prefix="0912",window="hour"} 80"#,
        r#"otpd_prefix_codes_sent{prefix="0912",window="week"} 200"#,
        r#"otpd_prefix_codes_sent{prefix="0994",window="hour"} 60"#,
        r#"otpd_prefix_codes_sent{prefix="0994",window="week"} 0"#,
        r#"otpd_prefix_codes_sent{prefix="email",window="hour"} 0"#,
        r#"otpd_prefix_codes_sent{prefix="email",window="week"} 1"#,
        r#"otpd_prefix_codes_verified{prefix="0912",window="hour"} 60"#,
        r#"otpd_prefix_codes_verified{prefix="0912",window="week"} 150"#,
        r#"otpd_prefix_codes_verified{prefix="0994",window="hour"} 3"#,
        r#"otpd_prefix_codes_verified{prefix="0994",window="week"} 0"#,
        r#"otpd_prefix_codes_verified{prefix="email",window="hour"} 0"#,
        r#"otpd_prefix_codes_verified{prefix="email",window="week"} 0"#,
        r#"otpd_prefix_verified_ratio{prefix="0912",window="hour"} 0.75"#,
        r#"otpd_prefix_verified_ratio{prefix="0912",window="week"} 0.75"#,
        r#"otpd_prefix_verified_ratio{prefix="0994",window="hour"} 0.05"#,
        r#"otpd_prefix_verified_ratio{prefix="email",window="week"} 0"#,
        r#"otpd_provider_codes_sent{provider="one",window="hour"} 0"#,
        r#"otpd_provider_codes_sent{provider="one",window="week"} 4"#,
        r#"otpd_provider_codes_verified{provider="one",window="hour"} 0"#,
        r#"otpd_provider_codes_verified{provider="one",window="week"} 2"#,
        r#"otpd_provider_verified_ratio{provider="one",window="week"} 0.5"#,
    ];
    assert_eq!(exported(&app).await, expected);
    // A week later, parts without codes in both windows are no longer exported.
    app.set_clock("2026-01-05T15:10:00Z");
    let expected = [
        r#"otpd_prefix_codes_sent{prefix="0935",window="hour"} 0"#,
        r#"otpd_prefix_codes_sent{prefix="0935",window="week"} 7"#,
        r#"otpd_prefix_codes_verified{prefix="0935",window="hour"} 0"#,
        r#"otpd_prefix_codes_verified{prefix="0935",window="week"} 0"#,
        r#"otpd_prefix_verified_ratio{prefix="0935",window="week"} 0"#,
    ];
    assert_eq!(exported(&app).await, expected);
}

#[tokio::test]
async fn codes_appear_in_the_metrics_ten_minutes_after_their_hour() {
    let app = TestApp::start_serving(delivering()).await;
    let id = send(&app, TO_MOBILE).await;
    verify(&app, TO_MOBILE, id).await;
    send(&app, &mobile(1)).await;
    send(&app, r#"{"email":"a@b.com"}"#).await;
    app.set_clock("2025-12-29T15:09:59Z");
    assert_eq!(exported(&app).await, [""; 0]);
    app.set_clock("2025-12-29T15:10:00Z");
    let shares = exported(&app).await;
    for line in [
        r#"otpd_prefix_codes_sent{prefix="0912",window="hour"} 2"#,
        r#"otpd_prefix_verified_ratio{prefix="0912",window="hour"} 0.5"#,
        r#"otpd_prefix_codes_sent{prefix="email",window="hour"} 1"#,
    ] {
        assert!(shares.contains(&line.to_owned()), "{line}: {shares:?}");
    }
}

#[tokio::test]
async fn a_collapse_is_returned_once_even_if_the_clock_is_set_back_in_between() {
    let app = pumped().await;
    let usual = Usual::OfAll(Codes { sent: 201, verified: 150 });
    let collapse = Collapse {
        part: Part::Prefix("0994".to_owned()),
        hour: CHECKED,
        codes: Codes { sent: 60, verified: 3 },
        usual,
    };
    // The metrics read the shares first.
    exported(&app).await;
    assert_eq!(app.service().new_collapses().await.unwrap(), [collapse]);
    for moment in ["2025-12-29T14:39:00Z", "2025-12-29T13:30:00Z", "2025-12-29T15:00:00Z", "2025-12-29T15:30:00Z"] {
        app.set_clock(moment);
        assert_eq!(app.service().new_collapses().await.unwrap(), [], "{moment}");
    }
}
