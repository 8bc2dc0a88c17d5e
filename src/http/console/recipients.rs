//! The recipients that are locked or paused, and the state of any recipient.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::domain::recipient_state::RecipientState;
use crate::domain::user::Permission;
use crate::error::{FieldErrors, Result};
use crate::http::body::Body;
use crate::http::console::context::Visitor;
use crate::http::console::form::Form;
use crate::http::console::recipient_state::StateView;
use crate::http::console::shell::redirect;
use crate::http::console::shell::{Place, Shell, render};
use crate::http::console::texts::Texts;
use crate::http::console::texts::placeholders::fill;
use crate::http::console::{drafts, flash};
use crate::http::query::Parameters;

const PATH: &str = "/console/recipients";

#[derive(Template)]
#[template(path = "recipients.html")]
struct RecipientsPage {
    shell: Shell,
    may_free: bool,
    search: String,
    search_is_lost: bool,
    error: Option<&'static str>,
    /// The recipient that was searched for.
    found: Option<StateView>,
    rows: Vec<StateView>,
    count: String,
    /// The note that not all recipients are shown.
    has_more: Option<String>,
}

impl RecipientsPage {
    async fn read(visitor: &Visitor, found: Option<RecipientState>) -> Result<Self> {
        let t = visitor.t;
        let list = visitor.service().list_locked().await?;
        let count = i64::try_from(list.recipients.len()).unwrap_or(i64::MAX);
        Ok(Self {
            shell: Shell::new(visitor, t.recipient.title, Some(Place::Recipients)),
            may_free: visitor.caller()?.require(Permission::UpdateOtp).is_ok(),
            search: found.as_ref().map_or_else(String::new, |state| state.recipient.as_str().to_owned()),
            search_is_lost: false,
            error: None,
            found: found.map(|state| StateView::new(visitor, &state)),
            rows: list.recipients.iter().map(|state| StateView::new(visitor, state)).collect(),
            count: t.count(count, t.recipient.count_one, t.recipient.count),
            has_more: list.has_more.then(|| fill(t.recipient.has_more, &[("n", &t.number(count))])),
        })
    }
}

/// Shows the locked and paused recipients, and the state of the recipient that was searched for.
pub(super) async fn list(request: HttpRequest, visitor: Visitor) -> Result<HttpResponse> {
    let parameters = Parameters::new(request.query_string());
    let searched = parameters.text("s");
    let recipient = match searched.and_then(|n| n.parse().ok()) {
        Some(n) => drafts::search(&visitor, n).await?,
        None => None,
    };
    let found = match recipient.and_then(|text| parse(&text, visitor.t).ok()) {
        Some(recipient) => Some(visitor.service().recipient_state(recipient).await?),
        None => None,
    };
    let mut page = RecipientsPage::read(&visitor, found).await?;
    page.search_is_lost = searched.is_some() && page.found.is_none();
    page.shell = page.shell.with_flash(flash::of(&visitor, &parameters));
    render(StatusCode::OK, &page)
}

/// Parses a recipient, or returns the message about it.
fn parse(text: &str, t: &Texts) -> Result<Recipient, &'static str> {
    if text.contains('@') {
        return EmailAddress::parse(text).map(Recipient::Email).map_err(|_| t.form.bad_email);
    }
    MobileNumber::parse(text).map(Recipient::Mobile).map_err(|_| t.form.bad_mobile)
}

/// Keeps a recipient with the session and shows its state. The recipient is not in the URL, which proxies log.
pub(super) async fn search(visitor: Visitor, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let typed = form.text("q");
    if typed.is_empty() {
        return Ok(to(PATH));
    }
    match parse(typed, visitor.t) {
        Ok(recipient) => {
            let text = recipient.as_str().to_owned();
            let n = visitor.service().keep_search(visitor.visit()?.session_id, text).await?;
            Ok(to(&format!("{PATH}?s={n}")))
        }
        Err(message) => {
            let mut page = RecipientsPage::read(&visitor, None).await?;
            page.search = typed.chars().take(EmailAddress::MAX_CHARS).collect();
            page.error = Some(message);
            PATH.clone_into(&mut page.shell.location);
            render(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

/// Resets the failures and the limits of a recipient.
pub(super) async fn free(visitor: Visitor, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let recipient = parse(form.text("recipient"), visitor.t);
    let recipient = recipient.map_err(|message| FieldErrors::one("recipient", message))?;
    visitor.service().reset_recipient(visitor.caller()?, recipient).await?;
    Ok(to(&format!("{PATH}?done=freed")))
}

fn to(location: &str) -> HttpResponse {
    redirect(location).finish()
}
