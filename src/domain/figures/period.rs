//! The periods that an overview covers.

use std::time::Duration;

use strum::{EnumString, IntoStaticStr};

use crate::domain::figures::{hour_of, start_of};
use crate::domain::timestamp::Timestamp;

const DAY: i64 = 24;

/// The length of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr)]
pub enum PeriodLength {
    #[strum(serialize = "1h")]
    Hour,
    #[default]
    #[strum(serialize = "24h")]
    Day,
    #[strum(serialize = "7d")]
    Week,
    #[strum(serialize = "30d")]
    Month,
}

/// How finely figures are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    Hour,
    /// A day in UTC.
    Day,
}

/// A range of hours since 1970-01-01T00:00:00Z, without `until`. If it is read by days, it begins with a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: i64,
    pub until: i64,
}

/// The hours of a period and of the period before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    pub now: Span,
    pub before: Span,
    /// How finely totals are read.
    pub totals: Grain,
    /// How finely series are read.
    pub series: Grain,
    /// The hours of a point of a series.
    pub point: i64,
}

impl PeriodLength {
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the windows of a period that ends at `now`. A period of hours has that number of full hours, and the
    /// current hour. A period of days has that number of full days (UTC), and the current day. The period before has
    /// the same number of full hours or days.
    pub fn windows(self, now: Timestamp) -> Windows {
        let until = hour_of(now) + 1;
        let (hour, day) = (until - 1, (until - 1).div_euclid(DAY) * DAY);
        let (current, length) = match self {
            Self::Hour => (hour, 1),
            Self::Day => (hour, DAY),
            Self::Week => (day, 7 * DAY),
            Self::Month => (day, 30 * DAY),
        };
        let (totals, series, point) = match self {
            Self::Hour | Self::Day => (Grain::Hour, Grain::Hour, 1),
            Self::Week => (Grain::Day, Grain::Hour, 6),
            Self::Month => (Grain::Day, Grain::Day, DAY),
        };
        let from = current - length;
        Windows { now: Span { from, until }, before: Span { from: from - length, until: from }, totals, series, point }
    }
}

impl Windows {
    /// The starts of the points of a series, in hours. There are at most 32.
    pub fn points(&self) -> impl Iterator<Item = i64> {
        let (from, point) = (self.now.from, self.point);
        (0..).map(move |n| from + n * point).take_while({
            let until = self.now.until;
            move |start| *start < until
        })
    }

    /// The index of the point that contains an hour.
    pub fn point_of(&self, hour: i64) -> Option<usize> {
        usize::try_from((hour - self.now.from).div_euclid(self.point)).ok()
    }
}

impl Span {
    pub fn starts(&self) -> Timestamp {
        start_of(self.from)
    }

    /// The time from the start of this range to its end, or to `now` if that is earlier.
    pub fn elapsed(&self, now: Timestamp) -> Duration {
        start_of(self.until).min(now).since(self.starts())
    }
}
