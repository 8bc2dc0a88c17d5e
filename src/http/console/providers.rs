//! The configured providers: their state, their figures and a check of their accounts.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::domain::message::Channel;
use crate::domain::provider_state::{Health, ProviderState};
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::http::body::Body;
use crate::http::console::context::{Context, Visitor};
use crate::http::console::form::Form;
use crate::http::console::html::{Html, label_with_id};
use crate::http::console::shell::{Place, Shell, render};
use crate::http::console::texts::Texts;
use crate::http::console::texts::placeholders::fill;

const PATH: &str = "/console/providers";
/// A lower success rate, in percent, is marked.
const LOW: u64 = 80;

/// The last error of a provider.
struct LastError {
    /// In otpd's words, in English.
    text: Option<String>,
    reason: &'static str,
    at: Timestamp,
}

/// The answer of a provider to a check.
struct Answer {
    is_good: bool,
    text: String,
}

/// The share of the attempts that a provider accepted.
struct Success {
    percent: u64,
    label: String,
    attempts: String,
    is_low: bool,
    /// The start of the bar of the meter, which grows in the direction of reading.
    x: u64,
}

/// A provider as a row of the table.
struct Row {
    channel: Channel,
    channel_label: &'static str,
    index: usize,
    position: String,
    name: String,
    type_name: &'static str,
    badge: &'static str,
    health: &'static str,
    /// How long it still rests.
    left: Option<String>,
    success: Option<Success>,
    /// The share of the reported messages that arrived. `None`: nothing was reported.
    delivered: Option<String>,
    /// The times within which half, and 95 of 100 attempts, were answered.
    latency: Option<(String, String)>,
    last_error: Option<LastError>,
    answer: Option<Answer>,
}

impl Row {
    fn new(context: &Context, state: ProviderState) -> Self {
        let t = context.t;
        let percentile = |of| state.figures.seconds.percentile(of).and_then(|seconds| milliseconds(t, seconds));
        let (badge, health) = t.provider_state(&state);
        let rests_until = match state.health {
            Health::Resting(until) => Some(until),
            Health::Sound | Health::OnTrial => None,
        };
        Self {
            channel: state.channel,
            channel_label: t.channel(state.channel),
            index: state.index,
            position: t.number(i64::try_from(state.index + 1).unwrap_or(i64::MAX)),
            type_name: state.type_name,
            badge,
            health,
            left: rests_until.map(|until| t.left(until.seconds_after(context.now))),
            success: success(t, state.figures.accepted, state.figures.attempts),
            delivered: state
                .figures
                .delivery_rate()
                .map(|share| fill(t.provider.delivered, &[("share", &t.percent(Some(share)))])),
            latency: percentile(0.5).zip(percentile(0.95)),
            last_error: state.last_failed.map(|attempt| LastError {
                text: attempt.error,
                reason: t.outcome(attempt.outcome),
                at: attempt.finished_at.unwrap_or(attempt.started_at),
            }),
            answer: None,
            name: state.name,
        }
    }
}

fn success(t: &Texts, accepted: u64, attempts: u64) -> Option<Success> {
    let percent = (accepted * 100).checked_div(attempts)?;
    let number = |n| i64::try_from(n).unwrap_or(i64::MAX);
    Some(Success {
        percent,
        label: fill(t.chart.percent, &[("n", &t.number(number(percent)))]),
        attempts: t.count(number(attempts), t.msg.attempts_one, t.msg.attempts_count),
        is_low: percent < LOW,
        x: if t.dir() == "rtl" { 100_u64.saturating_sub(percent) } else { 0 },
    })
}

fn milliseconds(t: &Texts, seconds: f64) -> Option<String> {
    let ms = Duration::try_from_secs_f64(seconds).ok()?.as_millis();
    Some(fill(t.provider.milliseconds, &[("ms", &t.number(i64::try_from(ms).unwrap_or(i64::MAX)))]))
}

#[derive(Template)]
#[template(path = "providers.html")]
struct ProvidersPage {
    shell: Shell,
    /// The message about a check, and the answer of the provider.
    checked: Option<(Html, Answer)>,
    rows: Vec<Row>,
}

impl ProvidersPage {
    async fn read(visitor: &Visitor) -> Result<Self> {
        let states = visitor.service().providers().await?;
        Ok(Self {
            shell: Shell::new(visitor, visitor.t.provider.title, Some(Place::Providers)),
            checked: None,
            rows: states.into_iter().map(|state| Row::new(visitor, state)).collect(),
        })
    }
}

/// Shows the providers.
pub(super) async fn list(visitor: Visitor) -> Result<HttpResponse> {
    render(StatusCode::OK, &ProvidersPage::read(&visitor).await?)
}

/// Checks the account of a provider and shows its answer. Nothing changes, so there is no redirect.
pub(super) async fn check(visitor: Visitor, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let unknown = || Error::new(Kind::NotFound, "Not found.");
    let channel: Channel = form.text("channel").parse().map_err(|_| unknown())?;
    let index: usize = form.text("index").parse().map_err(|_| unknown())?;
    let outcome = visitor.service().check_provider(channel, index).await?;
    let mut page = ProvidersPage::read(&visitor).await?;
    PATH.clone_into(&mut page.shell.location);
    let (is_good, text) = match outcome {
        Ok(text) => (true, text),
        Err(text) => (false, text),
    };
    for row in page.rows.iter_mut().filter(|row| row.channel == channel && row.index == index) {
        let title = label_with_id(visitor.t.flash.checked, "provider", &row.name);
        page.checked = Some((title, Answer { is_good, text: text.clone() }));
        row.answer = Some(Answer { is_good, text: text.clone() });
    }
    render(StatusCode::OK, &page)
}
