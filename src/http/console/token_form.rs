//! The form for a new token, and the page that shows a token once.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::domain::calendar::parse_moment;
use crate::domain::token::ApiToken;
use crate::domain::token_details::{TokenDetails, TokenLabel, expiry};
use crate::domain::user::UserName;
use crate::error::{Kind, Result};
use crate::http::body::Body;
use crate::http::console::code_fields::FieldError;
use crate::http::console::context::{Context, Visitor};
use crate::http::console::drafts::kept;
use crate::http::console::form::Form;
use crate::http::console::html::{Html, label_with_id};
use crate::http::console::shell::{Place, Shell, redirect, render};
use crate::http::console::texts::placeholders::fill;
use crate::http::console::user::{name_of, path};

/// The choices of the validity besides a date: the value in the form, and the duration.
const DURATIONS: [(&str, &str); 2] = [("90d", "90d"), ("1y", "365d")];

#[derive(Template)]
#[template(path = "token_form.html")]
struct FormPage {
    shell: Shell,
    user: String,
    heading: Html,
    name: String,
    /// The value, the label and whether it is chosen.
    choices: Vec<(&'static str, &'static str, bool)>,
    is_until: bool,
    until: String,
    errors: Vec<FieldError>,
    errors_title: String,
    /// Whether the fields come from a form that was sent after the end of the session.
    is_restored: bool,
}

impl FormPage {
    fn new(context: &Context, user: &UserName, form: &Form, errors: Vec<FieldError>) -> Self {
        let t = context.t;
        let validity = if form.text("validity").is_empty() { "90d" } else { form.text("validity") };
        let labels = [("90d", t.token.days_90), ("1y", t.token.one_year), ("none", t.token.no_expiration)];
        let count = i64::try_from(errors.len()).unwrap_or(i64::MAX);
        // A token that was pasted into the field is not shown.
        let name = Some(form.text("name")).filter(|name| !ApiToken::is_generated(name)).unwrap_or_default();
        Self {
            shell: Shell::new(context, fill(t.token.of_user, &[("user", user)]), Some(Place::Users)),
            user: user.as_str().to_owned(),
            heading: label_with_id(t.token.of_user, "user", user),
            name: name.to_owned(),
            choices: labels.map(|(value, label)| (value, label, value == validity)).into(),
            is_until: validity == "until",
            until: form.text("until").to_owned(),
            errors_title: t.count(count, t.form.errors_one, t.form.errors),
            errors,
            is_restored: false,
        }
    }

    fn error(&self, field: &str) -> Option<&'static str> {
        self.errors.iter().find(|error| error.field == field).map(|error| error.message)
    }

    fn has_error(&self, field: &str) -> bool {
        self.error(field).is_some()
    }
}

/// Checks the fields of the form.
fn check(context: &Context, form: &Form) -> Result<TokenDetails, Vec<FieldError>> {
    let t = &context.t.token;
    let mut errors = Vec::new();
    let name = Some(form.text("name")).filter(|name| !name.is_empty()).map(str::parse::<TokenLabel>);
    if matches!(name, Some(Err(_))) {
        errors.push(FieldError { field: "name", message: t.bad_name });
    }
    let duration = DURATIONS.iter().find(|(value, _)| *value == form.text("validity")).map(|(_, text)| *text);
    let expires_at = match (duration, form.text("validity")) {
        (Some(duration), _) => expiry(duration, context.now).ok(),
        (None, "until") => {
            let moment = parse_moment(form.text("until"), context.zone);
            let expires_at = moment.and_then(|moment| expiry(&moment.to_string(), context.now).ok());
            let message = if moment.is_none() { context.t.form.bad_date } else { t.bad_expiry };
            errors.extend(expires_at.is_none().then_some(FieldError { field: "until", message }));
            expires_at
        }
        (None, "none") => None,
        (None, _) => {
            errors.push(FieldError { field: "until", message: context.t.form.choose });
            None
        }
    };
    if errors.is_empty() { Ok(TokenDetails { name: name.and_then(Result::ok), expires_at }) } else { Err(errors) }
}

/// Shows the form.
pub(super) async fn show(request: HttpRequest, visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let user = visitor.service().find_user(name_of(&path)?).await?.user.name;
    let kept = kept(&visitor, &request).await?;
    let is_restored = kept.is_some();
    let page = FormPage::new(&visitor, &user, &kept.unwrap_or_default(), Vec::new());
    render(StatusCode::OK, &FormPage { is_restored, ..page })
}

/// Adds a token and shows it once.
pub(super) async fn add(visitor: Visitor, path: web::Path<String>, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let user = visitor.service().find_user(name_of(&path)?).await?.user.name;
    match check(&visitor, &form) {
        Ok(details) => {
            let form = form.sent_in(&visitor)?;
            match visitor.service().add_token(visitor.caller()?, user.clone(), details, form).await {
                Ok(token) => shown_once(&visitor, &user, &token, false),
                Err(error) if error.kind() == Kind::Conflict => Ok(sent_twice(&user)),
                Err(error) => Err(error),
            }
        }
        Err(errors) => render(StatusCode::UNPROCESSABLE_ENTITY, &FormPage::new(&visitor, &user, &form, errors)),
    }
}

/// The response to a form that created a token before: the page of the user. The token can't be shown again.
pub(super) fn sent_twice(user: &UserName) -> HttpResponse {
    redirect(&format!("{}?done=sent_twice", path(user))).finish()
}

#[derive(Template)]
#[template(path = "token_shown.html")]
struct ShownPage {
    shell: Shell,
    user: String,
    heading: Html,
    token: String,
}

/// Shows a token in clear text, in the body of the page alone.
pub(super) fn shown_once(
    context: &Context,
    user: &UserName,
    token: &ApiToken,
    is_new_user: bool,
) -> Result<HttpResponse> {
    let t = context.t;
    let flash = is_new_user.then(|| label_with_id(t.flash.user_added, "user", user));
    let mut shell = Shell::new(context, t.token.new, Some(Place::Users)).with_flash(flash);
    shell.location = path(user);
    let heading = label_with_id(t.token.of_user, "user", user);
    let token = token.reveal().to_owned();
    render(StatusCode::OK, &ShownPage { shell, user: user.as_str().to_owned(), heading, token })
}
