//! The alarms of the overview.

use std::time::Duration;

use crate::domain::figures::alarm::Alarm;
use crate::domain::figures::overview::Overview;
use crate::domain::figures::start_of;
use crate::domain::message::Channel;
use crate::domain::provider_state::Health;
use crate::domain::user::Role;
use crate::error::Result;
use crate::http::console::charts::{NEARLY_USED, used};
use crate::http::console::context::Visitor;
use crate::http::console::html::{Html, digits, label_with_id};
use crate::http::console::texts::placeholders::{around, fill};

/// A message that waits longer than this raises an alarm.
const LONG_WAIT: Duration = Duration::from_secs(60);
const BAD: &str = "tone-bad";
const WARNING: &str = "tone-warn";

/// An alarm as it is shown.
pub(super) struct Shown {
    pub(super) tone: &'static str,
    pub(super) text: Html,
    pub(super) hint: &'static str,
    pub(super) link: Option<(&'static str, &'static str)>,
}

/// Returns the alarms, the most serious first.
pub(super) fn alarms(visitor: &Visitor, overview: &Overview) -> Result<Vec<Shown>> {
    let is_admin = visitor.caller()?.role == Role::Admin;
    let mut shown: Vec<Shown> = overview.alarms.iter().map(|alarm| few_verified(visitor, alarm)).collect();
    for channel in Channel::ALL.iter().copied() {
        shown.extend(resting(visitor, overview, channel, is_admin));
    }
    shown.extend(limits(visitor, overview));
    shown.extend(long_wait(visitor, overview));
    shown.sort_by_key(|alarm| alarm.tone != BAD);
    Ok(shown)
}

fn few_verified(visitor: &Visitor, alarm: &Alarm) -> Shown {
    let (t, zone) = (visitor.t, visitor.zone);
    let Alarm::FewVerified { hour, codes, share, usual } = *alarm;
    let percent = |share: f64| t.rounded(share * 100.0);
    let label = fill(
        t.overview.alarm_share,
        &[("share", &percent(share)), ("usual", &percent(usual)), ("n", &t.total(codes.sent))],
    );
    // The times are marked up, because they are read from left to right.
    let (before, rest) = around(&label, "from");
    let (between, after) = around(rest, "until");
    let [from, until] = [hour, hour + 1].map(|hour| digits(&t.clock(start_of(hour), zone)));
    let text = Html::text(before).and(from).and(Html::text(between)).and(until).and(Html::text(after));
    let link = Some(("#c-refused", t.overview.see_refused));
    Shown { tone: BAD, text, hint: t.overview.alarm_share_hint, link }
}

/// The providers of a channel that rest.
fn resting(visitor: &Visitor, overview: &Overview, channel: Channel, is_admin: bool) -> Vec<Shown> {
    let t = visitor.t;
    let link = is_admin.then_some(("/console/providers", t.overview.providers));
    let of_channel = || overview.providers.iter().filter(|provider| provider.channel == channel);
    let rests = |health| matches!(health, Health::Resting(_));
    let (all, resting) = (of_channel().count(), of_channel().filter(|provider| rests(provider.health)));
    let resting: Vec<&str> = resting.map(|provider| provider.name.as_str()).collect();
    if all > 0 && resting.len() == all {
        let text = format!("{}: {}", t.channel(channel), t.overview.alarm_all_providers);
        return vec![Shown { tone: BAD, text: Html::text(&text), hint: "", link }];
    }
    let shown = |name: &&str| Shown {
        tone: WARNING,
        text: label_with_id(t.overview.alarm_provider, "provider", name),
        hint: "",
        link,
    };
    resting.iter().map(shown).collect()
}

/// The daily limits that are nearly used up.
fn limits(visitor: &Visitor, overview: &Overview) -> Vec<Shown> {
    let t = visitor.t;
    let nearly = overview.usage.iter().filter_map(|usage| Some((usage, used(usage)?)));
    let nearly = nearly.filter(|(_, share)| *share > NEARLY_USED);
    let shown = |(usage, share): (&_, f64)| {
        let usage: &crate::domain::figures::overview::DailyUsage = usage;
        let percent = t.rounded(share * 100.0);
        let text = fill(t.overview.alarm_limit, &[("percent", &percent), ("limit", &t.channel(usage.channel))]);
        Shown { tone: WARNING, text: Html::text(&text), hint: "", link: Some(("#c-budget", t.chart.budget)) }
    };
    nearly.map(shown).collect()
}

fn long_wait(visitor: &Visitor, overview: &Overview) -> Option<Shown> {
    let t = visitor.t;
    let oldest = overview.queues.iter().filter_map(|queue| queue.oldest).max()?;
    let time = t.duration(Some(oldest.as_secs_f64()));
    let text = Html::text(&fill(t.overview.alarm_queue, &[("time", &time)]));
    let link = Some(("/console/messages?state=queued", t.overview.queue));
    (oldest > LONG_WAIT).then_some(Shown { tone: WARNING, text, hint: "", link })
}
