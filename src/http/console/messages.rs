//! The list of messages.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::domain::attempt::Outcome;
use crate::domain::message_list::{ListedMessage, MessageFilter, MessagePage, MessageQuery};
use crate::domain::outbox::MessageState;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::http::console::context::{Context, Visitor};
use crate::http::console::lists::{Chip, Filters, ROWS, SelectOption, TypedDays};
use crate::http::console::shell::{Place, Shell, render};
use crate::http::query::Parameters;

const PATH: &str = "/console/messages";

/// A message as a row of the list.
struct Row {
    recipient: Option<Recipient>,
    code: i64,
    state: MessageState,
    state_label: &'static str,
    /// Why it was not sent, or not yet.
    reason: Option<&'static str>,
    error: Option<String>,
    channel: &'static str,
    provider: Option<String>,
    requested_at: Timestamp,
}

impl Row {
    fn new(message: ListedMessage, context: &Context) -> Self {
        let t = context.t;
        let attempt = message.last_attempt.as_ref();
        let outcome = attempt.and_then(|attempt| attempt.outcome).filter(|outcome| *outcome != Outcome::Sent);
        let reason = match message.state {
            MessageState::Cancelled => Some(t.msg.cancelled_reason),
            MessageState::Queued if attempt.is_none() => Some(t.msg.no_attempt),
            _ => outcome.map(|outcome| t.outcome(Some(outcome))),
        };
        Self {
            code: message.otp_id.value(),
            state: message.state,
            state_label: t.message_state(message.state),
            reason,
            error: attempt
                .filter(|_| message.state != MessageState::Cancelled)
                .and_then(|attempt| attempt.error.clone()),
            channel: t.channel(message.channel),
            provider: message.last_attempt.map(|attempt| attempt.provider),
            requested_at: message.created_at,
            recipient: message.recipient,
        }
    }
}

#[derive(Template)]
#[template(path = "messages.html")]
struct MessagesPage {
    shell: Shell,
    states: Vec<SelectOption>,
    providers: Vec<SelectOption>,
    days: TypedDays,
    recent_days: Vec<(&'static str, String)>,
    chips: Vec<Chip>,
    clear: String,
    rows: Vec<Row>,
    /// The number of messages, if they are all on this page.
    count: Option<String>,
    first: Option<String>,
    older: Option<String>,
    is_filtered: bool,
}

/// The filters of a request.
struct Request {
    state: Option<MessageState>,
    provider: Option<String>,
    days: TypedDays,
    before: Option<i64>,
    filters: Filters,
}

impl Request {
    fn read(context: &Context, parameters: &Parameters) -> Self {
        let state: Option<MessageState> = parameters.text("state").and_then(|text| text.parse().ok());
        let provider = parameters.text("provider").map(ToOwned::to_owned);
        let days = TypedDays::read(parameters, context.t);
        let values = vec![
            ("state", state.map_or("", MessageState::as_str).to_owned()),
            ("provider", provider.clone().unwrap_or_default()),
            ("from", days.from.text.clone()),
            ("to", days.to.text.clone()),
        ];
        let before = parameters.text("before").and_then(|id| id.parse().ok());
        Self { state, provider, days, before, filters: Filters::new(PATH, values) }
    }

    fn filter(&self, context: &Context) -> MessageFilter {
        let created = self.days.period(context.zone);
        MessageFilter { state: self.state, provider: self.provider.clone(), created }
    }

    fn chips(&self, context: &Context) -> Vec<Chip> {
        let t = context.t;
        let chip = |title: &str, value: &str, name| Chip {
            label: format!("{title}: {value}"),
            link: self.filters.without(&[name]),
        };
        let state = self.state.map(|state| chip(t.filter.state, t.message_state(state), "state"));
        let provider = self.provider.as_ref().map(|name| chip(t.filter.provider, name, "provider"));
        state.into_iter().chain(provider).chain(self.days.chips(&self.filters, t)).collect()
    }

    /// The choices of the state.
    fn states(&self, context: &Context) -> Vec<SelectOption> {
        let option = |state: &MessageState| SelectOption {
            value: state.as_str().to_owned(),
            label: context.t.message_state(*state).to_owned(),
            is_current: self.state == Some(*state),
        };
        MessageState::ALL.iter().map(option).collect()
    }

    /// The configured providers, and the one of the request, which may have been removed since.
    fn providers(&self, configured: &[&str]) -> Vec<SelectOption> {
        let removed = self.provider.as_deref().filter(|name| !configured.contains(name));
        let option = |name: &str| SelectOption {
            value: name.to_owned(),
            label: name.to_owned(),
            is_current: self.provider.as_deref() == Some(name),
        };
        configured.iter().copied().chain(removed).map(option).collect()
    }
}

/// Shows a page of the list.
pub(super) async fn list(request: HttpRequest, visitor: Visitor) -> Result<HttpResponse> {
    let asked = Request::read(&visitor, &Parameters::new(request.query_string()));
    let query = MessageQuery { filter: asked.filter(&visitor), before: asked.before, limit: ROWS };
    let is_filtered = asked.before.is_some() || query.filter != MessageFilter::default();
    let page = visitor.service().list_messages(visitor.caller()?, query).await?;
    render(StatusCode::OK, &view(&visitor, asked, page, is_filtered))
}

fn view(visitor: &Visitor, asked: Request, page: MessagePage, is_filtered: bool) -> MessagesPage {
    let t = visitor.t;
    let shell = Shell::new(visitor, t.msg.title, Some(Place::Messages));
    let is_whole = asked.before.is_none() && !page.has_more;
    let count = i64::try_from(page.messages.len()).unwrap_or(i64::MAX);
    let last = page.messages.last().filter(|_| page.has_more);
    MessagesPage {
        states: asked.states(visitor),
        providers: asked.providers(&visitor.service().provider_names()),
        recent_days: asked.filters.recent_days(shell.today(), t),
        chips: asked.chips(visitor),
        clear: PATH.to_owned(),
        count: is_whole.then(|| t.count(count, t.msg.count_one, t.msg.count)),
        first: asked.before.map(|_| asked.filters.without(&[])),
        older: last.map(|message| asked.filters.with("before", &message.id.to_string())),
        rows: page.messages.into_iter().map(|message| Row::new(message, visitor)).collect(),
        days: asked.days,
        is_filtered,
        shell,
    }
}
