//! The overview: alarms, key figures, charts, and the current state.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::domain::code_list::CodePage;
use crate::domain::figures::overview::{Overview, Queue, Tile};
use crate::domain::figures::period::PeriodLength;
use crate::domain::provider_state::ProviderState;
use crate::domain::user::Role;
use crate::error::Result;
use crate::http::console::chart::Mark;
use crate::http::console::charts::{Chart, Source, charts};
use crate::http::console::context::Visitor;
use crate::http::console::html::{Html, absolute_time};
use crate::http::console::overview_alarms::{Shown, alarms};
use crate::http::console::shell::{Place, Shell, render};
use crate::http::console::texts::Texts;
use crate::http::console::texts::placeholders::{around, fill};
use crate::http::query::Parameters;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    shell: Shell,
    updated: Html,
    periods: Vec<Choice>,
    alarms: Vec<Shown>,
    tiles: Vec<ShownTile>,
    charts: Vec<Chart>,
    queues: Vec<ShownQueue>,
    locked: String,
    providers: Vec<ShownProvider>,
    is_admin: bool,
}

/// A period to choose.
struct Choice {
    value: &'static str,
    label: &'static str,
    is_current: bool,
}

/// A key figure and its change.
struct ShownTile {
    name: &'static str,
    link: &'static str,
    value: String,
    change: String,
    tone: &'static str,
}

/// The queue of a channel.
struct ShownQueue {
    channel: &'static str,
    queued: String,
    sending: String,
    oldest: String,
}

/// A provider and its state.
struct ShownProvider {
    name: String,
    channel: &'static str,
    success: String,
    state: &'static str,
    state_label: &'static str,
}

/// What an increase of a key figure means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Increase {
    Good,
    Bad,
    Neutral,
}

/// Shows the overview of a period.
pub(super) async fn show(request: HttpRequest, visitor: Visitor) -> Result<HttpResponse> {
    let parameters = Parameters::new(request.query_string());
    let length: PeriodLength = parameters.text("period").and_then(|text| text.parse().ok()).unwrap_or_default();
    let overview = visitor.service().overview(length).await?;
    let (t, zone) = (visitor.t, visitor.zone);
    let (before, after) = around(t.overview.updated, "time");
    let time = absolute_time(t, overview.now, zone);
    let choice =
        |one: PeriodLength| Choice { value: one.as_str(), label: period_label(t, one), is_current: one == length };
    let view = OverviewPage {
        shell: Shell::new(&visitor, t.overview.title, Some(Place::Overview)),
        updated: Html::text(before).and(time).and(Html::text(after)),
        periods: PeriodLength::ALL.map(choice).into(),
        alarms: alarms(&visitor, &overview)?,
        tiles: tiles(t, &overview),
        charts: charts(Source { t, zone, length, overview: &overview }),
        queues: overview.queues.iter().map(|queue| ShownQueue::new(t, queue)).collect(),
        locked: locked(t, overview.locked),
        providers: overview.providers.iter().map(|provider| ShownProvider::new(t, provider)).collect(),
        is_admin: visitor.caller()?.role == Role::Admin,
    };
    render(StatusCode::OK, &view)
}

fn period_label(t: &Texts, length: PeriodLength) -> &'static str {
    match length {
        PeriodLength::Hour => t.period.hour,
        PeriodLength::Day => t.period.day,
        PeriodLength::Week => t.period.week,
        PeriodLength::Month => t.period.month,
    }
}

fn tiles(t: &Texts, overview: &Overview) -> Vec<ShownTile> {
    let tiles = overview.tiles;
    let count = |tile: Tile| t.rounded(tile.now.unwrap_or_default());
    let or_none = |text: String| if text.is_empty() { "—".to_owned() } else { text };
    let tile = |name, link, value, tile: Tile, increase| {
        let (change, tone) = change(t, tile, increase);
        ShownTile { name, link, value, change, tone }
    };
    let share = or_none(t.percent(tiles.verified_share.now));
    let time = or_none(t.duration(tiles.verify_seconds.now));
    let (share_change, share_tone) = share_change(t, tiles.verified_share);
    vec![
        tile(t.overview.sent, "/console/codes", count(tiles.sent), tiles.sent, Increase::Neutral),
        ShownTile {
            name: t.chart.conversion,
            link: "#c-conversion",
            value: share,
            change: share_change,
            tone: share_tone,
        },
        tile(t.chart.time, "#c-time", time, tiles.verify_seconds, Increase::Bad),
        tile(t.overview.not_sent, "#c-volume", count(tiles.not_sent), tiles.not_sent, Increase::Bad),
        tile(t.overview.refused, "#c-refused", count(tiles.refused), tiles.refused, Increase::Bad),
    ]
}

/// The change of a key figure in percent, and its tone.
fn change(t: &Texts, tile: Tile, increase: Increase) -> (String, &'static str) {
    let Some(percent) = tile.change.map(|change| (change * 100.0).round()) else {
        let is_same = tile.now.is_some() && tile.now == tile.before;
        return (if is_same { t.period.same } else { t.period.no_before }.to_owned(), "tone-idle");
    };
    let label = if percent > 0.0 { t.period.more } else { t.period.less };
    if percent == 0.0 {
        return (t.period.same.to_owned(), "tone-idle");
    }
    (fill(label, &[("percent", &t.rounded(percent.abs()))]), tone(percent > 0.0, increase))
}

/// The change of a share in percentage points, and its tone.
fn share_change(t: &Texts, tile: Tile) -> (String, &'static str) {
    let (Some(now), Some(before)) = (tile.now, tile.before) else {
        return (t.period.no_before.to_owned(), "tone-idle");
    };
    let points = (now * 100.0).round() - (before * 100.0).round();
    let (one, many) = if points > 0.0 {
        (t.period.points_more_one, t.period.points_more)
    } else {
        (t.period.points_less_one, t.period.points_less)
    };
    if points == 0.0 {
        return (t.period.same.to_owned(), "tone-idle");
    }
    (t.count(points.abs() as i64, one, many), tone(points > 0.0, Increase::Good))
}

fn tone(is_more: bool, increase: Increase) -> &'static str {
    match increase {
        Increase::Neutral => "tone-idle",
        _ if is_more == (increase == Increase::Good) => "tone-ok",
        _ => "tone-bad",
    }
}

fn locked(t: &Texts, count: i64) -> String {
    match count {
        0 => t.recipient.empty.to_owned(),
        _ if count > CodePage::COUNTED => fill(t.overview.locked_over, &[("n", &t.number(CodePage::COUNTED))]),
        _ => t.number(count),
    }
}

impl ShownQueue {
    fn new(t: &Texts, queue: &Queue) -> Self {
        Self {
            channel: t.channel(queue.channel),
            queued: t.number(queue.queued),
            sending: t.number(queue.sending),
            oldest: queue.oldest.map_or_else(String::new, |oldest| t.ago(oldest.as_secs())),
        }
    }
}

impl ShownProvider {
    fn new(t: &Texts, provider: &ProviderState) -> Self {
        let percent = provider.figures.success().map(|share| t.rounded(share * 100.0));
        let (state, state_label) = t.provider_state(provider);
        Self {
            name: provider.name.clone(),
            channel: t.channel(provider.channel),
            success: percent.map_or_else(String::new, |n| fill(t.overview.success, &[("percent", &n)])),
            state,
            state_label,
        }
    }
}
