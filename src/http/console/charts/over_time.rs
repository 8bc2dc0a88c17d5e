//! The charts over time: verified share, outcomes of messages, and time to the verification.

use crate::domain::figures::counts::{Codes, Outcomes};
use crate::domain::figures::histogram::Histogram;
use crate::domain::outbox::MessageState;
use crate::http::console::chart::{Plot, top_for};
use crate::http::console::charts::parts::{Chart, Legend, Source, Table};
use crate::http::console::texts::placeholders::fill;

const P50: f64 = 0.5;
const P95: f64 = 0.95;
/// The states of messages in the order of the parts of a bar, and their colours.
const STATES: [MessageState; 5] =
    [MessageState::Sent, MessageState::Unknown, MessageState::Failed, MessageState::Expired, MessageState::Cancelled];
const COLOURS: [&str; 5] = ["c1", "c2", "c4", "c3", "c5"];

/// The share of the sent codes that were verified.
pub(super) fn conversion(source: Source<'_>) -> Chart {
    let Source { t, overview, .. } = source;
    let none = Chart::none("c-conversion", t.chart.conversion);
    let (now, before) = (overview.totals.codes(), overview.before.codes());
    if now.sent == 0 {
        return none;
    }
    let shares: Vec<_> = overview.points.iter().map(|point| point.codes.verified_share()).collect();
    let plot = Plot::new(1.0, shares.len(), |share| t.percent(Some(share))).moments(&source.moments());
    let plot = plot.level("before", before.verified_share()).area("c1", &shares).line("line", "c1", &shares);
    let row = |codes: Codes| vec![t.total(codes.sent), t.total(codes.verified), t.percent(codes.verified_share())];
    let (share, share_before) = (t.percent(now.verified_share()), t.percent(before.verified_share()));
    let says = if share_before.is_empty() { t.chart.conversion_says_now } else { t.chart.conversion_says };
    let mut legend = vec![Legend::new("c1", t.period.current), Legend::new("", t.chart.not_final)];
    if !share_before.is_empty() {
        legend.insert(1, Legend::new("dash", t.period.before));
    }
    Chart {
        says: fill(says, &[("now", &share), ("before", &share_before)]),
        now: share,
        drawing: Some(plot.drawing()),
        legend,
        tables: vec![Table {
            title: t.chart.conversion,
            head: vec![source.moment_label(), t.overview.sent, t.overview.verified, t.chart.share],
            rows: source.rows(overview.points.iter().map(|point| row(point.codes)), row(now), row(before)),
        }],
        ..none
    }
}

/// The messages by final state.
pub(super) fn volume(source: Source<'_>) -> Chart {
    let Source { t, overview, .. } = source;
    let none = Chart::none("c-volume", t.chart.volume);
    let counts = by_state(&overview.totals.outcomes);
    let all: u64 = counts.iter().sum();
    if all == 0 {
        return none;
    }
    let stacks: Vec<Vec<f64>> =
        overview.points.iter().map(|point| by_state(&point.outcomes).map(|count| count as f64).to_vec()).collect();
    let most = stacks.iter().map(|stack| stack.iter().sum::<f64>()).fold(0.0, f64::max);
    let plot = Plot::new(top_for(most), stacks.len(), |count| t.rounded(count)).slots(&source.moments());
    let row = |outcomes: &Outcomes| by_state(outcomes).map(|count| t.total(count)).to_vec();
    let names = STATES.map(|state| t.message_state(state));
    let list = source.list(names.iter().zip(counts).map(|(name, count)| format!("{name}: {}", t.total(count))));
    Chart {
        now: t.total(all),
        says: fill(t.chart.volume_says, &[("list", &list)]),
        drawing: Some(plot.stacks(&COLOURS, &stacks).drawing()),
        legend: COLOURS.iter().zip(names).map(|(colour, name)| Legend::new(colour, name)).collect(),
        tables: vec![Table {
            title: t.chart.volume,
            head: std::iter::once(source.moment_label()).chain(names).collect(),
            rows: source.rows(
                overview.points.iter().map(|point| row(&point.outcomes)),
                row(&overview.totals.outcomes),
                row(&overview.before.outcomes),
            ),
        }],
        ..none
    }
}

/// The time from sending to verification.
pub(super) fn time(source: Source<'_>) -> Chart {
    let Source { t, overview, .. } = source;
    let none = Chart::none("c-time", t.chart.time);
    let totals = &overview.totals.verify_seconds;
    if totals.total() == 0 {
        return none;
    }
    let values = |of: f64| overview.points.iter().map(|point| point.verify_seconds.percentile(of)).collect::<Vec<_>>();
    let (p50, p95) = (values(P50), values(P95));
    let top = top_for(p95.iter().copied().flatten().fold(0.0, f64::max));
    let plot = Plot::new(top, p50.len(), |seconds| t.rounded(seconds)).moments(&source.moments());
    let plot = plot.line("line dash", "c3", &p95).line("line", "c3", &p50);
    // The names of two close lines stand above and below them.
    let is_close =
        |(p50, p95): (&Option<f64>, &Option<f64>)| p95.zip(*p50).is_some_and(|(p95, p50)| p95 - p50 < top / 8.0);
    let is_close = p50.iter().zip(&p95).rev().find(|(p50, _)| p50.is_some()).is_some_and(is_close);
    let plot = plot.name("p95", -7.0, &p95).name("p50", if is_close { 15.0 } else { -7.0 }, &p50);
    let row = |seconds: &Histogram| [P50, P95].map(|of| t.duration(seconds.percentile(of))).to_vec();
    let [half, most_of] = [P50, P95].map(|of| t.duration(totals.percentile(of)));
    let legend = |label: &str, name: &str| format!("{} ({name})", fill(t.chart.in_seconds, &[("name", &label)]));
    Chart {
        says: fill(t.chart.time_says, &[("p50", &half), ("p95", &most_of)]),
        now: half,
        drawing: Some(plot.drawing()),
        legend: vec![
            Legend::new("c3", &legend(t.chart.p50, "p50")),
            Legend::new("dash c3", &legend(t.chart.p95, "p95")),
        ],
        tables: vec![Table {
            title: t.chart.time,
            head: vec![source.moment_label(), t.chart.p50, t.chart.p95],
            rows: source.rows(
                overview.points.iter().map(|point| row(&point.verify_seconds)),
                row(totals),
                row(&overview.before.verify_seconds),
            ),
        }],
        ..none
    }
}

fn by_state(outcomes: &Outcomes) -> [u64; 5] {
    let Outcomes { sent, unknown, failed, expired, cancelled } = *outcomes;
    [sent, unknown, failed, expired, cancelled]
}
