//! Error responses shared by operations, for the OpenAPI description.

use utoipa::{IntoResponses, ToSchema};

use crate::http::openapi::schemas::FieldMessages;

/// The error in one sentence.
#[derive(ToSchema)]
#[schema(example = json!({"detail": "Invalid token."}))]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
pub(crate) struct Detail {
    detail: String,
}

/// One sentence, or the messages for each invalid field.
#[derive(ToSchema)]
#[schema(as = Refusal)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
pub(crate) enum Invalid {
    Detail(Detail),
    Fields(FieldMessages),
}

/// The caller is not authenticated or lacks the permission.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
pub(crate) enum Denials {
    /// The token is missing, malformed, unknown or revoked, or its user is inactive
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Token`")))]
    Unauthenticated(#[to_schema] Detail),
    /// The permission is missing
    #[response(status = 403)]
    Forbidden(#[to_schema] Detail),
}

/// No code has this id.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
#[response(status = 404, description = "No code has this id, or the id is not a 64-bit integer")]
pub(crate) struct NoSuchOtp(#[to_schema] Detail);

/// The report of a provider can't be assigned.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
#[response(
    status = 404,
    description = "The secret is wrong, the provider is not configured, or the fields are not those of a report"
)]
pub(crate) struct UnknownReport(#[to_schema] Detail);

/// The body is invalid.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
#[response(
    status = 400,
    description = "The body is not a JSON object, or fields are invalid. All invalid fields are listed."
)]
pub(crate) struct InvalidBody(#[to_schema] Invalid);

/// The body can't be read.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
pub(crate) enum BodyRefusals {
    /// The body did not arrive within ten seconds
    #[response(status = 408)]
    TooSlow(#[to_schema] Detail),
    /// The body is larger than 16 KiB
    #[response(status = 413)]
    TooLarge(#[to_schema] Detail),
    /// The body is neither JSON nor a form
    #[response(status = 415)]
    UnsupportedMediaType(#[to_schema] Detail),
}

/// The error, with a machine-readable reason.
#[derive(ToSchema)]
#[schema(example = json!({"detail": "Too many attempts.", "reason": "too_many_attempts"}))]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
pub(crate) struct Reasoned {
    detail: String,
    /// `too_many_attempts`, `too_soon` or `rate_limited`
    reason: String,
}

/// Why a code was not verified.
#[derive(ToSchema)]
#[schema(example = json!({"detail": "The code is wrong.", "reason": "wrong_code", "attempts_left": 4}))]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
pub(crate) struct Refused {
    detail: String,
    /// `wrong_code`, `expired`, `not_found` or `used`; missing if the body is invalid
    #[schema(nullable = false)]
    reason: Option<String>,
    /// Remaining attempts
    #[schema(minimum = 0, nullable = false)]
    attempts_left: Option<u32>,
}

/// The code was not verified, or the request is invalid.
#[derive(ToSchema)]
#[schema(as = VerificationRefusal)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
pub(crate) enum WrongOrInvalid {
    Refused(Refused),
    Fields(FieldMessages),
}

/// The code was not verified.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
#[response(status = 400, description = "The code was not verified, or the body is invalid")]
pub(crate) struct NotVerified(#[to_schema] WrongOrInvalid);

/// A limit is reached.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
#[response(
    status = 429,
    description = "A limit is reached",
    headers(("Retry-After" = String, description = "Seconds"))
)]
pub(crate) struct Limited(#[to_schema] Reasoned);

/// The idempotency key was used before.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
pub(crate) enum Repeated {
    /// The first request with this `Idempotency-Key` is still in progress
    #[response(status = 409)]
    InProgress(#[to_schema] Detail),
    /// This `Idempotency-Key` was used for a different request
    #[response(status = 422)]
    Other(#[to_schema] Detail),
}

/// The development inbox is disabled.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
#[response(status = 404, description = "The development inbox is disabled")]
pub(crate) struct NoInbox(#[to_schema] Detail);

/// Errors of the server.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its schema is used; Error writes the responses")]
pub(crate) enum Faults {
    /// Internal error. The log has the cause with the request id.
    #[response(status = 500)]
    Internal(#[to_schema] Detail),
    /// The store is busy or full
    #[response(status = 503, headers(("Retry-After" = String, description = "Seconds")))]
    Unavailable(#[to_schema] Detail),
}
