//! The parameters of a query string. As in Django, unknown parameters and empty values are ignored, the last value of a
//! repeated parameter is used, and all invalid parameters are reported at once.

use chrono::NaiveDate;

use crate::domain::digits::to_ascii_digits;
use crate::domain::listing::{Period, Window};
use crate::domain::time_zone::Tz;
use crate::domain::timestamp::parse_date;
use crate::error::{FieldErrors, InvalidValue, Result};

/// The decoded pairs of a query string.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// The parameters of a query string, and the errors found in them.
pub(super) struct Parameters {
    pairs: Vec<(String, String)>,
    errors: FieldErrors,
}

impl Parameters {
    pub(super) fn new(query: &str) -> Self {
        Self { pairs: pairs(query), errors: FieldErrors::default() }
    }

    /// The window of the page: `limit` and `offset`.
    pub(super) fn window(&mut self) -> Window {
        let limit = self.get("limit", |text| at_least(1, text)).unwrap_or(Window::DEFAULT_LIMIT);
        let offset = self.get("offset", |text| at_least(0, text)).unwrap_or(0);
        Window { limit: limit.min(Window::MAX_LIMIT), offset }
    }

    /// Returns `query` if all parameters are valid.
    ///
    /// # Errors
    /// The messages for all invalid parameters.
    pub(super) fn finish<T>(self, query: T) -> Result<T> {
        if self.errors.is_empty() { Ok(query) } else { Err(self.errors.into()) }
    }

    /// The trimmed value of a parameter, if it is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let (_, text) = self.pairs.iter().rev().find(|(given, _)| given == name)?;
        Some(text.trim()).filter(|text| !text.is_empty())
    }

    /// The parsed value of a parameter. An invalid value is recorded in `errors` and returned as `None`.
    pub(super) fn get<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, InvalidValue>) -> Option<T> {
        let outcome = parse(self.text(name)?);
        self.errors.note(name, outcome)
    }

    /// The period that matches the parameters for an exact, a first and a last date.
    pub(super) fn period(&mut self, [date, first, last]: [&'static str; 3], zone: Tz) -> Period {
        let date = self.get(date, day);
        Period::days(date, date, zone).and(self.days([first, last], zone))
    }

    /// The period that matches the parameters for a first and a last date.
    pub(super) fn days(&mut self, [first, last]: [&'static str; 2], zone: Tz) -> Period {
        let [first, last] = [first, last].map(|name| self.get(name, day));
        Period::days(first, last, zone)
    }
}

/// Parses a number for a comparison. Numbers beyond 64 bits saturate.
pub(super) fn number(text: &str) -> Result<i64, InvalidValue> {
    integer(text).ok_or_else(|| "Enter a number.".into())
}

/// Parses an integer of any length. Values beyond 64 bits saturate.
fn integer(text: &str) -> Option<i64> {
    let text = to_ascii_digits(text);
    let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let end = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Some(text.parse().unwrap_or(end))
}

fn at_least(least: i64, text: &str) -> Result<i64, InvalidValue> {
    match integer(text) {
        None => Err("A valid integer is required.".into()),
        Some(value) if value < least => {
            Err(InvalidValue(format!("Ensure this value is greater than or equal to {least}.").into()))
        }
        Some(value) => Ok(value),
    }
}

fn day(text: &str) -> Result<NaiveDate, InvalidValue> {
    parse_date(text).ok_or_else(|| "Enter a valid date.".into())
}
