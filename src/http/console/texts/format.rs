//! Numbers, dates and times in the language of the labels.

use chrono::{NaiveDate, Timelike};

use super::Texts;
use super::placeholders::fill;
use crate::domain::calendar::persian;
use crate::domain::message::Language;
use crate::domain::time_zone::Tz;
use crate::domain::timestamp::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Smaller numbers are written without group separators.
const GROUPED_FROM: u64 = 10_000;

impl Texts {
    /// The language as in the attribute `lang`: `fa` or `en`.
    pub fn language(&self) -> &'static str {
        self.language.as_str()
    }

    /// The direction as in the attribute `dir`: `rtl` or `ltr`.
    pub fn dir(&self) -> &'static str {
        match self.language {
            Language::Fa => "rtl",
            Language::En => "ltr",
        }
    }

    /// Formats a count, in Persian with Persian digits. From 10,000 on, digits are grouped by three. Identifiers are
    /// not counts and keep their digits.
    pub fn number(&self, n: impl Into<i64>) -> String {
        let n: i64 = n.into();
        let sign = if n < 0 { "-" } else { "" };
        let digits = n.unsigned_abs().to_string();
        let separator = match self.language {
            _ if n.unsigned_abs() < GROUPED_FROM => "",
            Language::Fa => "٬",
            Language::En => ",",
        };
        let mut text = sign.to_owned();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push_str(separator);
            }
            text.push(digit);
        }
        self.digits(&text)
    }

    /// Formats a number, rounded to a whole one.
    pub fn rounded(&self, n: f64) -> String {
        self.number(n.round() as i64)
    }

    /// Fills `{n}` with a count: in `one` if it is 1, else in `many`.
    pub fn count(&self, n: impl Into<i64>, one: &str, many: &str) -> String {
        let n: i64 = n.into();
        fill(if n == 1 { one } else { many }, &[("n", &self.number(n))])
    }

    /// Fills `{n}` with a count that is exact up to `most`. For a greater count, it fills `over` with `most`.
    pub fn count_up_to(&self, most: i64, n: i64, [one, many, over]: [&str; 3]) -> String {
        if n > most { fill(over, &[("n", &self.number(most))]) } else { self.count(n, one, many) }
    }

    /// A count.
    pub fn total(&self, n: u64) -> String {
        self.number(i64::try_from(n).unwrap_or(i64::MAX))
    }

    /// A share from 0 to 1, in percent. Nothing if there is none.
    pub fn percent(&self, share: Option<f64>) -> String {
        share.map_or_else(String::new, |share| fill(self.chart.percent, &[("n", &self.rounded(share * 100.0))]))
    }

    /// A duration in seconds or minutes. Nothing if there is none.
    pub fn duration(&self, seconds: Option<f64>) -> String {
        let Some(seconds) = seconds else { return String::new() };
        let (label, n) =
            if seconds < 120.0 { (self.chart.seconds, seconds) } else { (self.chart.minutes, seconds / 60.0) };
        fill(label, &[("n", &self.rounded(n))])
    }

    /// Formats a date: `۱۴۰۵/۰۹/۰۲` of the Persian calendar, or `2026-11-23`.
    pub fn date(&self, date: NaiveDate) -> String {
        match self.language {
            Language::Fa => {
                let (year, month, day) = persian(date);
                self.digits(&format!("{year:04}/{month:02}/{day:02}"))
            }
            Language::En => date.to_string(),
        }
    }

    /// Formats month and day: `۰۹/۰۲` or `11-23`.
    pub fn short_date(&self, moment: Timestamp, zone: Tz) -> String {
        self.date(zone.local_time(moment).date()).chars().skip("2026-".len()).collect()
    }

    /// Formats hours and minutes in `zone`: `۱۴:۳۵` or `14:35`. Seconds are cut off.
    pub fn clock(&self, moment: Timestamp, zone: Tz) -> String {
        let local = zone.local_time(moment);
        self.digits(&format!("{:02}:{:02}", local.hour(), local.minute()))
    }

    /// Formats date, hours and minutes in `zone`: `۱۴۰۵/۰۹/۰۲ ۱۴:۳۵` or `2026-11-23 14:35`. Seconds are cut off.
    pub fn moment(&self, moment: Timestamp, zone: Tz) -> String {
        format!("{} {}", self.date(zone.local_time(moment).date()), self.clock(moment, zone))
    }

    /// Formats a moment like [`Texts::moment`], with seconds.
    pub fn exact_moment(&self, moment: Timestamp, zone: Tz) -> String {
        let seconds = format!(":{:02}", zone.local_time(moment).second());
        self.moment(moment, zone) + &self.digits(&seconds)
    }

    /// Returns how long ago something was, such as "3 minutes ago", in whole units, rounded down.
    pub fn ago(&self, seconds: u64) -> String {
        let time = &self.time;
        match seconds {
            0 => time.now.to_owned(),
            1..MINUTE => self.units(seconds, 1, time.second_ago, time.seconds_ago),
            MINUTE..HOUR => self.units(seconds, MINUTE, time.minute_ago, time.minutes_ago),
            HOUR..DAY => self.units(seconds, HOUR, time.hour_ago, time.hours_ago),
            _ => self.units(seconds, DAY, time.day_ago, time.days_ago),
        }
    }

    /// Returns how much time is left, such as "3 minutes left", in whole units, rounded down.
    pub fn left(&self, seconds: u64) -> String {
        let time = &self.time;
        match seconds {
            0 => time.none_left.to_owned(),
            1..MINUTE => self.units(seconds, 1, time.second_left, time.seconds_left),
            MINUTE..HOUR => self.units(seconds, MINUTE, time.minute_left, time.minutes_left),
            HOUR..DAY => self.units(seconds, HOUR, time.hour_left, time.hours_left),
            _ => self.units(seconds, DAY, time.day_left, time.days_left),
        }
    }

    fn units(&self, seconds: u64, unit: u64, one: &str, many: &str) -> String {
        self.count(i64::try_from(seconds / unit).unwrap_or(i64::MAX), one, many)
    }

    /// Replaces ASCII digits by Persian digits in Persian.
    pub fn digits(&self, text: &str) -> String {
        match self.language {
            Language::Fa => text.chars().map(persian_digit).collect(),
            Language::En => text.to_owned(),
        }
    }
}

fn persian_digit(c: char) -> char {
    c.to_digit(10).and_then(|value| char::from_u32(u32::from('۰') + value)).unwrap_or(c)
}
