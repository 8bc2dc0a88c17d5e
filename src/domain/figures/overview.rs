//! The data of the overview page.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::figures::alarm::Alarm;
use crate::domain::figures::counts::{Codes, Outcomes};
use crate::domain::figures::histogram::Histogram;
use crate::domain::figures::period::Windows;
use crate::domain::figures::totals::Totals;
use crate::domain::figures::{Figure, change, start_of};
use crate::domain::message::Channel;
use crate::domain::provider_state::ProviderState;
use crate::domain::timestamp::Timestamp;

/// The figures of a period, and the current state.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The start of the period, which ends now.
    pub from: Timestamp,
    pub now: Timestamp,
    /// The start of the period before, which ends at `from`.
    pub before_from: Timestamp,
    /// The figures of the period.
    pub totals: Totals,
    /// The figures of the period before.
    pub before: Totals,
    pub tiles: Tiles,
    /// The figures over time, oldest first.
    pub points: Vec<Point>,
    /// The messages requested in the last 24 hours, for each channel.
    pub usage: Vec<DailyUsage>,
    pub alarms: Vec<Alarm>,
    pub queues: Vec<Queue>,
    /// The number of recipients that are locked out (`otp.max_consecutive_failures`), counted up to 10,001.
    pub locked: i64,
    /// The configured providers of all channels, each in their order.
    pub providers: Vec<ProviderState>,
}

/// The figures of one part of a period.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub starts: Timestamp,
    pub codes: Codes,
    pub outcomes: Outcomes,
    /// Time from the first sending of a code to its verification.
    pub verify_seconds: Histogram,
    /// Refused requests by the setting of the limit.
    pub refusals: BTreeMap<String, u64>,
}

/// The key figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tiles {
    pub sent: Tile,
    pub verified_share: Tile,
    /// Median of the time from sending to verification, in seconds.
    pub verify_seconds: Tile,
    /// Messages that are not sent for certain: unknown, failed or expired.
    pub not_sent: Tile,
    pub refused: Tile,
}

/// A key figure. `None`: there is no data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tile {
    pub now: Option<f64>,
    pub before: Option<f64>,
    /// The relative change. Counts are compared per hour, because the period contains an unfinished hour or day.
    pub change: Option<f64>,
}

/// The messages requested in the last 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyUsage {
    pub channel: Channel,
    pub requested: u32,
    /// `None`: there is no limit.
    pub allowed: Option<u32>,
}

/// The messages of a channel that are not in a final state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    pub channel: Channel,
    pub queued: i64,
    pub sending: i64,
    /// The time since the oldest of them was queued. `None`: there are none.
    pub oldest: Option<Duration>,
}

impl Point {
    /// The points of a period without any figures.
    pub fn all(windows: &Windows) -> Vec<Self> {
        let empty = |hour| Self {
            starts: start_of(hour),
            codes: Codes::default(),
            outcomes: Outcomes::default(),
            verify_seconds: Histogram::VERIFICATION,
            refusals: BTreeMap::new(),
        };
        windows.points().map(empty).collect()
    }

    /// Adds a figure for a subject. Figures that are not in [`Figure::SERIES`] are ignored.
    pub fn add(&mut self, figure: Figure, subject: &str, count: u64) {
        let first = subject.split_once(' ').map_or(subject, |(first, _)| first);
        match figure {
            Figure::CodesSent | Figure::CodesVerified => self.codes.add(figure, count),
            Figure::VerifySeconds => self.verify_seconds.add(first.parse().unwrap_or(usize::MAX), count),
            Figure::MessagesEnded => self.outcomes.add(first, count),
            Figure::Refusals => *self.refusals.entry(first.to_owned()).or_default() += count,
            _ => {}
        }
    }
}

impl Tiles {
    /// Compares two periods that lasted for `now_for` and `before_for`.
    pub fn compare(now: &Totals, now_for: Duration, before: &Totals, before_for: Duration) -> Self {
        let counts = |count: fn(&Totals) -> u64| Tile::count((count(now), now_for), (count(before), before_for));
        let values = |value: fn(&Totals) -> Option<f64>| Tile::value(value(now), value(before));
        Self {
            sent: counts(|totals| totals.codes().sent),
            verified_share: values(|totals| totals.codes().verified_share()),
            verify_seconds: values(|totals| totals.verify_seconds.percentile(0.5)),
            not_sent: counts(|totals| totals.outcomes.not_sent()),
            refused: counts(Totals::refused),
        }
    }
}

impl Tile {
    fn value(now: Option<f64>, before: Option<f64>) -> Self {
        Self { now, before, change: change(now, before) }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn count((now, now_for): (u64, Duration), (before, before_for): (u64, Duration)) -> Self {
        let rate = |count: f64, time: Duration| Some(count / time.as_secs_f64()).filter(|rate| rate.is_finite());
        let (now, before) = (now as f64, before as f64);
        Self { now: Some(now), before: Some(before), change: change(rate(now, now_for), rate(before, before_for)) }
    }
}
