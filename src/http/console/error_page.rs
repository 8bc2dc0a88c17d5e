//! Error pages: what happened in plain words, and the id of the request.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, ResponseError};
use askama::Template;

use crate::domain::user::Permission;
use crate::error::{Error, Kind, Public, Result};
use crate::http::console::context::{Context, client_address};
use crate::http::console::html::{Html, id, label_with_id};
use crate::http::console::shell::{Shell, render};
use crate::http::console::texts::placeholders::fill;

#[derive(Template)]
#[template(path = "error_page.html")]
struct ErrorPage {
    shell: Shell,
    status: u16,
    message: Html,
    hint: Option<&'static str>,
    request_id: Option<String>,
}

/// The page for an error of a handler.
pub(super) fn error_page(context: &Context, error: &Error, is_change: bool) -> Result<HttpResponse> {
    let t = &context.t.error;
    let status = error.status_code();
    let seconds = error.retry_after().unwrap_or_default();
    let message = match error.kind() {
        Kind::NotFound | Kind::MethodNotAllowed => Html::text(t.not_found),
        Kind::PermissionDenied => Html::text(t.admins_only),
        Kind::Conflict => Html::text(t.conflict),
        Kind::BodyTooLarge => Html::text(t.too_large),
        Kind::Throttled => Html::text(&fill(t.too_many, &[("seconds", &context.t.number(seconds_of(seconds)))])),
        Kind::Unavailable if is_change => Html::text(t.unavailable),
        Kind::Unavailable => Html::text(t.unavailable_read),
        Kind::Internal => Html::text(t.internal),
        Kind::Unauthenticated
        | Kind::UnsupportedMediaType
        | Kind::BodyTooSlow
        | Kind::Invalid
        | Kind::Unprocessable => match error.public() {
            Public::Detail(_) | Public::Refusal { .. } | Public::Fields(_) => Html::text(t.bad_request),
        },
    };
    let mut response = page(context, status, message, None)?;
    if let Some(seconds) = error.retry_after() {
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

fn seconds_of(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// 403: the caller lacks a permission, or is not an admin (`None`).
pub(super) fn forbidden_page(context: &Context, missing: Option<Permission>) -> Result<HttpResponse> {
    let t = &context.t.error;
    let message = match missing {
        Some(permission) => label_with_id(t.forbidden, "code", &permission.code()),
        None => Html::text(t.admins_only),
    };
    page(context, StatusCode::FORBIDDEN, message, None)
}

/// 403: the form was sent by a page of another origin.
pub(super) fn origin_page(context: &Context, origin: &str) -> Result<HttpResponse> {
    let t = &context.t.error;
    let origin = if origin.is_empty() { t.no_origin } else { origin };
    let (before, rest) = t.origin.split_once("{origin}").unwrap_or((t.origin, ""));
    let message = Html::text(before).and(id(origin)).and(label_with_id(rest, "host", context.own.host()));
    page(context, StatusCode::FORBIDDEN, message, Some(t.origin_hint))
}

/// 403: the console is not open to the address of the client.
pub(super) fn address_page(context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
    let message = label_with_id(context.t.error.address, "address", &client_address(request));
    page(context, StatusCode::FORBIDDEN, message, None)
}

fn page(context: &Context, status: StatusCode, message: Html, hint: Option<&'static str>) -> Result<HttpResponse> {
    let shell = Shell::new(context, context.t.error.title, None);
    let request_id = context.source.request_id.clone();
    render(status, &ErrorPage { shell, status: status.as_u16(), message, hint, request_id })
}
