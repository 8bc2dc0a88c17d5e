//! UTC timestamps with microseconds, in the wire format and in the store.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, Utc};

use crate::error::InvalidValue;

/// Django's text, with the format from `docs/api.md`, "Input fields".
const WRONG_FORMAT: &str =
    "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";

/// A UTC timestamp in whole microseconds, within the years 1 to 9999 (four-digit years).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    const MIN_MICROS: i64 = -62_135_596_800_000_000;
    const MAX_MICROS: i64 = 253_402_300_799_999_999;

    /// `micros` are microseconds since 1970-01-01T00:00:00Z. `None`: outside the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        (Self::MIN_MICROS..=Self::MAX_MICROS)
            .contains(&micros)
            .then(|| DateTime::from_timestamp_micros(micros).map(Self))
            .flatten()
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn as_micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    /// Adds `duration`. The result is at most the last timestamp of the year 9999.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        let sum = self.as_micros().saturating_add(micros).min(Self::MAX_MICROS);
        Self::from_micros(sum).unwrap_or(self)
    }

    /// Subtracts `duration`. The result is at least the first timestamp of the year 1.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        let difference = self.as_micros().saturating_sub(micros).max(Self::MIN_MICROS);
        Self::from_micros(difference).unwrap_or(self)
    }

    /// Returns the time from `earlier` to this timestamp. Zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.as_micros().saturating_sub(earlier.as_micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// Whole seconds from `now` to this timestamp, rounded down. 0 once it has passed.
    pub fn seconds_after(self, now: Self) -> u64 {
        let micros = self.as_micros().saturating_sub(now.as_micros());
        u64::try_from(micros).unwrap_or(0) / 1_000_000
    }

    /// Parses `YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]` (`docs/api.md`, "Input fields"):
    ///
    /// - The separator is `T` or a space.
    /// - Without an offset the time is UTC. As in Django, an offset may also be `+HHMM` or `+HH`.
    /// - A date alone means midnight.
    /// - Fractional digits after the sixth are ignored.
    /// - Compact forms such as `20311230T143910Z` are parsed like Python's `datetime.fromisoformat`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        parse_micros(text.trim()).and_then(Self::from_micros).ok_or_else(Self::wrong_format)
    }

    pub fn wrong_format() -> InvalidValue {
        WRONG_FORMAT.into()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    /// Truncates to microseconds. A time outside the years 1 to 9999 becomes the nearest timestamp inside.
    fn from(moment: DateTime<Utc>) -> Self {
        let micros = moment.timestamp_micros().clamp(Self::MIN_MICROS, Self::MAX_MICROS);
        Self(DateTime::from_timestamp_micros(micros).unwrap_or(moment))
    }
}

impl fmt::Display for Timestamp {
    /// Writes the wire format: always six fractional digits and `Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

fn parse_micros(text: &str) -> Option<i64> {
    if !text.is_ascii() {
        return None;
    }
    let is_compact = text.as_bytes().get(4).is_some_and(u8::is_ascii_digit);
    let (date, rest) = text.split_at_checked(if is_compact { 8 } else { 10 })?;
    let date = if is_compact { parse_compact_date(date)? } else { parse_date(date)? };
    let Some(rest) = rest.strip_prefix(['T', ' ']) else {
        return rest.is_empty().then(|| date.and_time(NaiveTime::MIN).and_utc().timestamp_micros());
    };
    let (time, offset) = rest.split_at(rest.find(['+', '-', 'Z']).unwrap_or(rest.len()));
    let time = if is_compact && time.len() == 2 { parse_time(&format!("{time}00"))? } else { parse_time(time)? };
    let local = NaiveDateTime::new(date, time);
    local.checked_sub_signed(parse_offset(offset)?).map(|utc| utc.and_utc().timestamp_micros())
}

/// Parses `YYYY-MM-DD` with ASCII digits, from the year 1 on.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
    let year = number(&[y1, y2, y3, y4]).filter(|year| *year > 0)?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(&[m1, m2])?, number(&[d1, d2])?)
}

/// Parses `YYYYMMDD`.
fn parse_compact_date(text: &str) -> Option<NaiveDate> {
    let (year, month, day) = (text.get(..4)?, text.get(4..6)?, text.get(6..)?);
    parse_date(&format!("{year}-{month}-{day}"))
}

/// Parses `hh:mm[:ss[.u…]]` or `hhmm[ss[.u…]]`. A comma may replace the decimal point.
fn parse_time(text: &str) -> Option<NaiveTime> {
    let (clock, fraction) = match text.split_once(['.', ',']) {
        Some((clock, digits)) => (clock, Some(parse_fraction(digits)?)),
        None => (text, None),
    };
    let (hour, minute, second) = match *clock.as_bytes() {
        [h1, h2, b':', m1, m2, b':', s1, s2] | [h1, h2, m1, m2, s1, s2] => ([h1, h2], [m1, m2], [s1, s2]),
        // A fraction requires seconds.
        [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] if fraction.is_none() => ([h1, h2], [m1, m2], *b"00"),
        _ => return None,
    };
    NaiveTime::from_hms_micro_opt(number(&hour)?, number(&minute)?, number(&second)?, fraction.unwrap_or(0))
}

/// Returns microseconds from the digits after the decimal point. Digits after the sixth are ignored.
fn parse_fraction(digits: &str) -> Option<u32> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    all_digits.then(|| number(format!("{digits:0<6}").as_bytes().get(..6)?))?
}

/// Parses an empty text, `Z`, `±HH:MM`, `±HHMM` or `±HH`.
fn parse_offset(text: &str) -> Option<TimeDelta> {
    if matches!(text, "" | "Z") {
        return Some(TimeDelta::zero());
    }
    let (sign, digits) = text.split_at_checked(1)?;
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => digits.split_at_checked(2)?,
        _ => digits.split_once(':')?,
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    let size = (hours < 24 && minutes < 60).then(|| TimeDelta::minutes(i64::from(hours * 60 + minutes)))?;
    match sign {
        "+" => Some(size),
        "-" => Some(-size),
        _ => None,
    }
}

fn two_digits(text: &str) -> Option<u32> {
    (text.len() == 2).then(|| number(text.as_bytes()))?
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests;
