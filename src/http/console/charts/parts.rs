//! The type of a chart, and the data that charts show.

use crate::domain::figures::overview::Overview;
use crate::domain::figures::period::PeriodLength;
use crate::domain::time_zone::Tz;
use crate::http::console::chart::Drawing;
use crate::http::console::html::{Html, digits};
use crate::http::console::texts::Texts;

/// A chart with its frame.
pub(in crate::http::console) struct Chart {
    /// The id of its title.
    pub(in crate::http::console) id: &'static str,
    pub(in crate::http::console) title: &'static str,
    /// The value of the whole period.
    pub(in crate::http::console) now: String,
    /// The chart in a sentence.
    pub(in crate::http::console) says: String,
    /// `None`: there are no data.
    pub(in crate::http::console) drawing: Option<Drawing>,
    pub(in crate::http::console) legend: Vec<Legend>,
    pub(in crate::http::console) tables: Vec<Table>,
}

/// An entry of a legend.
pub(in crate::http::console) struct Legend {
    /// The classes of the swatch. Empty: there is none.
    pub(in crate::http::console) swatch: &'static str,
    pub(in crate::http::console) text: Html,
}

/// The data of a chart.
pub(in crate::http::console) struct Table {
    pub(in crate::http::console) title: &'static str,
    pub(in crate::http::console) head: Vec<&'static str>,
    /// The name and the values of each row.
    pub(in crate::http::console) rows: Vec<(Html, Vec<String>)>,
}

/// What the charts are made of.
#[derive(Clone, Copy)]
pub(in crate::http::console) struct Source<'a> {
    pub(in crate::http::console) t: &'static Texts,
    pub(in crate::http::console) zone: Tz,
    pub(in crate::http::console) length: PeriodLength,
    pub(in crate::http::console) overview: &'a Overview,
}

impl Chart {
    /// A chart without data.
    pub(super) fn none(id: &'static str, title: &'static str) -> Self {
        let (now, says) = (String::new(), String::new());
        Self { id, title, now, says, drawing: None, legend: Vec::new(), tables: Vec::new() }
    }
}

impl Legend {
    pub(super) fn new(swatch: &'static str, text: &str) -> Self {
        Self { swatch, text: Html::text(text) }
    }
}

impl Source<'_> {
    /// Short names of the points, for axes.
    pub(super) fn moments(self) -> Vec<String> {
        let name = |starts| match self.length {
            PeriodLength::Hour | PeriodLength::Day => self.t.clock(starts, self.zone),
            PeriodLength::Week | PeriodLength::Month => self.t.short_date(starts, self.zone),
        };
        self.overview.points.iter().map(|point| name(point.starts)).collect()
    }

    /// The heading of the column of the points.
    pub(super) fn moment_label(self) -> &'static str {
        if self.length == PeriodLength::Month { self.t.chart.day } else { self.t.chart.hour }
    }

    /// A row for each point, and one for each of the two periods.
    pub(super) fn rows(
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
    pub(super) fn list(self, texts: impl Iterator<Item = String>) -> String {
        texts.collect::<Vec<_>>().join(&format!("{} ", self.t.chart.comma))
    }
}
