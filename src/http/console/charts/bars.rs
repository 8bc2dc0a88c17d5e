//! The charts of horizontal bars: providers, use of the daily limits, and refusals.

use std::cmp::Reverse;

use crate::domain::figures::overview::DailyUsage;
use crate::domain::figures::share;
use crate::domain::figures::totals::{ProviderTotals, Refused};
use crate::http::console::chart::{Row, rows};
use crate::http::console::charts::parts::{Chart, Legend, Source, Table};
use crate::http::console::html::{Html, id};
use crate::http::console::texts::Texts;
use crate::http::console::texts::placeholders::fill;

/// Providers with a smaller share of successful attempts stand out.
const LOW: f64 = 0.8;
/// Limits of which a larger share is used stand out.
pub(in crate::http::console) const NEARLY_USED: f64 = 0.8;
/// The most rows of a drawing. The table has all of them.
const ROWS: usize = 6;
/// The most tokens and prefixes in a legend.
const TOP: usize = 3;

/// Success and latency of the providers, and the share of fallbacks.
pub(super) fn providers(source: Source<'_>) -> Chart {
    let Source { t, overview, .. } = source;
    let none = Chart::none("c-providers", t.chart.providers);
    let used: Vec<_> = overview.totals.providers.iter().filter(|(_, totals)| totals.attempts > 0).collect();
    if used.is_empty() {
        return none;
    }
    let bars: Vec<Row> = used.iter().take(ROWS).map(|(name, totals)| provider_bar(t, name, totals)).collect();
    let row = |name: &str, totals: &ProviderTotals| {
        let [p50, p95] = [0.5, 0.95].map(|of| milliseconds(t, totals, of));
        let fallbacks = t.percent(share(totals.fallbacks, totals.accepted));
        (id(name), vec![t.total(totals.attempts), t.percent(totals.success()), p50, p95, fallbacks])
    };
    let list = source.list(used.iter().map(|(name, totals)| format!("{name} {}", t.percent(totals.success()))));
    let fallbacks = overview.totals.fallback_share().map(|share| t.rounded(share * 100.0));
    Chart {
        now: fallbacks.map_or_else(String::new, |percent| fill(t.chart.fallbacks, &[("percent", &percent)])),
        says: fill(t.chart.providers_says, &[("list", &list)]),
        drawing: Some(rows(&bars, t.dir() == "rtl")),
        legend: vec![Legend::new("c1", t.chart.successful), Legend::new("c4", t.chart.below)],
        tables: vec![Table {
            title: t.chart.providers,
            head: vec![t.chart.provider, t.chart.attempts, t.chart.success, t.chart.p50, t.chart.p95, t.chart.fallback],
            rows: used.iter().map(|(name, totals)| row(name, totals)).collect(),
        }],
        ..none
    }
}

fn provider_bar(t: &Texts, name: &str, totals: &ProviderTotals) -> Row {
    let success = totals.success();
    Row {
        name: name.to_owned(),
        note: milliseconds(t, totals, 0.5),
        value: t.percent(success),
        share: success,
        colour: if success.is_some_and(|share| share < LOW) { "c4" } else { "c1" },
        limit: None,
    }
}

fn milliseconds(t: &Texts, totals: &ProviderTotals, of: f64) -> String {
    let seconds = totals.seconds.percentile(of);
    let shown = |seconds: f64| fill(t.provider.milliseconds, &[("ms", &t.rounded(seconds * 1000.0))]);
    seconds.map_or_else(String::new, shown)
}

/// The messages requested in the last 24 hours, of those allowed.
pub(super) fn budget(source: Source<'_>) -> Chart {
    let Source { t, overview, .. } = source;
    let none = Chart::none("c-budget", t.chart.budget);
    let shown: Vec<&DailyUsage> =
        overview.usage.iter().filter(|usage| usage.requested > 0 || usage.allowed.is_some()).collect();
    if shown.is_empty() {
        return none;
    }
    let bars: Vec<Row> = shown.iter().map(|usage| budget_bar(t, usage)).collect();
    let row = |usage: &DailyUsage| {
        let allowed = usage.allowed.map_or_else(|| t.chart.no_limit.to_owned(), |allowed| t.number(allowed));
        let values = vec![t.number(usage.requested), allowed, t.percent(used(usage))];
        (Html::text(t.channel(usage.channel)), values)
    };
    let most = shown.iter().filter_map(|usage| used(usage)).max_by(f64::total_cmp);
    let says = |usage: &&DailyUsage| format!("{}: {}", t.channel(usage.channel), of_allowed(t, usage, t.chart.of));
    Chart {
        now: t.percent(most),
        says: fill(t.chart.budget_says, &[("list", &source.list(shown.iter().map(says)))]),
        drawing: Some(rows(&bars, t.dir() == "rtl")),
        legend: vec![
            Legend::new("c1", t.chart.up_to),
            Legend::new("c2", t.chart.over),
            Legend::new("", t.chart.last_day),
        ],
        tables: vec![Table {
            title: t.chart.budget,
            head: vec![t.chart.limit, t.chart.used, t.chart.allowed, t.chart.share],
            rows: shown.iter().map(|usage| row(usage)).collect(),
        }],
        ..none
    }
}

/// The used share of a daily limit. `None`: there is no limit.
pub(in crate::http::console) fn used(usage: &DailyUsage) -> Option<f64> {
    share(usage.requested.into(), usage.allowed?.into())
}

fn of_allowed(t: &Texts, usage: &DailyUsage, label: &str) -> String {
    let n = t.number(usage.requested);
    usage.allowed.map_or_else(|| n.clone(), |allowed| fill(label, &[("n", &n), ("total", &t.number(allowed))]))
}

fn budget_bar(t: &Texts, usage: &DailyUsage) -> Row {
    let used = used(usage);
    Row {
        name: t.channel(usage.channel).to_owned(),
        note: String::new(),
        value: of_allowed(t, usage, t.chart.of),
        share: used,
        colour: if used.is_some_and(|share| share > NEARLY_USED) { "c2" } else { "c1" },
        limit: used.map(|_| NEARLY_USED),
    }
}

/// The refused requests by limit.
pub(super) fn refused(source: Source<'_>) -> Chart {
    let Source { t, overview, .. } = source;
    let none = Chart::none("c-refused", t.chart.refused);
    let all = overview.totals.refused();
    if all == 0 {
        return none;
    }
    let mut limits: Vec<(&str, u64)> =
        overview.totals.refusals.iter().map(|(setting, count)| (t.limit_of(setting), *count)).collect();
    limits.sort_by_key(|(_, count)| Reverse(*count));
    let most = limits.iter().map(|(_, count)| *count).max().unwrap_or_default();
    let bar = |(name, count): &(&str, u64)| Row {
        name: (*name).to_owned(),
        value: t.total(*count),
        share: share(*count, most),
        colour: "c3",
        ..Row::default()
    };
    let bars: Vec<Row> = limits.iter().take(ROWS).map(bar).collect();
    let (tokens, prefixes) = (overview.totals.top_tokens(), overview.totals.top_prefixes());
    let list = source.list(limits.iter().map(|(name, count)| format!("{name}: {}", t.total(*count))));
    let limit_rows = limits.iter().map(|(name, count)| (Html::text(name), vec![t.total(*count)])).collect();
    let by_limit = Table { title: t.chart.refused, head: vec![t.chart.limit, t.chart.count], rows: limit_rows };
    let tops = [(t.chart.top_tokens, t.chart.token, &tokens), (t.chart.top_prefixes, t.chart.prefix, &prefixes)];
    let tops = tops.into_iter().filter(|(_, _, refused)| !refused.is_empty());
    let legend = tops.clone().map(|(label, _, refused)| Legend { swatch: "", text: top_text(t, label, refused) });
    Chart {
        now: t.total(all),
        says: fill(t.chart.refused_says, &[("list", &list)]),
        drawing: Some(rows(&bars, t.dir() == "rtl")),
        legend: legend.collect(),
        tables: std::iter::once(by_limit)
            .chain(tops.map(|(title, name, refused)| top_table(t, title, name, refused)))
            .collect(),
        ..none
    }
}

fn subject(t: &Texts, refused: &Refused) -> Html {
    if refused.is_other() { Html::text(t.chart.other) } else { id(&refused.subject) }
}

/// The first subjects of a list in a line.
fn top_text(t: &Texts, label: &str, refused: &[Refused]) -> Html {
    let mut subjects: Vec<&Refused> = Vec::new();
    for one in refused {
        if subjects.iter().all(|known| known.subject != one.subject) {
            subjects.push(one);
        }
    }
    let separator = Html::text(&format!("{} ", t.chart.comma));
    let mut text = Html::text(&format!("{label}: "));
    for (index, one) in subjects.into_iter().take(TOP).enumerate() {
        text = if index == 0 { text } else { text.and(separator.clone()) };
        text = text.and(subject(t, one));
    }
    text
}

fn top_table(t: &Texts, title: &'static str, name: &'static str, refused: &[Refused]) -> Table {
    let row = |one: &Refused| (subject(t, one), vec![t.limit_of(&one.limit).to_owned(), t.total(one.count)]);
    Table { title, head: vec![name, t.chart.limit, t.chart.count], rows: refused.iter().map(row).collect() }
}
