//! The list of users.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::domain::timestamp::Timestamp;
use crate::domain::user::Role;
use crate::error::Result;
use crate::http::console::context::{Context, Visitor};
use crate::http::console::flash;
use crate::http::console::shell::{Place, Shell, render};
use crate::http::query::Parameters;
use crate::service::accounts::details::UserDetails;

struct Row {
    name: String,
    is_own: bool,
    role: Badge,
    state: Badge,
    permissions: String,
    tokens: String,
    last_used: Option<Timestamp>,
}

/// The look and the text of a badge.
pub(super) struct Badge {
    pub(super) class: &'static str,
    pub(super) label: &'static str,
}

impl Badge {
    pub(super) fn role(context: &Context, role: Role) -> Self {
        let class = match role {
            Role::Admin => "admin",
            Role::Staff => "staff",
            Role::User => "tone-idle",
        };
        Self { class, label: context.t.role(role) }
    }

    pub(super) fn state(context: &Context, is_active: bool) -> Self {
        let t = &context.t.user;
        if is_active {
            Self { class: "active", label: t.active }
        } else {
            Self { class: "disabled", label: t.disabled }
        }
    }
}

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    shell: Shell,
    rows: Vec<Row>,
    count: String,
}

/// Shows all users.
pub(super) async fn list(request: HttpRequest, visitor: Visitor) -> Result<HttpResponse> {
    let (t, own) = (visitor.t, &visitor.caller()?.origin.name);
    let users = visitor.service().list_users().await?;
    let flash = flash::of(&visitor, &Parameters::new(request.query_string()));
    let count = i64::try_from(users.len()).unwrap_or(i64::MAX);
    let page = UsersPage {
        shell: Shell::new(&visitor, t.user.title, Some(Place::Users)).with_flash(flash),
        rows: users.iter().map(|details| row(&visitor, details, own)).collect(),
        count: t.count(count, t.user.count_one, t.user.count),
    };
    render(StatusCode::OK, &page)
}

fn row(context: &Context, details: &UserDetails, own: &str) -> Row {
    let (t, user) = (context.t, &details.user);
    Row {
        name: user.name.as_str().to_owned(),
        is_own: user.name.as_str() == own,
        role: Badge::role(context, user.role),
        state: Badge::state(context, user.is_active),
        permissions: permissions(context, details),
        tokens: t.number(i64::try_from(details.tokens.len()).unwrap_or(i64::MAX)),
        last_used: details.tokens.iter().filter_map(|token| token.last_used_at).max(),
    }
}

/// What the user may do, in words.
fn permissions(context: &Context, details: &UserDetails) -> String {
    let t = context.t;
    match details.user.role {
        Role::Admin => t.user.all_permissions.to_owned(),
        Role::Staff if !details.permissions.is_empty() => {
            let labels: Vec<&str> = details.permissions.iter().map(|permission| t.permission(*permission)).collect();
            labels.join(&format!("{} ", t.form.list_separator))
        }
        Role::Staff | Role::User => t.user.no_permissions.to_owned(),
    }
}
