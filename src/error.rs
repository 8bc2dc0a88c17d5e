//! The one error a request can end with: what kind it is, what the caller may read, and, kept apart, what caused it.
//! It knows neither actix nor rusqlite; `http/error.rs` holds the table from kind to status.

mod fields;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

pub use crate::error::fields::{FieldErrors, InvalidValue};

/// The result of everything a caller may ask for.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was refused or failed. The list is closed: a new kind needs a row in `http/error.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nobody, or nobody we know, is calling.
    Unauthenticated,
    /// The caller is known and may not do this.
    PermissionDenied,
    /// There is no such thing.
    NotFound,
    /// The thing is there; this verb does not work on it.
    MethodNotAllowed,
    /// The body is in a format that is not read here.
    UnsupportedMediaType,
    /// The body is longer than the limit.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTooSlow,
    /// The request breaks a rule of the contract.
    Invalid,
    /// The same request is being worked on.
    Conflict,
    /// The request can be read, and contradicts an earlier one.
    Unprocessable,
    /// The caller sends more than it may; the same request may work later.
    Throttled,
    /// The store is busy or full; the same request may work later.
    Unavailable,
    /// A fault on our side.
    Internal,
}

/// Why a code was not verified or sent, for programs (`api.md`, "Send and verify").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        match self {
            Self::WrongCode => "wrong_code",
            Self::Expired => "expired",
            Self::NotFound => "not_found",
            Self::Used => "used",
            Self::TooManyAttempts => "too_many_attempts",
            Self::TooSoon => "too_soon",
            Self::RateLimited => "rate_limited",
        }
    }

    /// The same for people.
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

/// What the caller reads: one sentence, one that programs can tell by its reason, or the refusals by field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Public {
    Detail(Cow<'static, str>),
    Refusal { detail: &'static str, reason: Reason, attempts_left: Option<u32> },
    Fields(FieldErrors),
}

/// An error with its public text and its private cause.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    public: Public,
    retry_after: Option<u64>,
    limited_by: Option<Limitation>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A setting that refused a request, and what it is set to.
pub type Limitation = (&'static str, u32);

impl Error {
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::with_public(kind, Public::Detail(detail.into()))
    }

    fn with_public(kind: Kind, public: Public) -> Self {
        Self { kind, public, retry_after: None, limited_by: None, cause: None }
    }

    /// No row has this id (`api.md`, "Who may call"). The text is the one that Django gives for the resource.
    pub fn otp_not_found() -> Self {
        Self::new(Kind::NotFound, "No OTPCode matches the given query.")
    }

    pub fn permission_denied() -> Self {
        Self::new(Kind::PermissionDenied, "You do not have permission to perform this action.")
    }

    /// The caller has to wait this long. The text is DRF's.
    pub fn throttled(wait: Duration) -> Self {
        let seconds = whole_seconds(wait);
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let detail = format!("Request was throttled. Expected available in {seconds} {unit}.");
        Self { retry_after: Some(seconds), ..Self::new(Kind::Throttled, detail) }
    }

    /// A code was not verified (`api.md`, "Send and verify").
    pub fn not_verified(reason: Reason, attempts_left: u32) -> Self {
        let attempts_left = Some(attempts_left);
        Self::with_public(Kind::Invalid, Public::Refusal { detail: reason.detail(), reason, attempts_left })
    }

    /// The caller has to wait this long before it may send or verify again, and is told why.
    pub fn limited(reason: Reason, wait: Duration) -> Self {
        let public = Public::Refusal { detail: reason.detail(), reason, attempts_left: None };
        Self { retry_after: Some(whole_seconds(wait)), ..Self::with_public(Kind::Throttled, public) }
    }

    /// A recipient has failed too often to be heard; nothing but the staff ends it, so `wait` is a guess.
    pub fn locked_out(wait: Duration) -> Self {
        let detail = "Too many failures in a row. Staff has to reset the recipient.";
        let public = Public::Refusal { detail, reason: Reason::TooManyAttempts, attempts_left: None };
        Self { public, ..Self::limited(Reason::TooManyAttempts, wait) }
    }

    /// The same, by a setting of which the operator is to hear.
    pub fn limited_by(self, limitation: Limitation) -> Self {
        Self { limited_by: Some(limitation), ..self }
    }

    /// The store can't take the request now, and may in a second; `cause` is for the log.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::unavailable_as_logged().because(cause)
    }

    /// The store can't take the request now, for a cause that was logged when it began and is not logged again.
    pub fn unavailable_as_logged() -> Self {
        let detail = "Service temporarily unavailable, try again later.";
        Self { retry_after: Some(1), ..Self::new(Kind::Unavailable, detail) }
    }

    /// A fault on our side; `cause` is for the log.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Kind::Internal, "A server error occurred.").because(cause)
    }

    fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn public(&self) -> &Public {
        &self.public
    }

    /// Seconds after which the same request may work.
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// The setting that refused the request, where one did of which the operator is to hear.
    pub fn limitation(&self) -> Option<Limitation> {
        self.limited_by
    }

    /// What went wrong inside; for the log, never for the caller.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }
}

/// Rounded up, and never none: who comes back then does not come too early.
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

impl std::error::Error for Error {}

impl From<FieldErrors> for Error {
    fn from(fields: FieldErrors) -> Self {
        Self::with_public(Kind::Invalid, Public::Fields(fields))
    }
}
