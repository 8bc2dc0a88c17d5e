//! The six charts of the overview: their drawings, legends and tables.

mod bars;
mod over_time;

pub(super) use bars::{NEARLY_USED, used};

use crate::domain::figures::overview::Overview;
use crate::domain::figures::period::PeriodLength;
use crate::domain::time_zone::Tz;
use crate::http::console::chart::Drawing;
use crate::http::console::html::{Html, digits};
use crate::http::console::texts::Texts;
use crate::http::console::texts::placeholders::fill;

/// A chart with its frame.
pub(super) struct Chart {
    /// The id of its title.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// The value of the whole period.
    pub(super) now: String,
    /// The chart in a sentence.
    pub(super) says: String,
    /// `None`: there are no data.
    pub(super) drawing: Option<Drawing>,
    pub(super) legend: Vec<Legend>,
    pub(super) tables: Vec<Table>,
}

/// An entry of a legend.
pub(super) struct Legend {
    /// The classes of the swatch. Empty: there is none.
    pub(super) swatch: &'static str,
    pub(super) text: Html,
}

/// The data of a chart.
pub(super) struct Table {
    pub(super) title: &'static str,
    pub(super) head: Vec<&'static str>,
    /// The name and the values of each row.
    pub(super) rows: Vec<(Html, Vec<String>)>,
}

/// What the charts are made of.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) t: &'static Texts,
    pub(super) zone: Tz,
    pub(super) length: PeriodLength,
    pub(super) overview: &'a Overview,
}

/// Returns the six charts.
pub(super) fn charts(source: Source<'_>) -> Vec<Chart> {
    vec![
        over_time::conversion(source),
        over_time::volume(source),
        over_time::time(source),
        bars::providers(source),
        bars::budget(source),
        bars::refused(source),
    ]
}

impl Chart {
    /// A chart without data.
    fn none(id: &'static str, title: &'static str) -> Self {
        let (now, says) = (String::new(), String::new());
        Self { id, title, now, says, drawing: None, legend: Vec::new(), tables: Vec::new() }
    }
}

impl Legend {
    fn new(swatch: &'static str, text: &str) -> Self {
        Self { swatch, text: Html::text(text) }
    }
}

impl Source<'_> {
    /// Short names of the points, for axes.
    fn moments(self) -> Vec<String> {
        let name = |starts| match self.length {
            PeriodLength::Hour | PeriodLength::Day => self.t.clock(starts, self.zone),
            PeriodLength::Week | PeriodLength::Month => self.t.short_date(starts, self.zone),
        };
        self.overview.points.iter().map(|point| name(point.starts)).collect()
    }

    /// The heading of the column of the points.
    fn moment_label(self) -> &'static str {
        if self.length == PeriodLength::Month { self.t.chart.day } else { self.t.chart.hour }
    }

    /// A row for each point, and one for each of the two periods.
    fn rows(
        self,
        points: impl Iterator<Item = Vec<String>>,
        now: Vec<String>,
        before: Vec<String>,
    ) -> Vec<(Html, Vec<String>)> {
        let names = self.overview.points.iter().map(|point| digits(&self.t.moment(point.starts, self.zone)));
        let period = [(self.t.period.current, now), (self.t.period.before, before)];
        names.zip(points).chain(period.map(|(name, values)| (Html::text(name), values))).collect()
    }

    /// Several texts as an enumeration.
    fn list(self, texts: impl Iterator<Item = String>) -> String {
        texts.collect::<Vec<_>>().join(&format!("{} ", self.t.chart.comma))
    }
}

impl Texts {
    /// A count.
    pub(super) fn total(&self, n: u64) -> String {
        self.number(i64::try_from(n).unwrap_or(i64::MAX))
    }

    /// A share from 0 to 1, in percent. Nothing if there is none.
    pub(super) fn percent(&self, share: Option<f64>) -> String {
        share.map_or_else(String::new, |share| fill(self.chart.percent, &[("n", &self.rounded(share * 100.0))]))
    }

    /// A duration in seconds or minutes. Nothing if there is none.
    pub(super) fn duration(&self, seconds: Option<f64>) -> String {
        let Some(seconds) = seconds else { return String::new() };
        let (label, n) =
            if seconds < 120.0 { (self.chart.seconds, seconds) } else { (self.chart.minutes, seconds / 60.0) };
        fill(label, &[("n", &self.rounded(n))])
    }
}
