//! The error type of all requests: its kind, the public text for the caller, and a private cause for the log.
//! This module depends on neither actix nor rusqlite. `http/error.rs` maps kinds to HTTP statuses.

mod fields;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use strum::IntoStaticStr;

pub use crate::error::fields::{FieldErrors, InvalidValue};

/// The result of an operation that a caller requests.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was refused or failed. A new kind needs a row in `http/error.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The credentials are missing or invalid.
    Unauthenticated,
    /// The caller is authenticated but lacks the permission.
    PermissionDenied,
    /// The resource does not exist.
    NotFound,
    /// The resource exists but does not support this method.
    MethodNotAllowed,
    /// The format of the body is not supported.
    UnsupportedMediaType,
    /// The body exceeds the size limit.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTooSlow,
    /// The request violates the contract.
    Invalid,
    /// The same request is already being processed.
    Conflict,
    /// The request is well-formed but contradicts an earlier one.
    Unprocessable,
    /// The caller exceeded a limit. The same request may succeed later.
    Throttled,
    /// The store is busy or full. The same request may succeed later.
    Unavailable,
    /// A fault in otpd or its environment.
    Internal,
}

/// The machine-readable reason why a code was not verified or sent (`docs/api.md`, "Send a code", "Verify a code").
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Reason {
    WrongCode,
    Expired,
    NotFound,
    Used,
    TooManyAttempts,
    TooSoon,
    RateLimited,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The human-readable text of the reason.
    fn detail(self) -> &'static str {
        match self {
            Self::WrongCode => "The code is wrong.",
            Self::Expired => "The code has expired.",
            Self::NotFound => "There is no code.",
            Self::Used => "The code has been used.",
            Self::TooManyAttempts => "Too many attempts.",
            Self::TooSoon => "A code was sent a moment ago.",
            Self::RateLimited => "Too many requests. Try again later.",
        }
    }
}

/// The public part of an error: a sentence, a sentence with a machine-readable reason, or errors by field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Public {
    Detail(Cow<'static, str>),
    Refusal { detail: &'static str, reason: Reason, attempts_left: Option<u32> },
    Fields(FieldErrors),
}

/// An error with a public text and a private cause.
#[derive(Clone, Debug)]
pub struct Error {
    kind: Kind,
    public: Public,
    retry_after: Option<u64>,
    limited_by: Option<Limitation>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// The setting that refused a request, and its value.
pub type Limitation = (&'static str, u32);

impl Error {
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::with_public(kind, Public::Detail(detail.into()))
    }

    fn with_public(kind: Kind, public: Public) -> Self {
        Self { kind, public, retry_after: None, limited_by: None, cause: None }
    }

    /// No row has this id (`docs/api.md`, "Errors"). The text is Django's.
    pub fn otp_not_found() -> Self {
        Self::new(Kind::NotFound, "No OTPCode matches the given query.")
    }

    pub fn permission_denied() -> Self {
        Self::new(Kind::PermissionDenied, "You do not have permission to perform this action.")
    }

    /// The caller exceeded a request rate and must wait for `wait`. The text is DRF's.
    pub fn throttled(wait: Duration) -> Self {
        let seconds = whole_seconds(wait);
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let detail = format!("Request was throttled. Expected available in {seconds} {unit}.");
        Self { retry_after: Some(seconds), ..Self::new(Kind::Throttled, detail) }
    }

    /// A code was not verified (`docs/api.md`, "Verify a code").
    pub fn not_verified(reason: Reason, attempts_left: u32) -> Self {
        let attempts_left = Some(attempts_left);
        Self::with_public(Kind::Invalid, Public::Refusal { detail: reason.detail(), reason, attempts_left })
    }

    /// The caller must wait for `wait` before it may send or verify again. The public text includes `reason`.
    pub fn limited(reason: Reason, wait: Duration) -> Self {
        let public = Public::Refusal { detail: reason.detail(), reason, attempts_left: None };
        Self { retry_after: Some(whole_seconds(wait)), ..Self::with_public(Kind::Throttled, public) }
    }

    /// The recipient is locked out after too many failures. Only staff can end the lock-out, so `wait` is an estimate.
    pub fn locked_out(wait: Duration) -> Self {
        let detail = "Too many failures in a row. Staff has to reset the recipient.";
        let public = Public::Refusal { detail, reason: Reason::TooManyAttempts, attempts_left: None };
        Self { public, ..Self::limited(Reason::TooManyAttempts, wait) }
    }

    /// Adds the setting that refused the request, to be reported to the operator.
    pub fn limited_by(self, limitation: Limitation) -> Self {
        Self { limited_by: Some(limitation), ..self }
    }

    /// The store can't process the request now. The caller may retry after one second. `cause` is logged.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::unavailable_as_logged().because(cause)
    }

    /// The store can't process the request now. The cause was logged when it began, so it is not logged again.
    pub fn unavailable_as_logged() -> Self {
        let detail = "Service temporarily unavailable, try again later.";
        Self { retry_after: Some(1), ..Self::new(Kind::Unavailable, detail) }
    }

    /// A fault in otpd or its environment. `cause` is logged.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Kind::Internal, "A server error occurred.").because(cause)
    }

    fn because(self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let cause: Box<dyn std::error::Error + Send + Sync> = cause.into();
        Self { cause: Some(cause.into()), ..self }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn public(&self) -> &Public {
        &self.public
    }

    /// Seconds after which the same request may succeed.
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// The setting that refused the request, if it is to be reported to the operator.
    pub fn limitation(&self) -> Option<Limitation> {
        self.limited_by
    }

    /// The internal cause. It is logged and never shown to the caller.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }
}

/// Rounds up to whole seconds, at least 1, so that a retry after this time is not too early.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.cause, &self.public) {
            (Some(cause), _) => write!(f, "{cause}"),
            (None, Public::Detail(text)) => f.write_str(text),
            (None, Public::Refusal { detail, .. }) => f.write_str(detail),
            (None, Public::Fields(fields)) => {
                let line = |(field, messages): (&str, &[Cow<'static, str>])| format!("{field}: {}", messages.join(" "));
                f.write_str(&fields.iter().map(line).collect::<Vec<_>>().join("; "))
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause().map(|cause| cause as _)
    }
}

/// Why the configuration is invalid: one line with the source, the key and the accepted values.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

impl From<FieldErrors> for Error {
    fn from(fields: FieldErrors) -> Self {
        Self::with_public(Kind::Invalid, Public::Fields(fields))
    }
}
