//! The deletion of a code, after a question.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use crate::domain::code_list::CodeState;
use crate::domain::otp::{Otp, OtpId};
use crate::domain::outbox::MessageState;
use crate::domain::user::Permission;
use crate::error::Result;
use crate::http::console::codes::state_label;
use crate::http::console::context::Visitor;
use crate::http::console::html::{Html, label_with_id};
use crate::http::console::shell::redirect;
use crate::http::console::shell::{Place, Shell, render};
use crate::http::console::texts::placeholders::fill;
use crate::http::request_log::log_otp;

#[derive(Template)]
#[template(path = "code_delete.html")]
struct DeletePage {
    shell: Shell,
    otp: Otp,
    id: i64,
    heading: Html,
    state: CodeState,
    state_label: &'static str,
    messages: Option<String>,
    has_waiting: bool,
    may_expire: bool,
}

/// Asks whether to delete a code, and names what is lost.
pub(super) async fn ask(visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let details = visitor.service().code_details(OtpId::parse(&path)?).await?;
    let (t, otp) = (visitor.t, details.otp);
    let id = otp.id.value();
    let state = CodeState::of(&otp, visitor.now);
    let count = i64::try_from(details.messages.len()).unwrap_or(i64::MAX);
    let is_waiting = |state| matches!(state, MessageState::Queued | MessageState::Sending);
    let page = DeletePage {
        shell: Shell::new(&visitor, fill(t.code.delete_q, &[("id", &id)]), Some(Place::Codes)),
        id,
        heading: label_with_id(t.code.delete_q, "id", &id),
        state,
        state_label: state_label(&visitor, state),
        messages: (count > 0).then(|| t.count(count, t.code.lost_messages_one, t.code.lost_messages)),
        has_waiting: details.messages.iter().any(|message| is_waiting(message.state)),
        may_expire: visitor.caller()?.require(Permission::UpdateOtp).is_ok()
            && matches!(state, CodeState::Usable | CodeState::Spent),
        otp,
    };
    render(StatusCode::OK, &page)
}

/// Deletes a code.
pub(super) async fn delete(visitor: Visitor, path: web::Path<String>) -> Result<HttpResponse> {
    let id = OtpId::parse(&path)?;
    visitor.service().delete_otp(visitor.caller()?, id).await?;
    let location = format!("/console/codes?done=deleted&id={}", id.value());
    Ok(log_otp(redirect(&location).finish(), id))
}
