//! Changes of users that are asked about before they are made.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::domain::token::TokenName;
use crate::domain::token_details::TokenRecord;
use crate::domain::user::{Role, UserName};
use crate::error::{Error, Kind, Result};
use crate::http::body::Body;
use crate::http::console::context::Visitor;
use crate::http::console::form::Form;
use crate::http::console::html::{Html, label_with_id};
use crate::http::console::shell::{Place, Shell, render};
use crate::http::console::texts::placeholders::fill;
use crate::http::console::user::{after, name_of, path, refused, to};
use crate::http::query::Parameters;
use crate::service::accounts::details::UserDetails;

#[derive(Template)]
#[template(path = "user_question.html")]
struct QuestionPage {
    shell: Shell,
    name: String,
    heading: Html,
    notes: Vec<&'static str>,
    /// The last part of the path of the action.
    action: &'static str,
    fields: Vec<(&'static str, String)>,
    button: &'static str,
}

/// A question about `about`, which the label names in the placeholder `placeholder`.
fn question(visitor: &Visitor, name: &UserName, label: &str, (placeholder, about): (&str, &str)) -> QuestionPage {
    QuestionPage {
        shell: Shell::new(visitor, fill(label, &[(placeholder, &about)]), Some(Place::Users)),
        name: name.as_str().to_owned(),
        heading: label_with_id(label, placeholder, about),
        notes: Vec::new(),
        action: "",
        fields: Vec::new(),
        button: "",
    }
}

fn is_own(visitor: &Visitor, details: &UserDetails) -> Result<bool> {
    Ok(details.user.id == visitor.caller()?.user_id)
}

/// Asks whether to disable a user.
pub(super) async fn ask_disable(visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let details = visitor.service().find_user(name_of(&path)?).await?;
    if details.is_last_admin {
        return refused(&visitor, details).await;
    }
    let (t, name) = (&visitor.t.user, &details.user.name);
    let own = is_own(&visitor, &details)?.then_some(t.own_disable);
    let page = QuestionPage {
        notes: own.into_iter().chain([t.disable_note]).collect(),
        action: "disable",
        button: t.disable,
        ..question(&visitor, name, t.disable_q, ("user", name.as_str()))
    };
    render(StatusCode::OK, &page)
}

/// Disables a user.
pub(super) async fn disable(visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let name = visitor.service().find_user(name_of(&path)?).await?.user.name;
    let outcome = visitor.service().accounts(visitor.caller()?).disable_unless_last_admin(name.clone()).await;
    after(&visitor, name.clone(), outcome, |_| to(&self::path(&name), "user_disabled", name.as_str())).await
}

/// Asks whether to remove a user.
pub(super) async fn ask_remove(visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let details = visitor.service().find_user(name_of(&path)?).await?;
    if details.is_last_admin {
        return refused(&visitor, details).await;
    }
    let (t, name) = (&visitor.t.user, &details.user.name);
    let own = is_own(&visitor, &details)?.then_some(t.own_remove);
    let page = QuestionPage {
        notes: own.into_iter().chain([t.remove_note]).collect(),
        action: "remove",
        button: t.remove,
        ..question(&visitor, name, t.remove_q, ("user", name.as_str()))
    };
    render(StatusCode::OK, &page)
}

/// Removes a user.
pub(super) async fn remove(visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let name = visitor.service().find_user(name_of(&path)?).await?.user.name;
    let outcome = visitor.service().accounts(visitor.caller()?).remove(name.clone()).await;
    after(&visitor, name.clone(), outcome, |()| to("/console/users", "user_removed", name.as_str())).await
}

/// The token of a user that a form names by its prefix.
///
/// # Errors
/// `NotFound` if the user has no such token.
async fn token_of(visitor: &Visitor, path: &str, prefix: &str) -> Result<TokenRecord> {
    let tokens = visitor.service().find_user(name_of(path)?).await?.tokens;
    let missing = || Error::new(Kind::NotFound, "There is no such token.");
    tokens.into_iter().find(|token| token.prefix == prefix).ok_or_else(missing)
}

/// Asks whether to revoke a token.
pub(super) async fn ask_revoke(
    request: HttpRequest,
    visitor: Visitor,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    let parameters = Parameters::new(request.query_string());
    let token = token_of(&visitor, &path, parameters.text("prefix").unwrap_or_default()).await?;
    let (t, origin) = (&visitor.t.token, &visitor.caller()?.origin);
    let is_own = origin.name == token.owner.as_str() && origin.token_prefix.as_ref() == Some(&token.prefix);
    let page = QuestionPage {
        notes: is_own.then_some(t.revoke_own).into_iter().chain([t.revoke_note]).collect(),
        action: "revoke",
        button: t.revoke,
        fields: vec![("prefix", token.prefix.clone())],
        ..question(&visitor, &token.owner, t.revoke_q, ("prefix", &token.prefix))
    };
    render(StatusCode::OK, &page)
}

/// Revokes a token.
pub(super) async fn revoke(visitor: Visitor, path: web::Path<String>, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let token = token_of(&visitor, &path, form.text("prefix")).await?;
    let accounts = visitor.service().accounts(visitor.caller()?);
    accounts.revoke_token(TokenName::Prefix(token.prefix.clone())).await?;
    Ok(to(&self::path(&token.owner), "token_revoked", &token.prefix))
}

/// Saves the role. An admin is asked before it gives up its own role.
pub(super) async fn save_role(visitor: Visitor, of: web::Path<String>, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let details = visitor.service().find_user(name_of(&of)?).await?;
    let (caller, name) = (visitor.caller()?, details.user.name.clone());
    let role: Role = form.text("role").parse().map_err(|refusal: &'static str| Error::new(Kind::Invalid, refusal))?;
    let is_own_loss = details.user.id == caller.user_id && role != Role::Admin;
    if is_own_loss && !details.is_last_admin && form.text("confirmed").is_empty() {
        return ask_role(&visitor, &name, role);
    }
    let outcome = visitor.service().accounts(caller).set_role(name.clone(), role).await;
    let page = if is_own_loss { "/console/account".to_owned() } else { path(&name) };
    after(&visitor, name.clone(), outcome, |_| to(&page, "role_saved", name.as_str())).await
}

/// Asks an admin whether to give up its own role.
fn ask_role(visitor: &Visitor, name: &UserName, role: Role) -> Result<HttpResponse> {
    let t = &visitor.t.user;
    let mut page = QuestionPage {
        notes: vec![t.own_role],
        action: "role",
        button: t.save_role,
        fields: vec![("role", role.as_str().to_owned()), ("confirmed", "1".to_owned())],
        ..question(visitor, name, t.role_q, ("user", name.as_str()))
    };
    page.shell.location = path(name);
    render(StatusCode::OK, &page)
}
