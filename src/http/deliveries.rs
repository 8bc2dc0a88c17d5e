//! The messages of a code and their attempts (`docs/api.md`, "Deliveries").

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::attempt::{Attempt, DeliveryStatus, Outcome};
use crate::domain::otp::OtpId;
use crate::domain::outbox::MessageRecord;
use crate::error::Result;
use crate::http::caller::{Caller, Permission};
use crate::http::openapi::responses::{Denials, Faults, NoSuchOtp};
use crate::service::Service;

/// List the deliveries of a code
///
/// Permission code 2852. Oldest message first, each with its delivery attempts.
#[utoipa::path(
    get,
    path = "/api/notifications/otp/{id}/deliveries",
    tag = "sending",
    security(("token" = [])),
    params(("id" = i64, Path, description = "Unique ID of the code", example = 57)),
    responses((status = 200, description = "The messages", body = Vec<DeliveryResource>), NoSuchOtp, Denials, Faults)
)]
pub(super) async fn deliveries(
    caller: Caller,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse> {
    caller.require(Permission::ViewOtp)?;
    let deliveries = service.list_deliveries(OtpId::parse(&path)?).await?;
    let resources: Vec<DeliveryResource> = deliveries.iter().map(DeliveryResource::from).collect();
    Ok(HttpResponse::Ok().json(resources))
}

/// A message of a code.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(super) struct DeliveryResource<'a> {
    #[schema(minimum = 1, example = 12)]
    id: i64,
    /// `queued`, `sending`, `sent` (a provider accepted it), `delivered`, `undelivered`, `blocked` (the recipient is on a
    /// black list), `unknown` (it may have been sent), `failed`, `expired` or `cancelled`
    #[schema(example = "delivered")]
    state: &'static str,
    /// Channel of the next or last attempt: `sms`, `call`, `bale` or `email`
    #[schema(example = "sms")]
    channel: &'static str,
    attempts: Vec<AttemptResource<'a>>,
    #[schema(format = DateTime, example = "2025-12-29T14:38:32.273219Z")]
    created_at: String,
    #[schema(format = DateTime, example = "2025-12-29T14:38:33.104521Z")]
    updated_at: String,
}

/// A delivery attempt with one provider.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
struct AttemptResource<'a> {
    #[schema(example = "sms")]
    channel: &'static str,
    /// Configured name of the provider
    #[schema(example = "kavenegar")]
    provider: &'a str,
    /// `sent`, `retry`, `next`, `bad_recipient`, `misconfigured`, `unknown` or `interrupted` (otpd ended during the
    /// attempt); null while the attempt is in progress
    #[schema(required, example = "sent")]
    outcome: Option<&'static str>,
    /// Message id from the provider
    #[schema(required, example = "8792343")]
    provider_message_id: Option<&'a str>,
    /// Why the message was not sent
    #[schema(required, example = json!(null))]
    error: Option<&'a str>,
    #[schema(format = DateTime, example = "2025-12-29T14:38:32.281044Z")]
    started_at: String,
    #[schema(required, format = DateTime, example = "2025-12-29T14:38:33.101210Z")]
    finished_at: Option<String>,
    /// What the provider reported after it accepted the message: `waiting`, `delivered`, `undelivered` or `blocked`; null
    /// if it does not report the delivery
    #[schema(required, example = "delivered")]
    status: Option<&'static str>,
    /// When otpd learned this status
    #[schema(required, format = DateTime, example = "2025-12-29T14:38:38.310044Z")]
    status_at: Option<String>,
}

impl<'a> From<&'a MessageRecord> for DeliveryResource<'a> {
    fn from(message: &'a MessageRecord) -> Self {
        Self {
            id: message.id,
            state: message.state.as_str(),
            channel: message.channel.as_str(),
            attempts: message.attempts.iter().map(AttemptResource::from).collect(),
            created_at: message.created_at.to_string(),
            updated_at: message.updated_at.to_string(),
        }
    }
}

impl<'a> From<&'a Attempt> for AttemptResource<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        Self {
            channel: attempt.channel.as_str(),
            provider: &attempt.provider,
            outcome: attempt.outcome.map(Outcome::as_str),
            provider_message_id: attempt.provider_message_id.as_deref(),
            error: attempt.error.as_deref(),
            started_at: attempt.started_at.to_string(),
            finished_at: attempt.finished_at.map(|moment| moment.to_string()),
            status: attempt.status.map(DeliveryStatus::as_str),
            status_at: attempt.status_at.map(|moment| moment.to_string()),
        }
    }
}
