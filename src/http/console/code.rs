//! One code: its fields, its timeline and its actions.

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::domain::code_list::CodeState;
use crate::domain::otp::{Otp, OtpId};
use crate::domain::outbox::MessageState;
use crate::domain::recipient_state::RecipientState;
use crate::domain::user::Permission;
use crate::error::Result;
use crate::http::console::codes::state_label;
use crate::http::console::context::{Context, Visitor};
use crate::http::console::html::Html;
use crate::http::console::recipient_state::StateView;
use crate::http::console::shell::redirect;
use crate::http::console::shell::{Place, Shell, render};
use crate::http::console::texts::placeholders::fill;
use crate::http::console::timeline::{Step, timeline};
use crate::http::console::{flash, html};
use crate::http::query::Parameters;
use crate::http::request_log::log_otp;
use crate::service::codes::CodeDetails;
use crate::service::sending::SendRequest;

/// How long a code is shown, in seconds.
const SHOWN_SECONDS: u64 = 30;
const REFRESH: HeaderName = HeaderName::from_static("refresh");

/// The actions that the caller may use on a code.
#[derive(Clone, Copy)]
struct Actions {
    edit: bool,
    delete: bool,
    send: bool,
    expire: bool,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    shell: Shell,
    otp: Otp,
    id: i64,
    heading: Html,
    state: CodeState,
    state_label: &'static str,
    left: Option<String>,
    attempts: String,
    message: Option<(MessageState, &'static str)>,
    purpose: String,
    steps: Vec<Step>,
    /// The recipient, if it is locked or paused.
    limited: Option<StateView>,
    may: Actions,
    /// The digits, if they are shown.
    digits: Option<i64>,
    shown_seconds: u64,
}

impl CodePage {
    /// The page of a code for a visitor.
    async fn read(visitor: &Visitor, id: OtpId, parameters: &Parameters) -> Result<Self> {
        let details = visitor.service().code_details(id).await?;
        let recipient = visitor.service().recipient_state(details.otp.recipient.clone()).await?;
        Ok(Self::new(visitor, details, &recipient, actions(visitor)?, parameters))
    }

    fn new(
        context: &Context,
        details: CodeDetails,
        recipient: &RecipientState,
        may: Actions,
        parameters: &Parameters,
    ) -> Self {
        let t = context.t;
        let steps = timeline(context, &details);
        let CodeDetails { otp, messages, .. } = details;
        let id = otp.id.value();
        let state = CodeState::of(&otp, context.now);
        let title = fill(t.code.title, &[("id", &id)]);
        Self {
            shell: Shell::new(context, title, Some(Place::Codes)).with_flash(flash::of(context, parameters)),
            id,
            heading: html::label_with_id(t.code.title, "id", &id),
            state,
            state_label: state_label(context, state),
            left: (state == CodeState::Usable).then(|| t.left(otp.ttl(context.now))),
            attempts: t.number(otp.attempts_left),
            message: messages.last().map(|message| (message.state, t.message_state(message.state))),
            purpose: t.purpose(&otp.purpose).to_owned(),
            steps,
            limited: recipient.is_limited().then(|| StateView::new(context, recipient)),
            may: Actions { expire: may.edit && state != CodeState::Expired && state != CodeState::Used, ..may },
            digits: None,
            shown_seconds: SHOWN_SECONDS,
            otp,
        }
    }
}

fn actions(visitor: &Visitor) -> Result<Actions> {
    let caller = visitor.caller()?;
    let may = |permission| caller.require(permission).is_ok();
    Ok(Actions {
        edit: may(Permission::UpdateOtp),
        delete: may(Permission::DeleteOtp),
        send: may(Permission::SendOtp),
        expire: false,
    })
}

/// Shows a code with its digits hidden.
pub(super) async fn show(request: HttpRequest, visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let parameters = Parameters::new(request.query_string());
    render(StatusCode::OK, &CodePage::read(&visitor, OtpId::parse(&path)?, &parameters).await?)
}

/// Shows the digits of a code for 30 seconds. The audit trail records it.
pub(super) async fn uncover(visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let id = OtpId::parse(&path)?;
    let uncovered = visitor.service().uncover_otp(visitor.caller()?, id).await?;
    let mut page = CodePage::read(&visitor, id, &Parameters::new("")).await?;
    let own = format!("/console/codes/{}", id.value());
    page.digits = Some(uncovered.code.value());
    page.shell.location.clone_from(&own);
    let mut response = render(StatusCode::OK, &page)?;
    let refresh = format!("{SHOWN_SECONDS}; url={own}").try_into();
    response.headers_mut().insert(REFRESH, refresh.map_err(crate::error::Error::internal)?);
    Ok(response)
}

/// Makes a code expire now.
pub(super) async fn expire(visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let otp = visitor.service().expire_otp(visitor.caller()?, OtpId::parse(&path)?).await?;
    Ok(to_code(otp.id, "expired"))
}

/// Sends a code to the recipient of this one, for the same purpose.
pub(super) async fn resend(visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let otp = visitor.service().find_otp(OtpId::parse(&path)?).await?;
    let request = SendRequest {
        recipient: otp.recipient,
        purpose: otp.purpose,
        language: None,
        channels: Vec::new(),
        client: None,
    };
    let sent = visitor.service().send_otp(visitor.caller()?, request, None).await?;
    Ok(to_code(sent.id, "resent"))
}

/// The redirect to a code after an action.
pub(super) fn to_code(id: OtpId, done: &str) -> HttpResponse {
    let location = format!("/console/codes/{0}?done={done}&id={0}", id.value());
    log_otp(redirect(&location).finish(), id)
}
