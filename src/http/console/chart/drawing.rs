//! The marks of an SVG.

/// A chart without its frame.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::http::console) struct Drawing {
    pub(in crate::http::console) height: u32,
    pub(in crate::http::console) marks: Vec<Mark>,
}

/// A mark of a chart. Coordinates have one decimal place.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::http::console) enum Mark {
    Line {
        class: &'static str,
        x: [String; 2],
        y: [String; 2],
    },
    /// `is_rtl`: the text is read from right to left, and begins instead of ends at `x`.
    Text {
        class: &'static str,
        x: String,
        y: String,
        text: String,
        is_rtl: bool,
    },
    Polyline {
        class: String,
        points: String,
    },
    Polygon {
        class: String,
        points: String,
    },
    Bar {
        class: String,
        x: String,
        y: String,
        width: String,
        height: String,
        radius: String,
    },
    Point {
        class: String,
        x: String,
        y: String,
    },
}

pub(super) fn text(class: &'static str, x: f64, y: f64, text: String) -> Mark {
    Mark::Text { class, x: at(x), y: at(y), text, is_rtl: false }
}

pub(super) fn bar(colour: &str, (x, y): (f64, f64), (width, height): (f64, f64), radius: f64) -> Mark {
    let class = if colour == "track" { colour.to_owned() } else { format!("bar {colour}") };
    Mark::Bar { class, x: at(x), y: at(y), width: at(width), height: at(height), radius: at(radius) }
}

pub(super) fn at(value: f64) -> String {
    format!("{value:.1}")
}
