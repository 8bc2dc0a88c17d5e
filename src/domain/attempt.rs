//! Attempts to send a message through a provider, and their outcomes.

use std::str::FromStr;

use crate::domain::timestamp::Timestamp;

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub const ALL: [Self; 6] =
        [Self::Sent, Self::Retry, Self::Next, Self::BadRecipient, Self::Misconfigured, Self::Unknown];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Retry => "retry",
            Self::Next => "next",
            Self::BadRecipient => "bad_recipient",
            Self::Misconfigured => "misconfigured",
            Self::Unknown => "unknown",
        }
    }
}

impl FromStr for Outcome {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text).ok_or("no outcome of an attempt")
    }
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
