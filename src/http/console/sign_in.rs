//! Sign-in with a user name and a token, or with a link that works once.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use form_urlencoded::Serializer;

use crate::domain::session::{LinkKey, SessionKey, browser};
use crate::error::{Error, Kind, Result};
use crate::http::body::Body;
use crate::http::console::context::{Context, Visitor};
use crate::http::console::drafts::keep_form;
use crate::http::console::form::Form;
use crate::http::console::origin::is_own_path;
use crate::http::console::shell::redirect;
use crate::http::console::shell::{Shell, render};
use crate::http::console::texts::placeholders::fill;
use crate::http::query::Parameters;

const PATH: &str = "/console/sign-in";
const HOME: &str = "/console/";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    shell: Shell,
    notice: Option<&'static str>,
    error: Option<String>,
    user: String,
    /// The path to continue with.
    next: String,
    /// Fields of a form that was sent when the session was over.
    kept: Vec<(String, String)>,
    /// The key of a sign-in link.
    link: Option<String>,
    /// The text around the name of the command that makes a link.
    lost: (&'static str, &'static str),
}

impl SignInPage {
    fn new(context: &Context) -> Self {
        let shell = Shell::new(context, context.t.sign_in.title, None);
        let lost = context.t.sign_in.lost.split_once("otpd user link NAME").unwrap_or((context.t.sign_in.lost, ""));
        Self {
            shell,
            notice: None,
            error: None,
            user: String::new(),
            next: HOME.to_owned(),
            kept: Vec::new(),
            link: None,
            lost,
        }
    }
}

/// Shows the sign-in page, or continues after a sign-in.
pub(super) async fn show(request: HttpRequest, visitor: Visitor) -> Result<HttpResponse> {
    let context = &*visitor;
    let parameters = Parameters::new(request.query_string());
    let text = |name| parameters.text(name).map(str::to_owned);
    let next = text("next").and_then(own_path).unwrap_or_else(|| HOME.to_owned());
    // Set by the redirect after a sign-in, which finds out whether the browser kept the cookie.
    let started = text("started");
    if started.is_some() && context.session_key(&request).is_some() {
        return Ok(redirect(&next).finish());
    }
    let page = SignInPage {
        error: started.map(|_| context.t.sign_in.no_cookie.to_owned()),
        notice: text("signed_out").map(|_| context.t.sign_in.signed_out),
        next,
        link: text("link"),
        ..SignInPage::new(context)
    };
    render(StatusCode::OK, &page)
}

/// The sign-in page for a form that was sent when the session was over. The fields of the form are kept.
pub(super) fn after_expiry(context: &Context, next: &str, form: &Form) -> Result<HttpResponse> {
    let page = SignInPage {
        notice: Some(context.t.session.expired),
        next: next.to_owned(),
        kept: form.shown_again().map(|(name, value)| (format!("kept.{name}"), value.to_owned())).collect(),
        ..SignInPage::new(context)
    };
    render(StatusCode::UNAUTHORIZED, &page)
}

/// Exchanges a token or a link for a session.
pub(super) async fn submit(request: HttpRequest, visitor: Visitor, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let context = &*visitor;
    let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    let (source, browser) = (context.source.clone(), user_agent.and_then(browser));
    let link = LinkKey::parse(form.text("link"));
    let started = match &link {
        Some(link) => context.service.sign_in_by_link(link, source, browser).await,
        None => context.service.sign_in(form.text("user"), form.text("token"), source, browser).await,
    };
    match started {
        Ok(key) => enter(context, &key, &form).await,
        Err(error) => refuse(context, &error, &form, link.is_some()),
    }
}

/// The answer to a sign-in that was refused.
fn refuse(context: &Context, error: &Error, form: &Form, is_link: bool) -> Result<HttpResponse> {
    let t = &context.t.sign_in;
    let (status, message) = match error.kind() {
        Kind::Throttled => {
            let seconds = i64::try_from(error.retry_after().unwrap_or_default()).unwrap_or(i64::MAX);
            (StatusCode::TOO_MANY_REQUESTS, fill(t.slow, &[("seconds", &context.t.number(seconds))]))
        }
        Kind::Unauthenticated if is_link => (StatusCode::UNPROCESSABLE_ENTITY, t.link_expired.to_owned()),
        Kind::Unauthenticated => (StatusCode::UNPROCESSABLE_ENTITY, t.wrong.to_owned()),
        kind => return Err(Error::new(kind, "The sign-in failed.")),
    };
    let page = SignInPage {
        error: Some(message),
        user: form.text("user").to_owned(),
        next: own_path(form.text("next").to_owned()).unwrap_or_else(|| HOME.to_owned()),
        kept: form.shown_again().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ..SignInPage::new(context)
    };
    let mut response = render(status, &page)?;
    if let Some(seconds) = error.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

/// Continues with the page that was requested. Kept fields of a form are stored with the session, not in the URL.
async fn enter(context: &Context, key: &SessionKey, form: &Form) -> Result<HttpResponse> {
    let mut next = own_path(form.text("next").to_owned()).unwrap_or_else(|| HOME.to_owned());
    let kept: Vec<_> =
        form.shown_again().filter_map(|(name, value)| Some((name.strip_prefix("kept.")?, value))).collect();
    if !kept.is_empty() {
        let visit = context.service.resume(key, context.source.clone(), false).await?;
        let draft = keep_form(&context.service, visit.session_id, kept).await?;
        next = format!("{next}?draft={draft}");
    }
    let query = Serializer::new(String::new()).append_pair("started", "1").append_pair("next", &next).finish();
    let location = format!("{PATH}?{query}");
    let cookie = context.session_cookie(key.reveal());
    Ok(redirect(&location).cookie(cookie).finish())
}

/// A path to continue with, if `text` is one.
fn own_path(text: String) -> Option<String> {
    (is_own_path(&text) && !text.starts_with("/console/sign-")).then_some(text)
}

/// Ends the session.
pub(super) async fn sign_out(visitor: Visitor) -> Result<HttpResponse> {
    visitor.service().end_session(visitor.visit()?).await?;
    let mut cookie: Cookie<'static> = visitor.session_cookie("");
    cookie.make_removal();
    Ok(redirect("/console/sign-in?signed_out=1").cookie(cookie).finish())
}

/// Keeps the session open. Answers its new end in milliseconds since 1970.
pub(super) async fn stay(visitor: Visitor) -> Result<HttpResponse> {
    let ends_at = visitor.visit()?.ends_at;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body((ends_at.as_micros() / 1000).to_string()))
}
