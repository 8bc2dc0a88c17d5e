//! Charts of horizontal bars, one below the other.

use crate::http::console::chart::drawing::{Drawing, Mark, at, bar, text};

const WIDTH: f64 = 440.0;
/// Where the middle column ends.
const NOTE: f64 = 380.0;
/// The top of the first row, and the height of a row.
const FIRST: f64 = 14.0;
const STEP: u32 = 42;
/// The space below the last row.
const BELOW: u32 = 22;
const THICKNESS: f64 = 9.0;
const RADIUS: f64 = 4.5;

/// A row: a name, values, and a bar.
#[derive(Clone, Debug, Default)]
pub(in crate::http::console) struct Row {
    pub(in crate::http::console) name: String,
    /// A value before the last one.
    pub(in crate::http::console) note: String,
    pub(in crate::http::console) value: String,
    /// The length of the bar, from 0 to 1. `None`: there is no bar.
    pub(in crate::http::console) share: Option<f64>,
    pub(in crate::http::console) colour: &'static str,
    /// Where a limit crosses the bar, from 0 to 1.
    pub(in crate::http::console) limit: Option<f64>,
}

/// Draws rows. `is_rtl`: the values are read from right to left.
pub(in crate::http::console) fn rows(rows: &[Row], is_rtl: bool) -> Drawing {
    let mut marks = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let y = FIRST + f64::from(STEP) * index as f64;
        marks.push(text("strong", 0.0, y + 9.0, row.name.clone()));
        if !row.note.is_empty() {
            marks.push(value("", "end", NOTE, y + 9.0, &row.note, is_rtl));
        }
        marks.push(value("strong", "end strong", WIDTH, y + 9.0, &row.value, is_rtl));
        if let Some(share) = row.share {
            let top = (0.0, y + 15.0);
            marks.push(bar("track", top, (WIDTH, THICKNESS), RADIUS));
            marks.push(bar(row.colour, top, (WIDTH * share.clamp(0.0, 1.0), THICKNESS), RADIUS));
        }
        if let Some(limit) = row.limit {
            let x = at(WIDTH * limit);
            marks.push(Mark::Line { class: "limit", x: [x.clone(), x], y: [at(y + 12.0), at(y + 27.0)] });
        }
    }
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    Drawing { height: count.saturating_mul(STEP).saturating_add(BELOW), marks }
}

/// A text that ends at `x` on its right side.
fn value(rtl_class: &'static str, class: &'static str, x: f64, y: f64, text: &str, is_rtl: bool) -> Mark {
    let class = if is_rtl { rtl_class } else { class };
    Mark::Text { class, x: at(x), y: at(y), text: text.to_owned(), is_rtl }
}
