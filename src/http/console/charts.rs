//! The six charts of the overview: their drawings, legends and tables.

mod bars;
mod over_time;
mod parts;

pub(super) use bars::{NEARLY_USED, used};
pub(super) use parts::{Chart, Source};

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
