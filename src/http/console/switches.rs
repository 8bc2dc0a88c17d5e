//! The switches of a browser's preferences: language, theme and shortcuts.

use actix_web::HttpResponse;

use crate::domain::message::Language;
use crate::error::Result;
use crate::http::body::Body;
use crate::http::console::form::Form;
use crate::http::console::origin::is_own_path;
use crate::http::console::preferences::{LANGUAGE, SHORTCUTS, THEME, cookie, theme};
use crate::http::console::shell::redirect;

pub(super) async fn language(body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let language: Language = form.text("language").parse().unwrap_or(Language::Fa);
    Ok(back(&form, LANGUAGE, language.as_str()))
}

pub(super) async fn switch_theme(body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    Ok(back(&form, THEME, theme(form.text("theme")).unwrap_or("auto")))
}

pub(super) async fn shortcuts(body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    Ok(back(&form, SHORTCUTS, if form.text("shortcuts") == "off" { "off" } else { "on" }))
}

/// Sets a preference and returns to the page with the switch, which the form names.
fn back(form: &Form, name: &'static str, value: &str) -> HttpResponse {
    let path = Some(form.text("back")).filter(|path| is_own_path(path)).unwrap_or("/console/");
    redirect(path).cookie(cookie(name, value)).finish()
}
