//! Delivery of a message: providers are tried in turn until one accepts it or its code expires.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::domain::attempt::Attempt;
use crate::domain::message::{Channel, Envelope};
use crate::domain::otp::OtpId;
use crate::domain::timestamp::Timestamp;

/// The state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", parse_err_ty = crate::domain::Refusal, parse_err_fn = no_state)]
pub enum MessageState {
    /// Waiting for its first or next attempt.
    Queued,
    /// An attempt is in progress.
    Sending,
    /// A provider accepted it.
    Sent,
    /// A provider reported that it arrived.
    Delivered,
    /// All providers that accepted it reported that it did not arrive.
    Undelivered,
    /// As `Undelivered`, because the recipient is on a black list.
    Blocked,
    /// A provider may have accepted it. It is not sent again, because the recipient could get it twice.
    Unknown,
    /// All providers refused it.
    Failed,
    /// Its code expired before a provider accepted it.
    Expired,
    /// Before a provider accepted it, its code was changed or consumed, or had no attempts left, or was sent again.
    Cancelled,
}

impl MessageState {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn no_state(_: &str) -> &'static str {
    "not a state of a message"
}

/// A message of the outbox.
#[derive(Clone, Debug)]
pub struct StoredMessage {
    pub id: i64,
    pub otp_id: OtpId,
    /// Contains the channel of the next attempt, or of the last one.
    pub envelope: Envelope,
    /// The channels that are used if this one does not reach the recipient.
    pub next_channels: Vec<Channel>,
    pub state: MessageState,
    /// The channel in which it was sent again because a provider reported that it did not arrive.
    pub fallback_channel: Option<Channel>,
    /// Whether it must not be sent again: its code was changed, or a new code was sent.
    pub is_closed: bool,
    /// Whether the figures contain it.
    pub is_counted: bool,
}

/// A stored message with its attempts.
#[derive(Clone, Debug)]
pub struct MessageRecord {
    pub id: i64,
    pub state: MessageState,
    /// The channel of the next attempt, or of the last one.
    pub channel: Channel,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What happens if it is not known whether a provider accepted a message (`delivery.on_unknown`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum OnUnknown {
    #[default]
    Stop,
    /// The next provider is tried. The recipient may get two messages.
    Next,
}

/// The next step of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send it through the provider with this index in the chain, at this time.
    Try { provider: usize, at: Timestamp },
    /// Send it through this channel, because the current one does not reach the recipient.
    NextChannel(Channel),
    /// Stop, with this final state.
    End(MessageState),
}
