//! The development inbox.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::inbox::InboxMessage;
use crate::error::Result;
use crate::http::caller::{Caller, Permission};
use crate::http::openapi::responses::{Denials, Faults, NoInbox};
use crate::service::Service;

/// Show the development inbox
///
/// Permission code 2852. The latest 100 messages, oldest first. Available only if the operator enables it
/// (`delivery.allow_inbox`).
#[utoipa::path(
    get,
    path = "/dev/inbox",
    tag = "sending",
    security(("token" = [])),
    responses(
        (status = 200, description = "The messages", body = Vec<InboxResource>),
        NoInbox, Denials, Faults
    )
)]
pub(super) async fn show_inbox(caller: Caller, service: web::Data<Service>) -> Result<HttpResponse> {
    caller.require(Permission::ViewOtp)?;
    let messages = service.list_inbox(0).await?;
    let resources: Vec<InboxResource> = messages.iter().map(InboxResource::from).collect();
    Ok(HttpResponse::Ok().json(resources))
}

/// A message stored in the development inbox.
#[derive(Serialize, ToSchema)]
#[schema(as = InboxMessage)]
struct InboxResource<'a> {
    #[schema(minimum = 1, example = 3)]
    id: i64,
    /// `sms` or `email`
    #[schema(example = "sms")]
    channel: &'static str,
    #[schema(example = "09123456789")]
    recipient: &'a str,
    /// Subject of an e-mail; null for SMS
    #[schema(required, example = json!(null))]
    subject: Option<&'a str>,
    #[schema(example = "کد تأیید: 255315")]
    text: &'a str,
    #[schema(format = DateTime, example = "2025-12-29T14:38:32.281044Z")]
    created_at: String,
}

impl<'a> From<&'a InboxMessage> for InboxResource<'a> {
    fn from(message: &'a InboxMessage) -> Self {
        Self {
            id: message.id,
            channel: message.channel.as_str(),
            recipient: &message.recipient,
            subject: message.subject.as_deref(),
            text: &message.text,
            created_at: message.created_at.to_string(),
        }
    }
}
