//! The state of a recipient as the pages show it.

use crate::domain::recipient::Recipient;
use crate::domain::recipient_state::{RecipientState, Usage};
use crate::domain::timestamp::Timestamp;
use crate::http::console::context::Context;
use crate::http::console::html::{Html, label_with_id};
use crate::http::console::texts::Texts;
use crate::http::console::texts::placeholders::fill;

/// The state of a recipient in plain words.
pub(super) struct StateView {
    pub(super) recipient: Recipient,
    /// The class of the badge.
    pub(super) badge: &'static str,
    pub(super) label: Html,
    /// The state as a sentence, for the page of a code.
    pub(super) notice: Html,
    /// What causes the state: the failures in a row, and the limits that are reached.
    pub(super) reasons: Vec<String>,
    pub(super) is_locked: bool,
    pub(super) is_limited: bool,
    /// How long a pause still lasts.
    pub(super) left: Option<String>,
    pub(super) failures: String,
    pub(super) failures_per_hour: String,
    pub(super) sends_per_hour: String,
    pub(super) sends_per_day: String,
}

impl StateView {
    pub(super) fn new(context: &Context, state: &RecipientState) -> Self {
        let t = context.t;
        let until = state.until();
        let (badge, label, notice) = words(context, state, until);
        let failures =
            state.is_locked.then(|| fill(t.recipient.failures_count, &[("n", &t.number(state.consecutive_failures))]));
        let limits = state.pauses.iter().map(|pause| t.limit_of(pause.limit).to_owned());
        Self {
            recipient: state.recipient.clone(),
            badge,
            label,
            notice,
            reasons: failures.into_iter().chain(limits).collect(),
            is_locked: state.is_locked,
            is_limited: state.is_limited(),
            left: until.map(|until| t.left(until.seconds_after(context.now))),
            failures: t.number(state.consecutive_failures),
            failures_per_hour: usage(t, state.failures_per_hour),
            sends_per_hour: usage(t, state.sends_per_hour),
            sends_per_day: usage(t, state.sends_per_day),
        }
    }
}

/// The class of the badge, the state, and the state as a sentence.
fn words(context: &Context, state: &RecipientState, until: Option<Timestamp>) -> (&'static str, Html, Html) {
    let t = &context.t.recipient;
    let with_time = |label, until| label_with_id(label, "time", &context.t.moment(until, context.zone));
    match until {
        _ if state.is_locked => ("locked", Html::text(t.locked), Html::text(t.notice_locked)),
        Some(until) => ("paused", with_time(t.paused, until), with_time(t.notice_paused, until)),
        None => ("tone-ok", Html::text(t.open), Html::default()),
    }
}

fn usage(t: &Texts, usage: Usage) -> String {
    let used = t.number(usage.used);
    match usage.allowed {
        Some(allowed) => fill(t.recipient.of_limit, &[("n", &used), ("limit", &t.number(allowed))]),
        None => fill(t.recipient.no_limit, &[("n", &used)]),
    }
}
