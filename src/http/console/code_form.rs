//! The forms for a new code and for an edit, with errors beside the fields and conflicts with other editors.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::domain::otp::{NewOtp, Otp, OtpId};
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::http::body::Body;
use crate::http::console::code::to_code;
use crate::http::console::code_fields::{Entered, FieldError, Fields, Validity};
use crate::http::console::context::{Context, Visitor};
use crate::http::console::drafts::{draft, keep_form, kept};
use crate::http::console::form::Form;
use crate::http::console::html::{Html, label_with_id};
use crate::http::console::shell::{Place, Shell, render};
use crate::http::console::texts::placeholders::fill;
use crate::service::codes::Edit;

#[derive(Template)]
#[template(path = "code_form.html")]
struct FormPage {
    shell: Shell,
    /// The code that is edited. `None`: a new code.
    edited: Option<Edited>,
    heading: Html,
    fields: Fields,
    errors: Vec<FieldError>,
    errors_title: String,
    renew: String,
    /// Whether the fields come from a form that was sent after the end of the session.
    is_restored: bool,
}

/// What the form shows of the stored code.
struct Edited {
    id: i64,
    updated_at: Timestamp,
    valid_to: Timestamp,
    is_waiting: bool,
}

impl FormPage {
    fn new(context: &Context, edited: Option<Edited>, fields: Fields, errors: Vec<FieldError>) -> Self {
        let t = context.t;
        let (title, heading) = match &edited {
            Some(edited) => {
                (fill(t.form.edit_title, &[("id", &edited.id)]), label_with_id(t.form.edit_title, "id", &edited.id))
            }
            None => (t.form.new_title.to_owned(), Html::text(t.form.new_title)),
        };
        let seconds = i64::try_from(context.service.expiration().as_secs()).unwrap_or(i64::MAX);
        let renew = if seconds % 60 == 0 {
            fill(t.form.renew, &[("minutes", &t.number(seconds / 60))])
        } else {
            fill(t.form.renew_seconds, &[("seconds", &t.number(seconds))])
        };
        let count = i64::try_from(errors.len()).unwrap_or(i64::MAX);
        Self {
            shell: Shell::new(context, title, Some(Place::Codes)),
            edited,
            heading,
            fields,
            errors_title: t.count(count, t.form.errors_one, t.form.errors),
            errors,
            renew,
            is_restored: false,
        }
    }

    fn error(&self, field: &str) -> Option<&FieldError> {
        self.errors.iter().find(|error| error.field == field)
    }

    fn has_error(&self, field: &str) -> bool {
        self.error(field).is_some()
    }
}

/// Shows the form for a new code.
pub(super) async fn show_new(request: HttpRequest, visitor: Visitor) -> Result<HttpResponse> {
    let kept = kept(&visitor, &request).await?;
    let fields = kept.as_ref().map_or_else(Fields::for_new, Fields::typed);
    let page = FormPage { is_restored: kept.is_some(), ..FormPage::new(&visitor, None, fields, Vec::new()) };
    render(StatusCode::OK, &page)
}

/// Stores a new code.
pub(super) async fn create(visitor: Visitor, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let fields = Fields::typed(&form);
    let entered = match fields.check(&visitor, None) {
        Ok(entered) => entered,
        Err(errors) => {
            return render(StatusCode::UNPROCESSABLE_ENTITY, &FormPage::new(&visitor, None, fields, errors));
        }
    };
    let Entered { code, recipient, valid_to } = entered;
    let code = code.unwrap_or_else(|| visitor.service().generate_code());
    let (caller, new) = (visitor.caller()?, NewOtp { code, recipient, valid_to });
    let otp = match form.sent_in(&visitor)? {
        Some(form) => visitor.service().create_otp_of_form(caller, new, form).await?,
        None => visitor.service().create_otp(caller, new).await?,
    };
    Ok(to_code(otp.id, "created"))
}

/// Shows the form for an edit.
pub(super) async fn show_edit(request: HttpRequest, visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let (otp, edited) = stored(&visitor, &path).await?;
    let kept = kept(&visitor, &request).await?;
    let (fields, edited) = match &kept {
        // The edit began with the version that the form names.
        Some(form) => {
            let fields = Fields::typed(form);
            let updated_at = fields.read_at().unwrap_or(edited.updated_at);
            (fields, Edited { updated_at, ..edited })
        }
        None => (Fields::of(&otp), edited),
    };
    let page = FormPage { is_restored: kept.is_some(), ..FormPage::new(&visitor, Some(edited), fields, Vec::new()) };
    render(StatusCode::OK, &page)
}

/// Saves an edit.
pub(super) async fn save(visitor: Visitor, path: web::Path<String>, body: Body) -> Result<HttpResponse> {
    let form = Form::read(body).await?;
    let (otp, edited) = stored(&visitor, &path).await?;
    // "Save mine" after a conflict refers to the fields that were kept with the session.
    let mine = match form.text("draft").parse() {
        Ok(n) => draft(&visitor, n).await?.ok_or_else(|| Error::new(Kind::Conflict, "The draft is gone."))?,
        Err(_) => form.clone(),
    };
    let fields = Fields::typed(&mine);
    let read_at = Fields::typed(&form).read_at();
    let read_at =
        read_at.ok_or_else(|| Error::new(Kind::Invalid, "The form does not name its version of the code."))?;
    match fields.check(&visitor, Some(&otp)) {
        Ok(entered) => {
            let patch = entered.into_patch(&otp);
            match visitor.service().edit_otp(visitor.caller()?, otp.id, read_at, patch).await? {
                Edit::Saved(saved) => Ok(to_code(saved.id, "saved")),
                Edit::Conflict(stored) => conflict(&visitor, &stored, &fields).await,
            }
        }
        Err(errors) => {
            let edited = Edited { updated_at: read_at, ..edited };
            render(StatusCode::UNPROCESSABLE_ENTITY, &FormPage::new(&visitor, Some(edited), fields, errors))
        }
    }
}

async fn stored(visitor: &Visitor, path: &str) -> Result<(Otp, Edited)> {
    let id = OtpId::parse(path)?;
    let otp = visitor.service().find_otp(id).await?;
    let messages = visitor.service().list_deliveries(id).await?;
    let edited = Edited {
        id: id.value(),
        updated_at: otp.updated_at,
        valid_to: otp.valid_to,
        is_waiting: messages.iter().any(|message| message.state == crate::domain::outbox::MessageState::Queued),
    };
    Ok((otp, edited))
}

#[derive(Template)]
#[template(path = "code_conflict.html")]
struct ConflictPage {
    shell: Shell,
    id: i64,
    updated_at: Timestamp,
    draft: i64,
    /// Field, stored value, own value, and whether they differ.
    rows: Vec<(&'static str, Html, Html, bool)>,
}

/// 409: the code was changed by somebody else. Both versions are shown, and nothing is saved.
async fn conflict(visitor: &Visitor, stored: &Otp, mine: &Fields) -> Result<HttpResponse> {
    let draft = keep_form(visitor.service(), visitor.visit()?.session_id, mine.pairs()).await?;
    let page = ConflictPage {
        shell: Shell::new(visitor, visitor.t.conflict.title, Some(Place::Codes)),
        id: stored.id.value(),
        updated_at: stored.updated_at,
        draft,
        rows: conflict_rows(visitor, stored, mine),
    };
    render(StatusCode::CONFLICT, &page)
}

fn conflict_rows(context: &Context, stored: &Otp, mine: &Fields) -> Vec<(&'static str, Html, Html, bool)> {
    let (t, now) = (context.t, Fields::of(stored));
    let value = |text: &str| if text.is_empty() { Html::text("—") } else { crate::http::console::html::id(text) };
    let row = |label, theirs: &str, mine: &str| (label, value(theirs), value(mine), theirs != mine);
    let moment = |moment| crate::http::console::html::absolute_time(t, moment, context.zone);
    let validity = match mine.validity {
        Validity::Keep => moment(stored.valid_to),
        Validity::Renew => moment(context.now.plus(context.service.expiration())),
        Validity::Until => value(&mine.until),
    };
    let code = if mine.code.is_empty() { Html::text(t.conflict.unchanged) } else { Html::text("•••••") };
    vec![
        row(t.col.mobile, &now.mobile, &mine.mobile),
        row(t.col.email, &now.email, &mine.email),
        (t.col.code, Html::text("•••••"), code, !mine.code.is_empty()),
        (t.col.valid_to, moment(stored.valid_to), validity, mine.validity != Validity::Keep),
    ]
}
