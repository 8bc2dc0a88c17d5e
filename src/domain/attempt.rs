//! Attempts to send a message through a provider, and their outcomes.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::domain::timestamp::Timestamp;

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", parse_err_ty = crate::domain::Refusal, parse_err_fn = no_outcome)]
pub enum Outcome {
    Sent,
    /// The provider may accept it later.
    Retry,
    /// This provider will not accept it; another may.
    Next,
    /// The recipient can't be reached through any provider.
    BadRecipient,
    /// The provider refuses all messages until the operator fixes a setting or the account.
    Misconfigured,
    /// It is not known whether the provider accepted it.
    Unknown,
}

impl Outcome {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn no_outcome(_: &str) -> &'static str {
    "not an outcome of an attempt"
}

/// The result that a provider reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub outcome: Outcome,
    /// The provider's id of the message.
    pub provider_message_id: Option<String>,
    /// Why it was not sent, in otpd's words. The text contains no code, recipient or key.
    pub error: Option<String>,
}

impl Report {
    /// The provider accepted the message.
    pub fn sent(provider_message_id: Option<String>) -> Self {
        Self { outcome: Outcome::Sent, provider_message_id, error: None }
    }

    /// The provider did not accept the message, or the outcome is unknown. `error` contains no code, recipient or key.
    pub fn not_sent(outcome: Outcome, error: impl Into<String>) -> Self {
        Self { outcome, provider_message_id: None, error: Some(error.into()) }
    }
}

/// One attempt to send a message through one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub provider: String,
    /// `None`: the attempt is in progress.
    pub outcome: Option<Outcome>,
    pub provider_message_id: Option<String>,
    pub error: Option<String>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}
