//! The list of codes.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::domain::code_list::{CodeOrder, CodePage, CodeQuery, CodeState, Search};
use crate::domain::listing::Period;
use crate::domain::otp::Otp;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::Permission;
use crate::error::Result;
use crate::http::body::Body;
use crate::http::console::context::{Context, Visitor};
use crate::http::console::drafts;
use crate::http::console::form::Form;
use crate::http::console::lists::{Chip, Filters, ROWS, TypedDays, key_text, start};
use crate::http::console::shell::redirect;
use crate::http::console::shell::{Place, Shell, render};
use crate::http::console::texts::placeholders::fill;
use crate::http::query::Parameters;

const PATH: &str = "/console/codes";
/// The orders in the menu.
const ORDERS: [CodeOrder; 5] =
    [CodeOrder::Newest, CodeOrder::Oldest, CodeOrder::ExpiringFirst, CodeOrder::ExpiringLast, CodeOrder::ChangedLast];

/// A code as a row of the list. Its digits are not part of it.
struct Row {
    id: i64,
    recipient: String,
    state: CodeState,
    state_label: &'static str,
    valid_to: Timestamp,
    left: Option<String>,
}

impl Row {
    fn new(otp: &Otp, context: &Context) -> Self {
        let state = CodeState::of(otp, context.now);
        let left = i64::try_from(otp.ttl(context.now)).unwrap_or(i64::MAX);
        let clock = clock(left);
        Self {
            id: otp.id.value(),
            recipient: otp.recipient.as_str().to_owned(),
            state,
            state_label: state_label(context, state),
            valid_to: otp.valid_to,
            left: (state == CodeState::Usable)
                .then(|| fill(context.t.codes.left_script, &[("t", &context.t.digits(&clock))])),
        }
    }
}

/// Hours, minutes and seconds, as the script shows them: `4:59` or `13:04:59`.
fn clock(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 { format!("{minutes}:{seconds:02}") } else { format!("{hours}:{minutes:02}:{seconds:02}") }
}

/// The name of a state.
pub(super) fn state_label(context: &Context, state: CodeState) -> &'static str {
    let t = &context.t.state;
    match state {
        CodeState::Usable => t.usable,
        CodeState::Expired => t.expired,
        CodeState::Used => t.used,
        CodeState::Spent => t.spent,
    }
}

/// A choice of a filter or of the order.
struct Choice {
    label: &'static str,
    link: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "codes.html")]
struct CodesPage {
    shell: Shell,
    may_create: bool,
    search: String,
    search_is_lost: bool,
    states: Vec<Choice>,
    orders: Vec<Choice>,
    days: TypedDays,
    kept_by_search: Vec<(&'static str, String)>,
    kept_by_filters: Vec<(&'static str, String)>,
    chips: Vec<Chip>,
    clear: String,
    rows: Vec<Row>,
    count: String,
    /// The newest id of an unfiltered first page, after which newer codes are counted.
    newest: Option<i64>,
    newer: Option<String>,
    older: Option<String>,
    is_filtered: bool,
}

/// The filters of a request.
struct Request {
    search: Option<(i64, String)>,
    search_is_lost: bool,
    state: Option<CodeState>,
    order: CodeOrder,
    days: TypedDays,
    filters: Filters,
}

impl Request {
    async fn read(visitor: &Visitor, parameters: &Parameters) -> Result<Self> {
        let asked: Option<i64> = parameters.text("s").and_then(|n| n.parse().ok());
        let kept = match asked {
            Some(n) => drafts::search(visitor, n).await?.map(|text| (n, text)),
            None => None,
        };
        let state = parameters.text("state").and_then(|text| text.parse().ok());
        let order: CodeOrder = parameters.text("order").and_then(|text| text.parse().ok()).unwrap_or_default();
        let days = TypedDays::read(parameters, visitor.t);
        let values = vec![
            ("s", kept.as_ref().map_or_else(String::new, |(n, _)| n.to_string())),
            ("state", state.map_or("", CodeState::as_str).to_owned()),
            ("from", days.from.text.clone()),
            ("to", days.to.text.clone()),
            ("order", if order == CodeOrder::default() { "" } else { order.as_str() }.to_owned()),
        ];
        Ok(Self {
            search_is_lost: asked.is_some() && kept.is_none(),
            search: kept,
            state,
            order,
            days,
            filters: Filters::new(PATH, values),
        })
    }

    fn chips(&self, context: &Context) -> Vec<Chip> {
        let t = context.t;
        let chip = |label: String, names: &[&str]| Chip { label, link: self.filters.without(names) };
        let mut chips = Vec::new();
        if let Some((_, text)) = &self.search {
            chips.push(chip(fill(t.codes.search_chip, &[("text", text)]), &["s"]));
        }
        if let Some(state) = self.state {
            chips.push(chip(format!("{}: {}", t.filter.state, state_label(context, state)), &["state"]));
        }
        chips.extend(self.days.chips(&self.filters, t));
        chips
    }
}

/// Shows a page of the list.
pub(super) async fn list(request: HttpRequest, visitor: Visitor) -> Result<HttpResponse> {
    let parameters = Parameters::new(request.query_string());
    let asked = Request::read(&visitor, &parameters).await?;
    let search = asked.search.as_ref().and_then(|(_, text)| Search::parse(text));
    let order = if search.is_some() && !is_by_id(asked.order) { CodeOrder::Newest } else { asked.order };
    let created = asked.days.period(visitor.zone);
    let start = start(&parameters);
    let query = CodeQuery { search, state: asked.state, created, order, start, limit: ROWS };
    let is_filtered = query.search.is_some() || query.state.is_some() || created != Period::default();
    let is_first = start == Default::default() && order == CodeOrder::Newest;
    let page = visitor.service().list_codes(visitor.caller()?, query).await?;
    let newest = page.codes.first().map(|otp| otp.id.value()).filter(|_| is_first && !is_filtered);
    let t = visitor.t;
    let link = |name, otp: Option<&Otp>| otp.map(|otp| asked.filters.with(name, &key_text(order.key(otp))));
    let state = |label, state: Option<CodeState>| Choice {
        label,
        link: asked.filters.with("state", state.map_or("", CodeState::as_str)),
        is_current: asked.state == state,
    };
    let states = CodeState::ALL.iter().map(|one| state(state_label(&visitor, *one), Some(*one)));
    let orders = ORDERS.into_iter().filter(|one| asked.search.is_none() || is_by_id(*one)).map(|one| Choice {
        label: order_label(&visitor, one),
        link: asked.filters.with("order", if one == CodeOrder::default() { "" } else { one.as_str() }),
        is_current: order == one,
    });
    let view = CodesPage {
        shell: Shell::new(&visitor, t.codes.title, Some(Place::Codes))
            .with_flash(super::flash::of(&visitor, &parameters)),
        may_create: visitor.caller()?.require(Permission::CreateOtp).is_ok(),
        search: asked.search.as_ref().map_or_else(String::new, |(_, text)| text.clone()),
        search_is_lost: asked.search_is_lost,
        states: std::iter::once(state(t.filter.any, None)).chain(states).collect(),
        orders: orders.collect(),
        kept_by_search: asked.filters.kept(&["s"]),
        kept_by_filters: asked.filters.kept(&["from", "to"]),
        chips: asked.chips(&visitor),
        clear: PATH.to_owned(),
        rows: page.codes.iter().map(|otp| Row::new(otp, &visitor)).collect(),
        count: t.count_up_to(CodePage::COUNTED, page.count, [t.codes.count_one, t.codes.count, t.codes.count_over]),
        newest,
        newer: link("before", page.codes.first().filter(|_| page.has_before)),
        older: link("after", page.codes.last().filter(|_| page.has_after)),
        is_filtered,
        days: asked.days,
    };
    render(StatusCode::OK, &view)
}

fn is_by_id(order: CodeOrder) -> bool {
    matches!(order, CodeOrder::Newest | CodeOrder::Oldest)
}

fn order_label(context: &Context, order: CodeOrder) -> &'static str {
    let t = &context.t.sort;
    match order {
        CodeOrder::Newest => t.newest,
        CodeOrder::Oldest => t.oldest,
        CodeOrder::ExpiringFirst => t.expiring_first,
        CodeOrder::ExpiringLast => t.expiring_last,
        CodeOrder::ChangedLast => t.updated_first,
    }
}

/// Keeps a search with the session and shows its result.
pub(super) async fn search(visitor: Visitor, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let n = drafts::keep_search(&visitor, &form).await?;
    let filters = ["state", "from", "to", "order"].map(|name| (name, form.text(name).to_owned()));
    let location = Filters::new(PATH, filters.into()).with("s", &n);
    Ok(redirect(&location).finish())
}

/// Answers the number of codes that are newer than `after`, at most 100.
pub(super) async fn newer(request: HttpRequest, visitor: Visitor) -> Result<HttpResponse> {
    let parameters = Parameters::new(request.query_string());
    let after = parameters.text("after").and_then(|id| id.parse().ok()).unwrap_or(i64::MAX);
    let count = visitor.service().count_newer_codes(after, 100).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(count.to_string()))
}
