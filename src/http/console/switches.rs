//! The switches of a browser's preferences: language, theme and shortcuts.

use actix_web::http::header::{LOCATION, REFERER};
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::message::Language;
use crate::error::Result;
use crate::http::body::Body;
use crate::http::console::form::Form;
use crate::http::console::preferences::{LANGUAGE, SHORTCUTS, THEME, cookie, theme};

pub(super) async fn language(request: HttpRequest, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let language: Language = form.text("language").parse().unwrap_or(Language::Fa);
    Ok(back(&request, LANGUAGE, language.as_str()))
}

pub(super) async fn switch_theme(request: HttpRequest, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    Ok(back(&request, THEME, theme(form.text("theme")).unwrap_or("auto")))
}

pub(super) async fn shortcuts(request: HttpRequest, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    Ok(back(&request, SHORTCUTS, if form.text("shortcuts") == "off" { "off" } else { "on" }))
}

/// Sets a preference and returns to the page with the switch.
fn back(request: &HttpRequest, name: &'static str, value: &str) -> HttpResponse {
    let referer = request.headers().get(REFERER).and_then(|value| value.to_str().ok());
    let path = referer.and_then(|url| url.find("/console/").and_then(|at| url.get(at..))).unwrap_or("/console/");
    HttpResponse::SeeOther().insert_header((LOCATION, path)).cookie(cookie(name, value)).finish()
}
