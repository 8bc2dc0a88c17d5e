//! Error responses shared by operations, for the OpenAPI description.

use utoipa::{IntoResponses, ToSchema};

use crate::http::openapi::schemas::FieldMessages;

/// What was refused, in one sentence.
#[derive(ToSchema)]
#[schema(example = json!({"detail": "Invalid token."}))]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
pub(crate) struct Detail {
    detail: String,
}

/// Either one sentence, or the messages of each field that was refused.
#[derive(ToSchema)]
#[schema(as = Refusal)]
#[serde(untagged)]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
pub(crate) enum Invalid {
    Detail(Detail),
    Fields(FieldMessages),
}

/// The caller is not known, or may not do this.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
pub(crate) enum Denials {
    /// The token is missing, malformed, unknown or revoked, or its user is inactive
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Token`")))]
    Unauthenticated(#[to_schema] Detail),
    /// The caller has not the permission code of this operation
    #[response(status = 403)]
    Forbidden(#[to_schema] Detail),
}

/// No code has this id.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
#[response(status = 404, description = "No code has this id, or it is no 64-bit integer")]
pub(crate) struct NoSuchOtp(#[to_schema] Detail);

/// The body breaks a rule.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
#[response(status = 400, description = "The body is no JSON, no object, or breaks a rule; every bad field is named")]
pub(crate) struct InvalidBody(#[to_schema] Invalid);

/// The body is refused as a whole.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
pub(crate) enum BodyRefusals {
    /// The body did not arrive within ten seconds
    #[response(status = 408)]
    TooSlow(#[to_schema] Detail),
    /// The body has more than 16 KiB
    #[response(status = 413)]
    TooLarge(#[to_schema] Detail),
    /// The body is neither JSON nor a form
    #[response(status = 415)]
    UnsupportedMediaType(#[to_schema] Detail),
}

/// What was refused, with a reason for programs.
#[derive(ToSchema)]
#[schema(example = json!({"detail": "Too many attempts.", "reason": "too_many_attempts"}))]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
pub(crate) struct Reasoned {
    detail: String,
    /// `too_many_attempts`, `too_soon` or `rate_limited`
    reason: String,
}

/// Why a code was not verified.
#[derive(ToSchema)]
#[schema(example = json!({"detail": "The code is wrong.", "reason": "wrong_code", "attempts_left": 4}))]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
pub(crate) struct Refused {
    detail: String,
    /// `wrong_code`, `expired`, `not_found` or `used`; missing where the body could not be read
    #[schema(nullable = false)]
    reason: Option<String>,
    /// Guesses that may still be made
    #[schema(minimum = 0, nullable = false)]
    attempts_left: Option<u32>,
}

/// Either a code that is not right, or a request that can't be read.
#[derive(ToSchema)]
#[schema(as = VerificationRefusal)]
#[serde(untagged)]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
pub(crate) enum WrongOrInvalid {
    Refused(Refused),
    Fields(FieldMessages),
}

/// The code is not verified.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
#[response(status = 400, description = "The code is not right, or the body can't be read")]
pub(crate) struct NotVerified(#[to_schema] WrongOrInvalid);

/// Too much was asked for.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
#[response(
    status = 429,
    description = "Too much was asked for, or too soon",
    headers(("Retry-After" = String, description = "Seconds"))
)]
pub(crate) struct Limited(#[to_schema] Reasoned);

/// The same idempotency key came before.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
pub(crate) enum Repeated {
    /// The first request with this `Idempotency-Key` is still being worked on
    #[response(status = 409)]
    UnderWay(#[to_schema] Detail),
    /// This `Idempotency-Key` came with another request
    #[response(status = 422)]
    Other(#[to_schema] Detail),
}

/// There is no development inbox.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
#[response(status = 404, description = "No message goes to a development inbox here")]
pub(crate) struct NoInbox(#[to_schema] Detail);

/// What can go wrong on this side.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
pub(crate) enum Faults {
    /// A fault on this side; the log has its cause under the `X-Request-ID`
    #[response(status = 500)]
    Internal(#[to_schema] Detail),
    /// The store is busy or full
    #[response(status = 503, headers(("Retry-After" = String, description = "Seconds")))]
    Unavailable(#[to_schema] Detail),
}
