//! What the lists share: filters by day, links that keep the filters, and keys of pages.

use chrono::{Days, NaiveDate};
use form_urlencoded::Serializer;

use crate::domain::calendar::parse_day;
use crate::domain::code_list::{Key, Start};
use crate::domain::listing::Period;
use crate::domain::time_zone::Tz;
use crate::http::console::texts::Texts;
use crate::http::console::texts::placeholders::fill;
use crate::http::query::Parameters;

/// The number of rows of a page.
pub(super) const ROWS: usize = 50;

/// A day that was typed into a filter.
#[derive(Clone, Debug, Default)]
pub(super) struct TypedDay {
    pub(super) text: String,
    pub(super) day: Option<NaiveDate>,
    pub(super) error: Option<&'static str>,
    /// How the day was read.
    pub(super) reading: Option<String>,
}

impl TypedDay {
    pub(super) fn read(parameters: &Parameters, name: &str, t: &Texts) -> Self {
        let text = parameters.text(name).unwrap_or_default().to_owned();
        let day = parse_day(&text);
        Self {
            error: (!text.is_empty() && day.is_none()).then_some(t.form.bad_date),
            reading: day.map(|day| fill(t.filter.reading, &[("date", &t.date(day))])),
            text,
            day,
        }
    }
}

/// The days of a filter.
#[derive(Clone, Debug, Default)]
pub(super) struct TypedDays {
    pub(super) from: TypedDay,
    pub(super) to: TypedDay,
}

impl TypedDays {
    pub(super) fn read(parameters: &Parameters, t: &Texts) -> Self {
        Self { from: TypedDay::read(parameters, "from", t), to: TypedDay::read(parameters, "to", t) }
    }

    pub(super) fn period(&self, zone: Tz) -> Period {
        Period::days(self.from.day, self.to.day, zone)
    }

    /// The chips of the days.
    pub(super) fn chips(&self, filters: &Filters, t: &Texts) -> Vec<Chip> {
        let mut chips = Vec::new();
        for (label, name, day) in [(t.filter.from, "from", &self.from), (t.filter.to, "to", &self.to)] {
            let shown = day.day.map(|day| format!("{label}: {}", t.date(day)));
            chips.extend(shown.map(|label| Chip { label, link: filters.without(&[name]) }));
        }
        chips
    }
}

/// An active filter, with the link that removes it.
pub(super) struct Chip {
    pub(super) label: String,
    pub(super) link: String,
}

/// An option of a select.
pub(super) struct SelectOption {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) is_current: bool,
}

/// The filters of a list as they stand in its URL.
#[derive(Clone, Debug)]
pub(super) struct Filters {
    path: &'static str,
    values: Vec<(&'static str, String)>,
}

impl Filters {
    /// Keeps the values that are not empty.
    pub(super) fn new(path: &'static str, values: Vec<(&'static str, String)>) -> Self {
        Self { path, values: values.into_iter().filter(|(_, value)| !value.is_empty()).collect() }
    }

    /// The same filters on another path.
    pub(super) fn on(&self, path: &'static str) -> String {
        Self { path, values: self.values.clone() }.without(&[])
    }

    /// The values for the hidden fields of a form, without those that the form has itself.
    pub(super) fn kept(&self, own: &[&str]) -> Vec<(&'static str, String)> {
        self.values.iter().filter(|(name, _)| !own.contains(name)).cloned().collect()
    }

    /// The list with one more value, or with another value. An empty value removes it.
    pub(super) fn with(&self, name: &'static str, value: &str) -> String {
        let others = self.values.iter().filter(|(known, _)| *known != name);
        let own = (name, value.to_owned());
        self.link(others.chain(Some(&own).filter(|_| !value.is_empty())))
    }

    /// The list with these days instead of those of the filters.
    fn on_days(&self, from: &str, to: &str) -> String {
        let others = self.values.iter().filter(|(known, _)| !["from", "to"].contains(known));
        let own = [("from", from.to_owned()), ("to", to.to_owned())];
        self.link(others.chain(own.iter().filter(|(_, value)| !value.is_empty())))
    }

    /// Links to today, to yesterday and to the last seven days.
    pub(super) fn recent_days(&self, today: NaiveDate, t: &Texts) -> Vec<(&'static str, String)> {
        let day = |ago| t.date(today.checked_sub_days(Days::new(ago)).unwrap_or(today));
        vec![
            (t.filter.today, self.on_days(&day(0), "")),
            (t.filter.yesterday, self.on_days(&day(1), &day(1))),
            (t.filter.last_7_days, self.on_days(&day(6), "")),
        ]
    }

    /// The list without some of the values.
    pub(super) fn without(&self, names: &[&str]) -> String {
        self.link(self.values.iter().filter(|(known, _)| !names.contains(known)))
    }

    fn link<'a>(&self, values: impl Iterator<Item = &'a (&'static str, String)>) -> String {
        let mut query = Serializer::new(String::new());
        values.for_each(|(name, value)| {
            query.append_pair(name, value);
        });
        let query = query.finish();
        if query.is_empty() { self.path.to_owned() } else { format!("{}?{query}", self.path) }
    }
}

/// The start of a page, from its parameters `after` and `before`. Anything that is not a key is the first page.
pub(super) fn start(parameters: &Parameters) -> Start {
    let key = |name| {
        let (value, id) = parameters.text(name)?.split_once('.')?;
        Some(Key { value: value.parse().ok()?, id: id.parse().ok()? })
    };
    match (key("after"), key("before")) {
        (Some(key), _) => Start::After(key),
        (None, Some(key)) => Start::Before(key),
        (None, None) => Start::First,
    }
}

/// A key as a parameter.
pub(super) fn key_text(key: Key) -> String {
    format!("{}.{}", key.value, key.id)
}
