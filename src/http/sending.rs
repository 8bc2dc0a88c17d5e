//! Sending and verifying codes (`docs/api.md`, "Send a code", "Verify a code").

use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::idempotency::IdempotencyKey;
use crate::error::{Error, Kind, Result};
use crate::http::body::Body;
use crate::http::caller::{Caller, Permission};
use crate::http::fields;
use crate::http::openapi::responses::{BodyRefusals, Denials, Faults, InvalidBody, Limited, NotVerified, Repeated};
use crate::http::openapi::send_schemas::{RecipientForm, RecipientJson, SendForm, SendJson, VerifyForm, VerifyJson};
use crate::http::request_log::log_otp;
use crate::service::Service;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Send a code
///
/// Permission code 2855. Creates a code for a recipient and a purpose and queues its message. The response never
/// contains the code. If an earlier code is still usable, that code is sent again. `channel` is one channel or a list: the
/// next one is used if the previous one can't reach the recipient, or has not delivered the message within
/// `delivery.escalate_after`. A request repeated with the same
/// `Idempotency-Key` within 24 hours gets the first response, and no second message is sent.
#[utoipa::path(
    post,
    path = "/api/notifications/otp/send",
    tag = "sending",
    security(("token" = [])),
    params(("Idempotency-Key" = Option<String>, Header,
        description = "1 to 255 printable ASCII characters, chosen by the client", max_length = 255, pattern = "^[ -~]{1,255}$")),
    request_body(content(
        (SendJson = "application/json"),
        (SendForm = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 202, description = "The message is queued", body = SentResource),
        InvalidBody, BodyRefusals, Repeated, Limited, Denials, Faults
    )
)]
pub(super) async fn send(
    http: HttpRequest,
    caller: Caller,
    body: Body,
    service: web::Data<Service>,
) -> Result<HttpResponse> {
    caller.require(Permission::SendOtp)?;
    let request = fields::send_request(&body.read().await?)?;
    let sent = service.send_otp(&caller, request, idempotency_key(&http)?).await?;
    let resource = SentResource {
        id: sent.id.value(),
        recipient: sent.recipient.as_str(),
        valid_to: sent.valid_to.to_string(),
        ttl: sent.ttl,
        resend_in: sent.resend_in,
    };
    Ok(log_otp(HttpResponse::Accepted().json(resource), sent.id))
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<IdempotencyKey>> {
    let refused = || Error::new(Kind::Invalid, "Idempotency-Key has 1 to 255 printable ASCII characters.");
    let key = request.headers().get(IDEMPOTENCY_KEY);
    key.map(|value| value.to_str().ok().and_then(IdempotencyKey::parse).ok_or_else(refused)).transpose()
}

/// Verify a code
///
/// Permission code 2856. A correct code is consumed: only one request with it succeeds. `code` may contain Persian and
/// Arabic digits, spaces and dashes. `reason` is for programs: do not show `not_found` to end users.
#[utoipa::path(
    post,
    path = "/api/notifications/otp/verify",
    tag = "sending",
    security(("token" = [])),
    request_body(content(
        (VerifyJson = "application/json"),
        (VerifyForm = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, description = "The code is correct", body = VerifiedResource),
        NotVerified, BodyRefusals, Limited, Denials, Faults
    )
)]
pub(super) async fn verify(caller: Caller, body: Body, service: web::Data<Service>) -> Result<HttpResponse> {
    caller.require(Permission::VerifyOtp)?;
    let request = fields::verify_request(&body.read().await?)?;
    let verified = service.verify_otp(&caller, request).await?;
    let resource = VerifiedResource { verified: true, id: verified.id.value(), recipient: verified.recipient.as_str() };
    Ok(log_otp(HttpResponse::Ok().json(resource), verified.id))
}

/// Reset a recipient
///
/// Permission code 2853. Unlocks a recipient after too many failed attempts and resets its limits.
#[utoipa::path(
    post,
    path = "/api/notifications/otp/reset",
    tag = "sending",
    security(("token" = [])),
    request_body(content(
        (RecipientJson = "application/json"),
        (RecipientForm = "application/x-www-form-urlencoded"),
    )),
    responses((status = 204, description = "The recipient is reset"), InvalidBody, BodyRefusals, Denials, Faults)
)]
pub(super) async fn reset(caller: Caller, body: Body, service: web::Data<Service>) -> Result<HttpResponse> {
    caller.require(Permission::UpdateOtp)?;
    let recipient = fields::recipient(&body.read().await?)?;
    service.reset_recipient(&caller, recipient).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A queued message.
#[derive(Serialize, ToSchema)]
#[schema(as = Sent)]
pub(super) struct SentResource<'a> {
    /// Unique ID of the code
    #[schema(minimum = 1, example = 57)]
    id: i64,
    #[schema(example = "09123456789")]
    recipient: &'a str,
    /// When the code expires
    #[schema(format = DateTime, example = "2025-12-30T14:39:10.268800Z")]
    valid_to: String,
    /// Remaining validity in whole seconds
    #[schema(minimum = 0, example = 299)]
    ttl: u64,
    /// Whole seconds after which another message may be requested
    #[schema(minimum = 0, example = 60)]
    resend_in: u64,
}

/// A verified code. It is consumed.
#[derive(Serialize, ToSchema)]
#[schema(as = Verified)]
struct VerifiedResource<'a> {
    #[schema(example = true)]
    verified: bool,
    /// Unique ID of the code
    #[schema(minimum = 1, example = 57)]
    id: i64,
    #[schema(example = "09123456789")]
    recipient: &'a str,
}
