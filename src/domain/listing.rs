//! List queries: filter, ordering and page of codes (`docs/api.md`, "List codes").

use std::ops::Range;

use chrono::{Days, NaiveDate};

use crate::domain::recipient::{EmailAddress, MobileNumber};
use crate::domain::time_zone::Tz;
use crate::domain::timestamp::Timestamp;

/// A list query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtpQuery {
    pub filter: OtpFilter,
    /// Most significant field first. Ties are broken by id, in the direction of the last field. Empty: newest id first.
    pub ordering: Vec<OrderBy>,
    pub window: Window,
}

/// Conditions that every listed code meets. `None`: no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtpFilter {
    pub id_min: Option<i64>,
    pub id_max: Option<i64>,
    pub created: Period,
    pub updated: Period,
    pub has_mobile_number: Option<bool>,
    pub has_email: Option<bool>,
    pub is_allow: Option<bool>,
    pub mobile_number: Option<MobileNumber>,
    pub email: Option<EmailAddress>,
    /// Each word must occur in the code, the number or the address. Words are in lower case, with ASCII digits.
    pub words: Vec<String>,
}

/// A half-open time range. `None`: unbounded on that side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    pub from: Option<Timestamp>,
    pub before: Option<Timestamp>,
}

impl Period {
    /// Returns the intersection of two ranges.
    pub fn and(self, other: Self) -> Self {
        let before = match (self.before, other.before) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { from: self.from.max(other.from), before }
    }

    /// Returns the range of the days from `first` to `last`, both included, in `zone`.
    pub fn days(first: Option<NaiveDate>, last: Option<NaiveDate>, zone: Tz) -> Self {
        Self { from: first.map(|day| day_in(day, zone).start), before: last.map(|day| day_in(day, zone).end) }
    }
}

/// Returns the range of one day. If a clock change skips midnight, the day begins with the first moment of its date.
fn day_in(day: NaiveDate, zone: Tz) -> Range<Timestamp> {
    let next = day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
    zone.start_of(day)..zone.start_of(next)
}

/// A field by which a list can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderField {
    Id,
    Code,
    MobileNumber,
    Email,
    ValidTo,
    CreatedAt,
    UpdatedAt,
}

impl OrderField {
    /// The names that a client may use. `ttl` has the same order as `valid_to`.
    pub const NAMES: [(&str, Self); 8] = [
        ("id", Self::Id),
        ("code", Self::Code),
        ("mobile_number", Self::MobileNumber),
        ("email", Self::Email),
        ("ttl", Self::ValidTo),
        ("valid_to", Self::ValidTo),
        ("created_at", Self::CreatedAt),
        ("updated_at", Self::UpdatedAt),
    ];

    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    }
}

/// One field of an ordering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderBy {
    pub field: OrderField,
    pub descending: bool,
}

/// The limit and offset of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub limit: i64,
    pub offset: i64,
}

impl Window {
    pub const DEFAULT_LIMIT: i64 = 50;
    /// Larger limits are reduced to this.
    pub const MAX_LIMIT: i64 = 500;
}

impl Default for Window {
    fn default() -> Self {
        Self { limit: Self::DEFAULT_LIMIT, offset: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(first: &str, last: &str, zone: &str) -> (String, String) {
        let zone = zone.parse().unwrap();
        let day = |text: &str| Some(text.parse().unwrap());
        let period = Period::days(day(first), day(last), zone);
        (period.from.unwrap().to_string(), period.before.unwrap().to_string())
    }

    fn pair(from: &str, before: &str) -> (String, String) {
        (format!("{from}.000000Z"), format!("{before}.000000Z"))
    }

    #[test]
    fn a_day_begins_at_midnight_in_its_time_zone() {
        let utc = days("2025-12-30", "2025-12-30", "UTC");
        assert_eq!(utc, pair("2025-12-30T00:00:00", "2025-12-31T00:00:00"));
        let tehran = days("2025-12-30", "2025-12-31", "Asia/Tehran");
        assert_eq!(tehran, pair("2025-12-29T20:30:00", "2025-12-31T20:30:00"));
    }

    #[test]
    fn days_with_clock_changes_have_their_real_length() {
        // Tehran skipped 2022-03-22T00:00 to 01:00 and repeated 2022-09-21T23:00 to 24:00.
        let spring = days("2022-03-22", "2022-03-22", "Asia/Tehran");
        assert_eq!(spring, pair("2022-03-21T20:30:00", "2022-03-22T19:30:00"));
        let autumn = days("2022-09-21", "2022-09-21", "Asia/Tehran");
        assert_eq!(autumn, pair("2022-09-20T19:30:00", "2022-09-21T20:30:00"));
        // Berlin changes its clocks at 02:00 and 03:00.
        assert_eq!(
            days("2025-03-30", "2025-03-30", "Europe/Berlin"),
            pair("2025-03-29T23:00:00", "2025-03-30T22:00:00")
        );
        assert_eq!(
            days("2025-10-26", "2025-10-26", "Europe/Berlin"),
            pair("2025-10-25T22:00:00", "2025-10-26T23:00:00")
        );
        // Samoa skipped 2011-12-30.
        assert_eq!(
            days("2011-12-30", "2011-12-30", "Pacific/Apia"),
            pair("2011-12-30T10:00:00", "2011-12-30T10:00:00")
        );
    }

    #[test]
    fn the_intersection_is_within_both_periods() {
        let at = |micros| Some(Timestamp::from_micros(micros).unwrap());
        let period =
            |from: Option<i64>, before: Option<i64>| Period { from: from.and_then(at), before: before.and_then(at) };
        assert_eq!(period(Some(1), None).and(period(None, Some(5))), period(Some(1), Some(5)));
        assert_eq!(period(Some(1), Some(9)).and(period(Some(3), Some(7))), period(Some(3), Some(7)));
        assert_eq!(period(None, None).and(period(None, None)), Period::default());
    }
}
