//! The list of messages.

use crate::domain::attempt::Outcome;
use crate::domain::listing::Period;
use crate::domain::message::Channel;
use crate::domain::otp::OtpId;
use crate::domain::outbox::MessageState;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;

/// A query for one page of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageQuery {
    pub filter: MessageFilter,
    /// Only messages with a lower id: the last id of the page before.
    pub before: Option<i64>,
    /// The maximum number of messages of the page.
    pub limit: usize,
}

/// Conditions that every listed message meets. `None`: no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    pub state: Option<MessageState>,
    /// The name of a provider that tried to deliver the message.
    pub provider: Option<String>,
    /// When the message was requested.
    pub created: Period,
}

/// A page of messages, newest first.
#[derive(Clone, Debug)]
pub struct MessagePage {
    pub messages: Vec<ListedMessage>,
    /// Whether older messages match as well.
    pub has_more: bool,
}

/// A message in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedMessage {
    pub id: i64,
    pub otp_id: OtpId,
    /// `None`: the row of the code is damaged.
    pub recipient: Option<Recipient>,
    pub channel: Channel,
    pub state: MessageState,
    /// The last attempt.
    pub last_attempt: Option<LastAttempt>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The last attempt to deliver a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastAttempt {
    pub provider: String,
    /// `None`: it is in progress.
    pub outcome: Option<Outcome>,
    /// Why the message was not sent. The text contains no code, recipient or key.
    pub error: Option<String>,
}
