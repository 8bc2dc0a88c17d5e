//! The page of the audit trail.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::domain::audit::{Action, AuditEvent, AuditFilter};
use crate::domain::audit_list::{AuditListQuery, AuditPage};
use crate::error::Result;
use crate::http::body::Body;
use crate::http::console::audit_filter::{CSV_PATH, PATH, Request};
use crate::http::console::audit_row::Row;
use crate::http::console::context::{Context, Visitor};
use crate::http::console::drafts;
use crate::http::console::form::Form;
use crate::http::console::lists::{Chip, Filters, ROWS, TypedDays, key_text, start};
use crate::http::console::shell::redirect;
use crate::http::console::shell::{Place, Shell, render};
use crate::http::console::texts::placeholders::fill;
use crate::http::query::Parameters;

/// A choice of the filter by action.
struct Choice {
    value: &'static str,
    label: &'static str,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditListPage<'a> {
    shell: Shell,
    search: String,
    search_is_lost: bool,
    search_is_bad: bool,
    actor: String,
    code: String,
    code_is_bad: bool,
    actions: Vec<Choice>,
    days: TypedDays,
    /// The filters that the form for a recipient, and the form for the others, keep.
    kept_by_search: Vec<(&'static str, String)>,
    kept_by_filters: Vec<(&'static str, String)>,
    chips: Vec<Chip>,
    clear: String,
    rows: Vec<Row<'a>>,
    count: String,
    export: String,
    export_limit: Option<String>,
    newer: Option<String>,
    older: Option<String>,
    is_filtered: bool,
}

/// Shows a page of the list.
pub(super) async fn list(request: HttpRequest, visitor: Visitor) -> Result<HttpResponse> {
    let parameters = Parameters::new(request.query_string());
    let asked = Request::read(&visitor, &parameters).await?;
    let filter = asked.filter(&visitor);
    let is_filtered = filter != AuditFilter::default();
    let query = AuditListQuery { filter, start: start(&parameters), limit: ROWS };
    let page = visitor.service().audit_page(visitor.caller()?, query).await?;
    render(StatusCode::OK, &view(&visitor, asked, &page, is_filtered))
}

fn view<'a>(context: &'a Context, asked: Request, page: &'a AuditPage, is_filtered: bool) -> AuditListPage<'a> {
    let t = context.t;
    let link = |name, event: Option<&AuditEvent>| event.map(|event| asked.filters.with(name, &key_text(event.key())));
    let choice = |action: Option<Action>| Choice {
        value: action.map_or("", Action::as_str),
        label: action.map_or(t.filter.any, |action| t.action(action.as_str())),
        is_current: action == asked.action,
    };
    let is_cut = page.count > AuditPage::COUNTED;
    AuditListPage {
        shell: Shell::new(context, t.audit.title, Some(Place::Audit)),
        search_is_lost: asked.search_is_lost,
        search_is_bad: asked.search_is_bad(),
        code_is_bad: asked.code_is_bad(),
        actions: std::iter::once(None).chain(Action::ALL.iter().copied().map(Some)).map(choice).collect(),
        kept_by_search: asked.filters.kept(&["s"]),
        kept_by_filters: asked.filters.kept(&["actor", "action", "code", "from", "to"]),
        chips: asked.chips(context),
        clear: PATH.to_owned(),
        rows: page.events.iter().map(|event| Row::new(context, event)).collect(),
        count: t.count_up_to(AuditPage::COUNTED, page.count, [t.audit.count_one, t.audit.count, t.audit.count_over]),
        export: asked.filters.on(CSV_PATH),
        export_limit: is_cut.then(|| fill(t.audit.export_limit, &[("n", &t.number(AuditPage::COUNTED))])),
        newer: link("before", page.events.first().filter(|_| page.has_before)),
        older: link("after", page.events.last().filter(|_| page.has_after)),
        is_filtered,
        search: asked.search,
        actor: asked.actor,
        code: asked.code,
        days: asked.days,
    }
}

/// Keeps a recipient with the session and shows its events.
pub(super) async fn search(visitor: Visitor, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let n = drafts::keep_search(&visitor, &form).await?;
    let filters = ["actor", "action", "code", "from", "to"].map(|name| (name, form.text(name).to_owned()));
    let location = Filters::new(PATH, filters.into()).with("s", &n);
    Ok(redirect(&location).finish())
}
