//! The account of the caller: its sessions and permissions, and the switches of the pages.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::domain::user::{Permission, Role};
use crate::error::Result;
use crate::http::console::context::Visitor;
use crate::http::console::flash;
use crate::http::console::session_rows::SessionRow;
use crate::http::console::shell::redirect;
use crate::http::console::shell::{Place, Shell, render};
use crate::http::query::Parameters;

const PATH: &str = "/console/account";

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    shell: Shell,
    name: String,
    role: &'static str,
    sessions: Vec<SessionRow>,
    /// `None`: all.
    permissions: Option<Vec<(&'static str, u16)>>,
}

/// Shows the account.
pub(super) async fn show(request: HttpRequest, visitor: Visitor) -> Result<HttpResponse> {
    let (t, visit) = (visitor.t, visitor.visit()?);
    let caller = &visit.caller;
    let sessions = visitor.service().list_sessions(caller.user_id).await?;
    let held = |permission: &Permission| (t.permission(*permission), permission.code());
    let flash = flash::of(&visitor, &Parameters::new(request.query_string()));
    let page = AccountPage {
        shell: Shell::new(&visitor, t.account.title, Some(Place::Account)).with_flash(flash),
        name: caller.origin.name.clone(),
        role: t.role(caller.role),
        sessions: sessions.into_iter().map(|session| SessionRow::new(session, visit.session_id)).collect(),
        permissions: (caller.role != Role::Admin).then(|| caller.permissions.iter().map(held).collect()),
    };
    render(StatusCode::OK, &page)
}

/// Ends the other sessions of the caller.
pub(super) async fn end_others(visitor: Visitor) -> Result<HttpResponse> {
    let visit = visitor.visit()?;
    let ended = visitor.service().end_other_sessions(&visit.caller, visit.session_id).await?;
    let location = format!("{PATH}?done=sessions_ended&id={ended}");
    Ok(redirect(&location).finish())
}
