use super::*;
use crate::domain::figures::alarm::{Alarm, checked_hour, few_verified};
use crate::domain::figures::counts::{Codes, Outcomes};
use crate::domain::figures::overview::{Point, Tile, Tiles};
use crate::domain::figures::period::{Grain, PeriodLength, Span, Windows};
use crate::domain::figures::totals::{Refused, Totals};
use crate::domain::recipient::{EmailAddress, MobileNumber};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn codes(sent: u64, verified: u64) -> Codes {
    Codes { sent, verified }
}

#[test]
fn an_hour_begins_at_its_first_microsecond() {
    let hour = hour_of(at("2025-12-29T14:00:00Z"));
    assert_eq!(hour, 490_838);
    assert_eq!(hour_of(at("2025-12-29T14:59:59.999999Z")), hour);
    assert_eq!(hour_of(at("2025-12-29T13:59:59.999999Z")), hour - 1);
    assert_eq!(start_of(hour), at("2025-12-29T14:00:00Z"));
    assert_eq!(hour_of(at("1969-12-31T23:59:59Z")), -1);
}

#[test]
fn a_duration_belongs_to_the_bucket_whose_upper_bound_it_does_not_exceed() {
    let bucket = |seconds| Histogram::VERIFICATION.bucket(Duration::from_secs_f64(seconds));
    for (seconds, index) in [(0.0, 0), (5.0, 0), (5.1, 1), (10.0, 1), (300.0, 10), (300.5, 11), (9000.0, 11)] {
        assert_eq!(bucket(seconds), index, "{seconds}");
    }
    assert_eq!(Histogram::ATTEMPT.bucket(Duration::from_millis(50)), 0);
    assert_eq!(Histogram::ATTEMPT.bucket(Duration::from_millis(51)), 1);
}

#[test]
fn percentiles_are_interpolated_within_a_bucket() {
    let with = |counts: &[(usize, u64)]| {
        let mut histogram = Histogram::VERIFICATION;
        counts.iter().for_each(|(bucket, count)| histogram.add(*bucket, *count));
        [0.5, 0.95].map(|of| histogram.percentile(of))
    };
    assert_eq!(with(&[]), [None, None]);
    // All from 20 to 30 seconds.
    assert_eq!(with(&[(4, 10)]), [Some(25.0), Some(29.5)]);
    // 50 up to 5 s, 50 from 60 to 90 s: the median is the bound of the first bucket.
    assert_eq!(with(&[(0, 50), (7, 50)]), [Some(5.0), Some(87.0)]);
    // The 95th of 100 is the fifth of ten from 300 to 600 seconds.
    assert_eq!(with(&[(0, 90), (11, 10)]), [Some(5.0 * 50.0 / 90.0), Some(450.0)]);
    assert_eq!(with(&[(99, 5)]), [None, None], "there is no such bucket");
}

#[test]
fn shares_and_changes_need_something_to_compare_with() {
    assert_eq!((share(1, 4), share(0, 4), share(0, 0)), (Some(0.25), Some(0.0), None));
    assert_eq!(change(Some(3.0), Some(2.0)), Some(0.5));
    assert_eq!(change(Some(0.0), Some(2.0)), Some(-1.0));
    assert_eq!((change(Some(3.0), Some(0.0)), change(Some(3.0), None), change(None, Some(2.0))), (None, None, None));
}

#[test]
fn a_period_has_its_full_hours_or_days_and_the_current_one() {
    let now = at("2025-12-29T14:38:32Z");
    let (hour, day) = (490_838, 490_824);
    let span = |from, until| Span { from, until };
    for (length, current, before, points) in [
        ("1h", span(hour - 1, hour + 1), span(hour - 2, hour - 1), 2),
        ("24h", span(hour - 24, hour + 1), span(hour - 48, hour - 24), 25),
        ("7d", span(day - 168, hour + 1), span(day - 336, day - 168), 31),
        ("30d", span(day - 720, hour + 1), span(day - 1440, day - 720), 31),
    ] {
        let length: PeriodLength = length.parse().unwrap();
        let windows = length.windows(now);
        assert_eq!((windows.now, windows.before), (current, before), "{length:?}");
        let starts: Vec<i64> = windows.points().collect();
        assert_eq!((starts.len(), starts[0]), (points, current.from), "{length:?}");
        assert_eq!(windows.point_of(hour), Some(points - 1));
        assert_eq!(windows.point_of(current.from), Some(0));
        assert_eq!(windows.point_of(current.from - 1), None);
    }
    let windows = PeriodLength::Hour.windows(now);
    assert_eq!(windows.now.elapsed(now), Duration::from_secs(3600 + 38 * 60 + 32));
    assert_eq!(windows.before.elapsed(now), Duration::from_secs(3600));
    assert!("2h".parse::<PeriodLength>().is_err());
    let longest = PeriodLength::Week.windows(at("2025-12-29T23:59:59Z"));
    assert_eq!(longest.points().count(), 32);
    assert_eq!((longest.totals, longest.series), (Grain::Day, Grain::Hour));
}

#[test]
fn totals_and_points_add_up_the_figures() {
    let one = [
        (Figure::CodesSent, "sms", 8),
        (Figure::CodesSent, "email", 2),
        (Figure::CodesVerified, "sms", 4),
        (Figure::VerifySeconds, "04", 4),
        (Figure::MessagesEnded, "sent two", 5),
        (Figure::MessagesEnded, "failed one", 2),
        (Figure::MessagesEnded, "cancelled", 1),
        (Figure::Attempts, "sent two", 5),
        (Figure::Attempts, "retry one", 3),
        (Figure::AttemptSeconds, "02 two", 5),
        (Figure::Fallbacks, "two", 1),
        (Figure::Refusals, "limits.sms_per_day", 3),
        (Figure::RefusalsByToken, "limits.sms_per_day abcd", 2),
        (Figure::RefusalsByToken, "limits.sms_per_day other", 9),
        (Figure::RefusalsByPrefix, "limits.sms_per_day 0912", 3),
        (Figure::MessagesEnded, "lost", 7),
        (Figure::CodesSent, "pigeon", 7),
    ];
    let mut totals = Totals::default();
    for (figure, subject, count) in one.into_iter().chain(one) {
        totals.add(figure, subject, count);
    }
    assert_eq!((totals.sms, totals.email, totals.codes()), (codes(16, 8), codes(4, 0), codes(20, 8)));
    assert_eq!(totals.outcomes, Outcomes { sent: 10, failed: 4, cancelled: 2, ..Outcomes::default() });
    let provider = &totals.providers["two"];
    assert_eq!((provider.attempts, provider.accepted, provider.fallbacks), (10, 10, 2));
    assert_eq!((provider.success(), provider.seconds.counts[2]), (Some(1.0), 10));
    assert_eq!(totals.providers["one"].success(), Some(0.0));
    assert_eq!((totals.refused(), totals.fallback_share()), (6, Some(0.2)));
    let refused =
        |subject: &str, count| Refused { subject: subject.to_owned(), limit: "limits.sms_per_day".to_owned(), count };
    assert_eq!(totals.top_tokens(), [refused("abcd", 4), refused("other", 18)], "the others come last");
    assert_eq!(totals.top_prefixes(), [refused("0912", 6)]);
    let mut points = Point::all(&PeriodLength::Hour.windows(at("2025-12-29T14:38:32Z")));
    one.into_iter().for_each(|(figure, subject, count)| points[1].add(figure, subject, count));
    assert_eq!(points[0].starts, at("2025-12-29T13:00:00Z"));
    assert_eq!((points[0].codes, points[1].codes), (codes(0, 0), codes(17, 4)));
    assert_eq!((points[1].outcomes.not_sent(), points[1].refusals["limits.sms_per_day"]), (2, 3));
}

#[test]
fn tiles_compare_counts_per_hour_and_shares_as_they_are() {
    let (mut now, mut before) = (Totals::default(), Totals::default());
    for (totals, sent, verified) in [(&mut now, 30, 15), (&mut before, 10, 8)] {
        totals.add(Figure::CodesSent, "sms", sent);
        totals.add(Figure::CodesVerified, "sms", verified);
    }
    let hours = |hours: f64| Duration::from_secs_f64(hours * 3600.0);
    let tiles = Tiles::compare(&now, hours(1.5), &before, hours(1.0));
    assert_eq!(tiles.sent, Tile { now: Some(30.0), before: Some(10.0), change: Some(1.0) });
    assert_eq!(tiles.verified_share, Tile { now: Some(0.5), before: Some(0.8), change: Some(0.5 / 0.8 - 1.0) });
    assert_eq!(tiles.verify_seconds, Tile { now: None, before: None, change: None });
    assert_eq!(tiles.refused, Tile { now: Some(0.0), before: Some(0.0), change: None });
}

#[test]
fn the_alarm_needs_fifty_codes_and_a_share_a_fifth_below_the_median() {
    let usual = [codes(100, 70), codes(10, 8), codes(1000, 750), codes(0, 0), codes(4, 1)];
    // The shares are 0.25, 0.7, 0.75 and 0.8; the median is 0.725, and four fifths of it are 0.58.
    for (sent, verified, alarmed) in [(100, 58, true), (100, 59, false), (50, 29, true), (49, 0, false), (50, 0, true)]
    {
        let alarm = few_verified(7, codes(sent, verified), &usual);
        let share = verified as f64 / sent as f64;
        let codes = codes(sent, verified);
        let expected = Alarm::FewVerified { hour: 7, codes, share, usual: f64::midpoint(0.7, 0.75) };
        assert_eq!(alarm, alarmed.then_some(expected), "{sent} {verified}");
    }
    let seven = [0.7; 7].map(|_| codes(10, 7));
    assert!(few_verified(7, codes(100, 56), &seven).is_some(), "exactly four fifths");
    assert_eq!(few_verified(7, codes(100, 0), &[]), None, "there is nothing to compare with");
    assert_eq!(few_verified(7, codes(100, 0), &[codes(100, 0)]), None, "it was never better");
}

#[test]
fn the_alarm_checks_the_last_hour_whose_codes_have_all_expired() {
    let hour = hour_of(at("2025-12-29T13:00:00Z"));
    for (now, checked) in
        [("2025-12-29T14:09:59.999999Z", hour - 1), ("2025-12-29T14:10:00Z", hour), ("2025-12-29T15:09:59Z", hour)]
    {
        assert_eq!(checked_hour(at(now)), checked, "{now}");
    }
}

fn attempt(provider: &str, outcome: Outcome) -> Attempt {
    let started_at = at("2025-12-29T14:00:00Z");
    let (outcome, provider) = (Some(outcome), provider.to_owned());
    Attempt {
        channel: Channel::Sms,
        provider,
        outcome,
        provider_message_id: None,
        error: None,
        started_at,
        finished_at: None,
        status: None,
        status_at: None,
    }
}

fn subjects(counters: &[Counter]) -> Vec<String> {
    counters.iter().map(|counter| format!("{}: {}", counter.figure.as_str(), counter.subject)).collect()
}

#[test]
fn a_message_counts_for_the_provider_that_decided_it() {
    let (retry, unknown, sent) = (Outcome::Retry, Outcome::Unknown, Outcome::Sent);
    for (state, attempts, expected) in [
        (MessageState::Cancelled, vec![], vec!["messages_ended: cancelled"]),
        (MessageState::Sent, vec![attempt("one", sent)], vec!["messages_ended: sent one"]),
        (MessageState::Sent, vec![attempt("one", retry), attempt("one", sent)], vec!["messages_ended: sent one"]),
        (
            MessageState::Sent,
            vec![attempt("one", retry), attempt("two", sent)],
            vec!["messages_ended: sent two", "fallbacks: two"],
        ),
        (
            MessageState::Unknown,
            vec![attempt("one", unknown), attempt("two", retry)],
            vec!["messages_ended: unknown one"],
        ),
        (
            MessageState::Expired,
            vec![attempt("one", retry), attempt("two", retry)],
            vec!["messages_ended: expired two"],
        ),
    ] {
        assert_eq!(subjects(&Counter::message_ended(state, &attempts)), expected);
    }
}

#[test]
fn a_refusal_counts_by_limit_token_and_prefix_but_not_by_recipient() {
    let mobile = Recipient::Mobile(MobileNumber::parse("09123456789").unwrap());
    let email = Recipient::Email(EmailAddress::parse("a@b.com").unwrap());
    let counters = Counter::refusal("limits.sms_per_day", Some("abcd"), &mobile);
    assert_eq!(
        subjects(&counters),
        [
            "refusals: limits.sms_per_day",
            "refusals_by_token: limits.sms_per_day abcd",
            "refusals_by_prefix: limits.sms_per_day 0912",
        ]
    );
    assert_eq!(subjects(&Counter::refusal("limits.emails_per_day", None, &email)), ["refusals: limits.emails_per_day"]);
    assert_eq!(counters[1].for_other_subjects().subject, "limits.sms_per_day other");
}

#[test]
fn every_series_is_covered_by_the_points_of_its_windows() {
    for hour in 0..48 {
        let now = start_of(490_824 + hour);
        for length in PeriodLength::ALL {
            let windows: Windows = length.windows(now);
            let count = windows.points().count();
            assert!((2..=60).contains(&count), "{length:?}");
            assert!((windows.now.from..windows.now.until).all(|hour| windows.point_of(hour).unwrap() < count));
        }
    }
}
