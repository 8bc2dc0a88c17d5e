//! One user: role, permissions, tokens and sessions.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use form_urlencoded::Serializer;

use crate::domain::timestamp::Timestamp;
use crate::domain::token_details::{TokenRecord, is_expired};
use crate::domain::user::{Permission, Role, UserName};
use crate::error::{Error, Kind, Result};
use crate::http::body::Body;
use crate::http::console::context::{Context, Visitor};
use crate::http::console::drafts::kept;
use crate::http::console::flash;
use crate::http::console::form::Form;
use crate::http::console::session_rows::SessionRow;
use crate::http::console::shell::redirect;
use crate::http::console::shell::{Place, Shell, render};
use crate::http::console::users::Badge;
use crate::http::query::Parameters;
use crate::service::accounts::details::UserDetails;

/// A choice of the role.
pub(super) struct RoleChoice {
    pub(super) role: Role,
    pub(super) label: &'static str,
    pub(super) note: &'static str,
    pub(super) is_chosen: bool,
}

/// A permission to tick.
pub(super) struct PermissionChoice {
    pub(super) code: u16,
    pub(super) label: &'static str,
    pub(super) is_chosen: bool,
}

struct TokenRow {
    prefix: String,
    name: Option<String>,
    created: Timestamp,
    last_used: Option<Timestamp>,
    expires: Option<Timestamp>,
    is_expired: bool,
}

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage {
    shell: Shell,
    name: String,
    is_own: bool,
    role: Badge,
    state: Badge,
    is_admin: bool,
    is_active: bool,
    is_last_admin: bool,
    /// Whether a change was refused because the user is the last active admin.
    is_refused: bool,
    /// Whether the fields come from a form that was sent after the end of the session.
    is_restored: bool,
    roles: Vec<RoleChoice>,
    permissions: Vec<PermissionChoice>,
    tokens: Vec<TokenRow>,
    sessions: Vec<SessionRow>,
}

pub(super) fn role_choices(context: &Context, chosen: Role) -> Vec<RoleChoice> {
    let t = &context.t.user;
    let notes = [(Role::Staff, t.staff_note), (Role::Admin, t.admin_note), (Role::User, t.plain_note)];
    let choice = |(role, note)| RoleChoice { role, label: context.t.role(role), note, is_chosen: role == chosen };
    notes.map(choice).into()
}

pub(super) fn permission_choices(context: &Context, chosen: &[Permission]) -> Vec<PermissionChoice> {
    let choice = |permission: &Permission| PermissionChoice {
        code: permission.code(),
        label: context.t.permission(*permission),
        is_chosen: chosen.contains(permission),
    };
    Permission::ALL.iter().map(choice).collect()
}

/// The permissions that are ticked in a form.
pub(super) fn ticked(form: &Form) -> Vec<Permission> {
    form.all("permission").filter_map(|code| code.parse().ok()).collect()
}

/// The name of a user in a path.
///
/// # Errors
/// `NotFound` if it is not a name.
pub(super) fn name_of(path: &str) -> Result<UserName> {
    path.parse().map_err(|_| Error::new(Kind::NotFound, "There is no such user."))
}

impl UserPage {
    async fn new(visitor: &Visitor, details: UserDetails, form: Option<&Form>) -> Result<Self> {
        let UserDetails { user, permissions, tokens, is_last_admin } = details;
        let (visit, name) = (visitor.visit()?, user.name.as_str().to_owned());
        let sessions = visitor.service().list_sessions(user.id).await?;
        let part = form.map_or("", |form| form.text("part"));
        let role = form.filter(|_| part == "role").and_then(|form| form.text("role").parse().ok());
        let permissions = form.filter(|_| part == "permissions").map_or(permissions, ticked);
        let mut shell = Shell::new(visitor, name.clone(), Some(Place::Users));
        shell.location = path(&user.name);
        Ok(Self {
            shell,
            is_own: user.id == visit.caller.user_id,
            role: Badge::role(visitor, user.role),
            state: Badge::state(visitor, user.is_active),
            is_admin: user.role == Role::Admin,
            is_active: user.is_active,
            is_last_admin,
            is_refused: false,
            is_restored: !part.is_empty(),
            roles: role_choices(visitor, role.unwrap_or(user.role)),
            permissions: permission_choices(visitor, &permissions),
            tokens: tokens.into_iter().map(|token| TokenRow::new(token, visitor.now)).collect(),
            sessions: sessions.into_iter().map(|session| SessionRow::new(session, visit.session_id)).collect(),
            name,
        })
    }
}

impl TokenRow {
    fn new(token: TokenRecord, now: Timestamp) -> Self {
        Self {
            prefix: token.prefix,
            name: token.details.name.map(|name| name.as_str().to_owned()),
            created: token.created_at,
            last_used: token.last_used_at,
            is_expired: is_expired(token.details.expires_at, now),
            expires: token.details.expires_at,
        }
    }
}

/// The path of the page of a user. A name has only characters that stand in a path as they are.
pub(super) fn path(name: &UserName) -> String {
    format!("/console/users/{name}")
}

/// The redirect to a page after an action.
pub(super) fn to(path: &str, done: &str, about: &str) -> HttpResponse {
    let query = Serializer::new(String::new()).append_pair("done", done).append_pair("id", about).finish();
    redirect(&format!("{path}?{query}")).finish()
}

/// The redirect to the user after a change. 409 with the page if the user is the last active admin.
pub(super) async fn after<T>(
    visitor: &Visitor,
    name: UserName,
    outcome: Result<T>,
    redirect: impl FnOnce(T) -> HttpResponse,
) -> Result<HttpResponse> {
    match outcome {
        Ok(value) => Ok(redirect(value)),
        Err(error) if error.kind() == Kind::Invalid => {
            let details = visitor.service().find_user(name).await?;
            if details.is_last_admin { refused(visitor, details).await } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

/// 409: the user is the last active admin.
pub(super) async fn refused(visitor: &Visitor, details: UserDetails) -> Result<HttpResponse> {
    let page = UserPage { is_refused: true, ..UserPage::new(visitor, details, None).await? };
    render(StatusCode::CONFLICT, &page)
}

/// Shows a user.
pub(super) async fn show(request: HttpRequest, visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let details = visitor.service().find_user(name_of(&path)?).await?;
    let kept = kept(&visitor, &request).await?;
    let mut page = UserPage::new(&visitor, details, kept.as_ref()).await?;
    page.shell.flash = flash::of(&visitor, &Parameters::new(request.query_string()));
    render(StatusCode::OK, &page)
}

/// Saves the permissions.
pub(super) async fn save_permissions(visitor: Visitor, path: web::Path<String>, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let name = visitor.service().find_user(name_of(&path)?).await?.user.name;
    let accounts = visitor.service().accounts(visitor.caller()?);
    accounts.set_permissions(name.clone(), ticked(&form)).await?;
    Ok(to(&self::path(&name), "permissions_saved", name.as_str()))
}

/// Enables a user.
pub(super) async fn enable(visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let name = visitor.service().find_user(name_of(&path)?).await?.user.name;
    visitor.service().accounts(visitor.caller()?).set_active(name.clone(), true).await?;
    Ok(to(&self::path(&name), "user_enabled", name.as_str()))
}

/// Ends all sessions of a user.
pub(super) async fn end_sessions(visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let name = name_of(&path)?;
    let ended = visitor.service().end_sessions_of(visitor.caller()?, name.clone()).await?;
    Ok(to(&self::path(&name), "sessions_ended", &ended.to_string()))
}
