//! The overview, and how long its figures are kept.

use std::time::Duration;

use otpd::domain::figures::alarm::Alarm;
use otpd::domain::figures::counts::{Codes, Outcomes};
use otpd::domain::figures::period::PeriodLength;
use otpd::domain::limit::{Limit, Limits};
use otpd::domain::message::Channel;
use otpd::domain::timestamp::Timestamp;
use otpd::service::Settings;

use crate::figures::{figures, mobile, rows, send};
use crate::helpers::{START, TestApp};
use crate::outbox::delivering;

/// The hour of START.
const HOUR: i64 = 490_838;

#[tokio::test]
async fn days_are_the_sums_of_their_hours() {
    let app = TestApp::start_serving(delivering()).await;
    for (n, moment) in ["2025-12-28T23:59:59Z", "2025-12-29T00:00:00Z", "2025-12-29T00:30:00Z", "2025-12-29T23:00:00Z"]
        .into_iter()
        .enumerate()
    {
        app.set_clock(moment);
        send(&app, &mobile(u32::try_from(n).unwrap())).await;
    }
    let days = rows(&app, "SELECT figure, day - 20450 AS time, subject, count FROM daily_figures ORDER BY day").await;
    assert_eq!(days, ["codes_sent 0 sms 0912: 1", "codes_sent 1 sms 0912: 3"]);
    let overview = app.service().overview(PeriodLength::Month).await.unwrap();
    assert_eq!(overview.totals.codes().sent, 4);
    let sent: Vec<u64> = overview.points.iter().map(|point| point.codes.sent).collect();
    assert_eq!((sent.len(), &sent[29..]), (31, &[1, 3][..]));
    let week = app.service().overview(PeriodLength::Week).await.unwrap();
    assert_eq!((week.totals.codes().sent, week.points.iter().map(|point| point.codes.sent).sum::<u64>()), (4, 4));
}

#[tokio::test]
async fn the_period_before_is_compared() {
    let app = TestApp::start_serving(delivering()).await;
    for n in 0..3 {
        send(&app, &mobile(n)).await;
    }
    for (days, length, before) in [
        (1, PeriodLength::Day, 3),
        (7, PeriodLength::Week, 0),
        (8, PeriodLength::Week, 3),
        (31, PeriodLength::Month, 3),
    ] {
        let later = Duration::from_secs(days * 24 * 3600 + 3600);
        app.set_clock(&Timestamp::parse(START).unwrap().plus(later).to_string());
        let overview = app.service().overview(length).await.unwrap();
        assert_eq!(overview.before.codes().sent, before, "{length:?} {days}");
        assert_eq!(overview.tiles.sent.before, Some(f64::from(u32::try_from(before).unwrap())));
    }
}

#[tokio::test]
async fn figures_are_deleted_after_sixty_days() {
    let app = TestApp::start_serving(delivering()).await;
    send(&app, &mobile(1)).await;
    let after = |days: u64, hours: u64| {
        let later = Duration::from_secs((days * 24 + hours) * 3600);
        app.set_clock(&Timestamp::parse(START).unwrap().plus(later).to_string());
    };
    let counts = async || {
        let days = rows(&app, "SELECT figure, day AS time, subject, count FROM daily_figures").await;
        (figures(&app).await.len(), days.len())
    };
    after(60, 0);
    app.purge().await;
    assert_eq!(counts().await, (1, 1));
    after(60, 1);
    app.purge().await;
    assert_eq!(counts().await, (0, 1), "the day is kept as long as one of its hours");
    after(61, 0);
    app.purge().await;
    assert_eq!(counts().await, (0, 0));
}

#[tokio::test]
async fn figures_of_a_wrong_clock_are_deleted() {
    let app = TestApp::start_serving(delivering()).await;
    app.set_clock("2027-02-02T14:38:32Z");
    send(&app, &mobile(1)).await;
    app.set_clock(START);
    send(&app, &mobile(2)).await;
    app.purge().await;
    assert_eq!(figures(&app).await, ["codes_sent 0 sms 0912: 1"]);
    assert_eq!(rows(&app, "SELECT figure, day AS time, subject, count FROM daily_figures").await.len(), 1);
}

/// Stores codes of an hour as if they had been sent and verified.
async fn insert(app: &TestApp, hour: i64, sent: i64, verified: i64) {
    app.store
        .write(move |db| {
            for (figure, count) in [("codes_sent", sent), ("codes_verified", verified)] {
                let sql = "INSERT INTO hourly_figures (figure, hour, subject, count) VALUES ($1, $2, 'sms', $3)";
                db.execute(sql, &otpd::values![figure, hour, count])?;
            }
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_low_verified_share_raises_the_alarm() {
    let app = TestApp::start_serving(delivering()).await;
    // At 14:38 the hour from 13:00 is checked.
    let checked = HOUR - 1;
    for day in 1..=7 {
        insert(&app, checked - 24 * day, 100, 70 + day).await;
    }
    insert(&app, checked - 24 * 8, 100, 10).await;
    assert_eq!(app.service().overview(PeriodLength::Hour).await.unwrap().alarms, []);
    insert(&app, checked, 60, 30).await;
    let alarms = app.service().overview(PeriodLength::Hour).await.unwrap().alarms;
    let codes = Codes { sent: 60, verified: 30 };
    assert_eq!(alarms, [Alarm::FewVerified { hour: checked, codes, share: 0.5, usual: 0.74 }]);
    app.set_clock("2025-12-29T15:10:00Z");
    assert_eq!(app.service().overview(PeriodLength::Hour).await.unwrap().alarms, []);
}

#[tokio::test]
async fn the_overview_shows_queues_and_the_use_of_the_daily_limits() {
    let limits = Limits::new(|limit| if limit == Limit::SmsPerDay { 10 } else { 0 });
    let app = TestApp::start_serving(Settings { limits, ..delivering() }).await;
    for n in 0..4 {
        send(&app, &mobile(n)).await;
    }
    send(&app, r#"{"email":"a@b.com"}"#).await;
    app.set_clock("2025-12-29T14:38:42.273219Z");
    let overview = app.service().overview(PeriodLength::Hour).await.unwrap();
    let [sms, email] = <[_; 2]>::try_from(overview.usage).unwrap();
    assert_eq!((sms.channel, sms.requested, sms.allowed), (Channel::Sms, 4, Some(10)));
    assert_eq!((email.channel, email.requested, email.allowed), (Channel::Email, 1, None));
    let [sms, email] = <[_; 2]>::try_from(overview.queues).unwrap();
    assert_eq!((sms.queued, sms.sending, sms.oldest), (4, 0, Some(Duration::from_secs(10))));
    assert_eq!((email.queued, email.channel), (1, Channel::Email));
    assert_eq!(overview.totals.outcomes, Outcomes::default());
    assert_eq!(overview.providers.len(), 2);
    app.set_clock("2025-12-30T14:38:32.273219Z");
    let usage = app.service().overview(PeriodLength::Hour).await.unwrap().usage;
    let [sms, _] = <[_; 2]>::try_from(usage).unwrap();
    assert_eq!(sms.requested, 0, "a day later, although nothing was purged");
}
