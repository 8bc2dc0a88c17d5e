//! The Persian (Solar Hijri) calendar, and dates and times typed by people.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate, NaiveTime};
use icu_calendar::Date;
use icu_calendar::cal::Persian;
use icu_calendar::types::RataDie;

use crate::domain::digits::{is_invisible, to_ascii_digits};
use crate::domain::time_zone::Tz;
use crate::domain::timestamp::Timestamp;

/// Returns year, month (1 to 12) and day (1 to 31) of a date in the Persian calendar.
pub fn persian(date: NaiveDate) -> (i32, u8, u8) {
    let day = i64::from(date.num_days_from_ce());
    let date = Date::from_rata_die(RataDie::new(day), Persian);
    (date.year().extended_year(), date.month().ordinal, date.day_of_month().0)
}

/// Returns the date with this year, month and day in the Persian calendar. `None`: there is no such day, such as 30
/// Esfand of a year that is not a leap year.
pub fn from_persian(year: i32, month: u8, day: u8) -> Option<NaiveDate> {
    let date = Date::try_new_persian(year, month, day).ok()?;
    NaiveDate::from_num_days_from_ce_opt(date.to_rata_die().to_i64_date().try_into().ok()?)
}

/// Parses a day typed by a person: year, month and day, separated by `/` or `-`.
///
/// - A year from 1300 to 1499 is of the Persian calendar, and a year from 1900 to 9999 of the Gregorian calendar.
/// - Digits may be Persian or Arabic. Month and day may have one digit.
/// - Invisible marks, and white space around the text, are ignored.
pub fn parse_day(text: &str) -> Option<NaiveDate> {
    parse_clean_day(clean(text).trim())
}

/// Parses a day like [`parse_day`], optionally followed by white space or `T` and a time `HH:MM` or `HH:MM:SS`. Without
/// a time it is midnight.
///
/// The result is the moment at which clocks in `zone` show this time. [`Tz::moment_at`] describes times that occur
/// twice or never.
pub fn parse_moment(text: &str, zone: Tz) -> Option<Timestamp> {
    let text = clean(text);
    let text = text.trim();
    let (day, time) = match text.split_once(|c: char| c == 'T' || c.is_whitespace()) {
        Some((day, time)) => (day, parse_time(time.trim_start())?),
        None => (text, NaiveTime::MIN),
    };
    Some(zone.moment_at(parse_clean_day(day)?.and_time(time)))
}

/// Replaces Persian and Arabic digits, and removes invisible marks.
fn clean(text: &str) -> String {
    to_ascii_digits(text).chars().filter(|c| !is_invisible(*c)).collect()
}

fn parse_clean_day(text: &str) -> Option<NaiveDate> {
    let separator = if text.contains('/') { '/' } else { '-' };
    let [year, month, day] = numbers(text, separator, [4..=4, 1..=2, 1..=2])?;
    match year {
        1300..=1499 => from_persian(year.into(), month.try_into().ok()?, day.try_into().ok()?),
        1900..=9999 => NaiveDate::from_ymd_opt(year.into(), month.into(), day.into()),
        _ => None,
    }
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let with_seconds = || numbers(text, ':', [2..=2, 2..=2, 2..=2]);
    let without = || numbers(text, ':', [2..=2, 2..=2]).map(|[hour, minute]| [hour, minute, 0]);
    let [hour, minute, second] = with_seconds().or_else(without)?;
    NaiveTime::from_hms_opt(hour.into(), minute.into(), second.into())
}

/// Splits `text` into exactly `N` numbers of ASCII digits. `lengths` are the allowed numbers of digits, at most 4.
fn numbers<const N: usize>(text: &str, separator: char, lengths: [RangeInclusive<usize>; N]) -> Option<[u16; N]> {
    let mut parts = text.split(separator);
    let mut found = [0; N];
    for (number, length) in found.iter_mut().zip(lengths) {
        let part = parts.next()?;
        let is_number = length.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        *number = is_number.then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests;
