//! What happened to a code: its events and the attempts to deliver its messages, in one list.

use crate::domain::attempt::{Attempt, DeliveryStatus, Outcome};
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::otp::Otp;
use crate::domain::outbox::{MessageRecord, MessageState};
use crate::domain::timestamp::Timestamp;
use crate::http::console::changes::{field_label, shown};
use crate::http::console::context::Context;
use crate::http::console::html::{Html, id, label_with_id};
use crate::http::console::texts::placeholders::fill;
use crate::service::codes::CodeDetails;

/// One step of a timeline.
pub(super) struct Step {
    /// `ok`, `info`, `warn`, `bad` or `idle`.
    pub(super) tone: &'static str,
    pub(super) icon: &'static str,
    pub(super) title: Html,
    pub(super) at: Timestamp,
    pub(super) note: Html,
}

/// The steps of a code, oldest first.
pub(super) fn timeline(context: &Context, details: &CodeDetails) -> Vec<Step> {
    let mut steps: Vec<Step> = details.events.iter().filter_map(|event| of_event(context, event)).collect();
    steps.extend(details.messages.iter().flat_map(|message| of_message(context, message)));
    let otp = &details.otp;
    let is_begin = |event: &AuditEvent| matches!(event.action, Action::OtpCreate | Action::OtpSend);
    if !details.events.iter().any(is_begin) {
        steps.push(step(("idle", "plus"), context.t.timeline.created, otp.created_at));
    }
    steps.extend(expiry(context, otp));
    steps.sort_by_key(|step| step.at);
    steps
}

fn step((tone, icon): (&'static str, &'static str), title: &str, at: Timestamp) -> Step {
    Step { tone, icon, title: Html::text(title), at, note: Html::default() }
}

/// The end of the validity of a code that was not used before.
fn expiry(context: &Context, otp: &Otp) -> Option<Step> {
    let has_expired = !otp.is_valid(context.now) && otp.consumed_at.is_none();
    has_expired.then(|| step(("idle", "clock"), context.t.timeline.expired, otp.valid_to.min(context.now)))
}

fn of_event(context: &Context, event: &AuditEvent) -> Option<Step> {
    let t = &context.t.timeline;
    let by = |label: &str| label_with_id(label, "who", &event.origin.name);
    let (marks, title) = match event.action {
        Action::OtpCreate => (("idle", "plus"), by(t.created_by)),
        Action::OtpSend => (("info", "send"), Html::text(t.requested)),
        Action::OtpUpdate => (("idle", "edit"), by(t.changed_by)),
        Action::OtpRead => (("warn", "eye"), by(t.shown_to)),
        Action::OtpVerify if verdict(event) == Some("right") => (("ok", "check"), Html::text(t.verified)),
        Action::OtpVerify if verdict(event) == Some("wrong_code") => (("bad", "close"), Html::text(t.guess_wrong)),
        Action::OtpVerify => (("bad", "close"), Html::text(t.guess_refused)),
        _ => return None,
    };
    let note = match event.action {
        Action::OtpSend if event.changes.contains_key("test_recipient") => {
            Html::text(&format!("{} · ", context.t.fields.fixed_code)).and(id(&event.origin.name))
        }
        Action::OtpSend => id(&event.origin.name),
        Action::OtpVerify => {
            let verdict = verdict(event).filter(|verdict| !["right", "wrong_code"].contains(verdict));
            let label = verdict.and_then(|verdict| context.t.verdict(verdict));
            label.map_or_else(Html::default, |label| Html::text(&format!("{label} · "))).and(id(&event.origin.name))
        }
        Action::OtpUpdate => changed_fields(context, event),
        _ => Html::default(),
    };
    Some(Step { tone: marks.0, icon: marks.1, title, at: event.at, note })
}

fn verdict(event: &AuditEvent) -> Option<&str> {
    event.changes.get("verdict")?.get(1)?.as_str()
}

/// The changed fields, each on a line with its values before and after. Codes are hidden and recipients are masked.
fn changed_fields(context: &Context, event: &AuditEvent) -> Html {
    let t = &context.t.audit;
    let mut note = Html::default();
    for (field, values) in &event.changes {
        let value = |n| values.get(n).map_or_else(Html::default, |value| shown(context, field, value).html());
        let line = Html::text(&format!("{} · {}: ", field_label(context.t, field), t.before)).and(value(0));
        note = note.and(Html::line(line.and(Html::text(&format!(" · {}: ", t.after))).and(value(1))));
    }
    note
}

fn of_message(context: &Context, message: &MessageRecord) -> Vec<Step> {
    let t = context.t;
    let mut steps: Vec<Step> = message.attempts.iter().map(|attempt| of_attempt(context, attempt)).collect();
    steps.extend(message.attempts.iter().filter_map(|attempt| of_report(context, attempt)));
    let ends = match message.state {
        MessageState::Failed => Some(("bad", "warn")),
        MessageState::Expired => Some(("bad", "clock")),
        MessageState::Cancelled => Some(("idle", "close")),
        MessageState::Queued if message.attempts.is_empty() => Some(("info", "clock")),
        // The report of the provider is a step of its own.
        MessageState::Delivered | MessageState::Undelivered | MessageState::Blocked => None,
        MessageState::Queued | MessageState::Sending | MessageState::Sent | MessageState::Unknown => None,
    };
    steps.extend(ends.map(|marks| step(marks, t.message_state(message.state), message.updated_at)));
    steps
}

/// What a provider reported about a message that it accepted.
fn of_report(context: &Context, attempt: &Attempt) -> Option<Step> {
    let (marks, state) = match attempt.status? {
        DeliveryStatus::Waiting => return None,
        DeliveryStatus::Delivered => (("ok", "check"), MessageState::Delivered),
        DeliveryStatus::Undelivered => (("bad", "warn"), MessageState::Undelivered),
        DeliveryStatus::Blocked => (("bad", "warn"), MessageState::Blocked),
    };
    let note = id(&attempt.provider);
    Some(Step { note, ..step(marks, context.t.message_state(state), attempt.status_at?) })
}

fn of_attempt(context: &Context, attempt: &Attempt) -> Step {
    let t = context.t;
    let (tone, icon) = match attempt.outcome {
        Some(Outcome::Sent) => ("info", "send"),
        None => ("info", "clock"),
        Some(Outcome::Retry | Outcome::Next | Outcome::Unknown | Outcome::Interrupted) => ("warn", "warn"),
        Some(Outcome::BadRecipient | Outcome::Misconfigured) => ("bad", "warn"),
    };
    let mut note = Html::text(t.outcome(attempt.outcome));
    if let Some(error) = &attempt.error {
        note = note.and(Html::text(" ")).and(id(error));
    }
    if let Some(finished) = attempt.finished_at {
        let ms = i64::try_from(finished.since(attempt.started_at).as_millis()).unwrap_or(i64::MAX);
        note = note.and(Html::text(&format!(" · {}", fill(t.timeline.attempt_took, &[("ms", &t.number(ms))]))));
    }
    if let Some(given) = &attempt.provider_message_id {
        note = note.and(Html::text(&format!(" · {}: ", t.timeline.provider_id))).and(id(given));
    }
    let title = label_with_id(t.timeline.attempt, "provider", &attempt.provider);
    let title = title.and(Html::text(&format!(" · {}", t.channel(attempt.channel))));
    Step { tone, icon, title, at: attempt.finished_at.unwrap_or(attempt.started_at), note }
}
