//! The form for a new user.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::domain::user::{Permission, Role, UserName};
use crate::error::{Kind, Result};
use crate::http::body::Body;
use crate::http::console::context::{Context, Visitor};
use crate::http::console::drafts::kept;
use crate::http::console::form::Form;
use crate::http::console::shell::{Place, Shell, render};
use crate::http::console::token_form::{sent_twice, shown_once};
use crate::http::console::user::{PermissionChoice, RoleChoice, permission_choices, role_choices, ticked};

#[derive(Template)]
#[template(path = "user_new.html")]
struct NewUserPage {
    shell: Shell,
    name: String,
    error: Option<&'static str>,
    errors_title: String,
    roles: Vec<RoleChoice>,
    permissions: Vec<PermissionChoice>,
    /// Whether the fields come from a form that was sent after the end of the session.
    is_restored: bool,
}

impl NewUserPage {
    fn new(context: &Context, form: &Form) -> Self {
        let t = context.t;
        Self {
            shell: Shell::new(context, t.user.new, Some(Place::Users)),
            name: form.text("name").to_owned(),
            error: None,
            errors_title: t.count(1, t.form.errors_one, t.form.errors),
            roles: role_choices(context, role(form)),
            permissions: permission_choices(context, &ticked(form)),
            is_restored: false,
        }
    }
}

fn role(form: &Form) -> Role {
    form.text("role").parse().unwrap_or(Role::Staff)
}

/// Shows the form.
pub(super) async fn show(request: HttpRequest, visitor: Visitor) -> Result<HttpResponse> {
    let kept = kept(&visitor, &request).await?;
    let page = NewUserPage { is_restored: kept.is_some(), ..NewUserPage::new(&visitor, &kept.unwrap_or_default()) };
    render(StatusCode::OK, &page)
}

/// Adds a user and shows its first token.
pub(super) async fn add(visitor: Visitor, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let t = visitor.t;
    let Ok(name) = form.text("name").parse::<UserName>() else {
        return refuse(&visitor, &form, if form.text("name").is_empty() { t.form.missing } else { t.form.bad_user });
    };
    let permissions: Vec<Permission> = ticked(&form);
    let added = visitor
        .service()
        .add_user(visitor.caller()?, name.clone(), role(&form), permissions, form.sent_in(&visitor)?)
        .await;
    match added {
        Ok(token) => shown_once(&visitor, &name, &token, true),
        Err(error) if error.kind() == Kind::Conflict => Ok(sent_twice(&name)),
        Err(error) if error.kind() == Kind::Invalid => refuse(&visitor, &form, t.user.exists),
        Err(error) => Err(error),
    }
}

/// 422: the form with an error of the name.
fn refuse(context: &Context, form: &Form, error: &'static str) -> Result<HttpResponse> {
    let page = NewUserPage { error: Some(error), ..NewUserPage::new(context, form) };
    render(StatusCode::UNPROCESSABLE_ENTITY, &page)
}
