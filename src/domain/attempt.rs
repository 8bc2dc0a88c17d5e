//! Attempts to send a message through a provider, and their outcomes.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::domain::message::Channel;
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
    /// otpd ended during the attempt. The provider may have accepted it.
    Interrupted,
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

/// What a provider reports about a message that it accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", parse_err_ty = crate::domain::Refusal, parse_err_fn = no_status)]
pub enum DeliveryStatus {
    /// It is on its way, or the provider does not know yet.
    Waiting,
    Delivered,
    /// The operator or the device did not take it.
    Undelivered,
    /// The recipient is on a black list of the provider or the line.
    Blocked,
}

impl DeliveryStatus {
    pub const FINAL: [Self; 3] = [Self::Delivered, Self::Undelivered, Self::Blocked];

    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn no_status(_: &str) -> &'static str {
    "not a delivery status"
}

/// One attempt to send a message through one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub channel: Channel,
    pub provider: String,
    /// `None`: the attempt is in progress.
    pub outcome: Option<Outcome>,
    pub provider_message_id: Option<String>,
    pub error: Option<String>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// What the provider reported after it accepted the message. `None`: it does not report the delivery.
    pub status: Option<DeliveryStatus>,
    /// When the provider first reported this status.
    pub status_at: Option<Timestamp>,
}

impl Attempt {
    /// Whether the provider accepted the message, and has not reported that it did not arrive.
    pub fn is_on_its_way(&self) -> bool {
        self.outcome == Some(Outcome::Sent) && !self.has_not_arrived()
    }

    /// Whether the provider reported that the message arrived.
    pub fn has_arrived(&self) -> bool {
        self.status == Some(DeliveryStatus::Delivered)
    }

    /// Whether the provider accepted the message, and then reported that it did not arrive.
    pub fn has_not_arrived(&self) -> bool {
        matches!(self.status, Some(DeliveryStatus::Undelivered | DeliveryStatus::Blocked))
    }
}
