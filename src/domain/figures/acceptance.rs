//! The providers that accepted the messages with a code. They decide for which provider a code counts.

use crate::domain::timestamp::Timestamp;

/// The provider of the last accepted message with a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deliverer {
    /// The code had no message. If it was issued for sending, its recipient was a test recipient.
    NoMessage,
    /// No provider has accepted a message.
    NotKnown,
    Provider(String),
}

impl Deliverer {
    pub fn provider(&self) -> Option<&str> {
        match self {
            Self::Provider(name) => Some(name),
            Self::NoMessage | Self::NotKnown => None,
        }
    }
}

/// The state of a code after a provider accepted a message with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// When the code was issued for sending. `None`: staff created or changed it.
    pub issued_at: Option<Timestamp>,
    pub is_verified: bool,
    /// The number of accepted messages with the code.
    pub accepted: u32,
    /// Those that this provider accepted.
    pub by_provider: u32,
}

impl Acceptance {
    /// Whether the code counts as sent by this provider. A second message with the code does not count again.
    pub fn counts_as_sent(self) -> bool {
        self.by_provider == 1
    }

    /// Whether the verification has not been counted for a provider. The code was verified before otpd stored that its
    /// first message was accepted, for example because the provider answered late.
    pub fn counts_as_verified(self) -> bool {
        self.is_verified && self.accepted == 1
    }
}
