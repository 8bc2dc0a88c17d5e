//! The refusals that operations share, as the description shows them.

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

/// The body is refused.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "the description reads its shape; Error writes it")]
pub(crate) enum BodyRefusals {
    /// The body is no JSON, no object, or breaks a rule; every bad field is named
    #[response(status = 400)]
    Invalid(#[to_schema] Invalid),
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
