//! The geometry of charts: from numbers to the marks of an SVG. Labels and colours come from the caller.

mod drawing;
mod rows;
#[cfg(test)]
mod tests;

pub(super) use drawing::{Drawing, Mark};
pub(super) use rows::{Row, rows};

use drawing::{at, bar, text};

/// The corners of the plot of a chart over time.
const LEFT: f64 = 48.0;
const RIGHT: f64 = 432.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 160.0;
/// The baseline of the labels below the plot.
const BELOW: f64 = 178.0;
const HEIGHT: u32 = 190;
/// The parts into which grid lines divide the plot.
const PARTS: u32 = 4;
/// The most labels below the plot.
const LABELS: usize = 5;
/// The width of a bar, as a part of its slot, and at most.
const BAR: (f64, f64) = (0.7, 28.0);

/// A chart over time. `None` among its values is a gap.
pub(super) struct Plot {
    top: f64,
    count: usize,
    marks: Vec<Mark>,
}

impl Plot {
    /// A plot of `count` values from 0 to `top`. `label` names a value on the axis.
    pub(super) fn new(top: f64, count: usize, label: impl Fn(f64) -> String) -> Self {
        let mut plot = Self { top, count, marks: Vec::new() };
        for part in 0..=PARTS {
            let value = top * f64::from(part) / f64::from(PARTS);
            let y = plot.y(value);
            plot.horizontal(if part == 0 { "axis" } else { "grid" }, y);
            plot.marks.push(text("end", LEFT - 6.0, y + 4.0, label(value)));
        }
        plot
    }

    /// Names moments at the values of lines.
    pub(super) fn moments(mut self, labels: &[String]) -> Self {
        for index in labelled(self.count) {
            let class = edge(index, self.count);
            let label = labels.get(index).cloned().unwrap_or_default();
            self.marks.push(text(class, self.x(index), BELOW, label));
        }
        self
    }

    /// Names moments below bars.
    pub(super) fn slots(mut self, labels: &[String]) -> Self {
        let width = self.slot();
        for index in labelled(self.count) {
            let class = if self.count > LABELS { edge(index, self.count) } else { "mid" };
            let start = LEFT + width * index as f64;
            let x = start + width * if class == "mid" { 0.5 } else { f64::from(u8::from(class == "end")) };
            self.marks.push(text(class, x, BELOW, labels.get(index).cloned().unwrap_or_default()));
        }
        self
    }

    /// A horizontal line at a value, if there is one.
    pub(super) fn level(mut self, class: &'static str, value: Option<f64>) -> Self {
        if let Some(value) = value {
            self.horizontal(class, self.y(value));
        }
        self
    }

    /// The area below a line.
    pub(super) fn area(mut self, colour: &str, values: &[Option<f64>]) -> Self {
        for run in self.runs(values).iter().filter(|run| run.len() > 1) {
            if let (Some(first), Some(last)) = (run.first(), run.last()) {
                let closed = [&[(first.0, BOTTOM)], &run[..], &[(last.0, BOTTOM)]].concat();
                self.marks.push(Mark::Polygon { class: format!("area {colour}"), points: points(&closed) });
            }
        }
        self
    }

    /// A line. A value between two gaps is a point.
    pub(super) fn line(mut self, style: &str, colour: &str, values: &[Option<f64>]) -> Self {
        for run in self.runs(values) {
            self.marks.push(match run[..] {
                [(x, y)] => Mark::Point { class: format!("point {colour}"), x: at(x), y: at(y) },
                _ => Mark::Polyline { class: format!("{style} {colour}"), points: points(&run) },
            });
        }
        self
    }

    /// A name at the last value of a line, `dy` below it.
    pub(super) fn name(mut self, name: &str, dy: f64, values: &[Option<f64>]) -> Self {
        if let Some((x, y)) = self.runs(values).last().and_then(|run| run.last()).copied() {
            let class = if x < LEFT + 40.0 { "strong" } else { "end strong" };
            self.marks.push(text(class, x, (y + dy).clamp(TOP + 4.0, BOTTOM - 4.0), name.to_owned()));
        }
        self
    }

    /// One stacked bar per moment. Its parts have the order of `colours`, from bottom to top.
    pub(super) fn stacks(mut self, colours: &[&str], stacks: &[Vec<f64>]) -> Self {
        let slot = self.slot();
        let width = (slot * BAR.0).min(BAR.1);
        for (index, stack) in stacks.iter().enumerate() {
            let x = LEFT + slot * index as f64 + (slot - width) / 2.0;
            let mut below = 0.0;
            for (value, colour) in stack.iter().zip(colours).filter(|(value, _)| **value > 0.0) {
                let (bottom, top) = (self.y(below), self.y(below + value));
                self.marks.push(bar(colour, (x, top), (width, bottom - top), 0.0));
                below += value;
            }
        }
        self
    }

    pub(super) fn drawing(self) -> Drawing {
        Drawing { height: HEIGHT, marks: self.marks }
    }

    fn horizontal(&mut self, class: &'static str, y: f64) {
        self.marks.push(Mark::Line { class, x: [at(LEFT), at(RIGHT)], y: [at(y), at(y)] });
    }

    fn x(&self, index: usize) -> f64 {
        LEFT + (RIGHT - LEFT) * index as f64 / self.count.saturating_sub(1).max(1) as f64
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * (value / self.top).clamp(0.0, 1.0)
    }

    fn slot(&self) -> f64 {
        (RIGHT - LEFT) / self.count.max(1) as f64
    }

    /// The coordinates of the values, divided at the gaps.
    fn runs(&self, values: &[Option<f64>]) -> Vec<Vec<(f64, f64)>> {
        let coordinates: Vec<Option<(f64, f64)>> =
            values.iter().enumerate().map(|(index, value)| value.map(|value| (self.x(index), self.y(value)))).collect();
        let runs = coordinates.split(Option::is_none).map(|run| run.iter().copied().flatten().collect::<Vec<_>>());
        runs.filter(|run| !run.is_empty()).collect()
    }
}

/// The top of an axis for values up to `most`: four steps of 1, 2, 3 or 5 times a power of ten.
pub(super) fn top_for(most: f64) -> f64 {
    let powers = (0..15).map(|power| 10_f64.powi(power));
    let mut tops = powers.flat_map(|power| [1.0, 2.0, 3.0, 5.0].map(|step| f64::from(PARTS) * step * power));
    tops.find(|top| *top >= most).unwrap_or(most)
}

/// The indexes of the moments that get a label.
fn labelled(count: usize) -> Vec<usize> {
    let last = count.saturating_sub(1);
    if count <= LABELS { (0..count).collect() } else { (0..LABELS).map(|n| n * last / (LABELS - 1)).collect() }
}

/// The class of a label below the plot.
fn edge(index: usize, count: usize) -> &'static str {
    match index {
        0 => "",
        _ if index + 1 == count => "end",
        _ => "mid",
    }
}

fn points(coordinates: &[(f64, f64)]) -> String {
    coordinates.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}
