//! Counts of codes and messages.

use crate::domain::figures::{Figure, share};
use crate::domain::outbox::MessageState;

/// Codes by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Codes {
    pub sent: u64,
    pub verified: u64,
}

/// Messages by final state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    pub sent: u64,
    pub unknown: u64,
    pub failed: u64,
    pub expired: u64,
    pub cancelled: u64,
}

impl Codes {
    /// Adds to the verified codes, or else to the sent ones.
    pub fn add(&mut self, figure: Figure, count: u64) {
        match figure {
            Figure::CodesVerified => self.verified += count,
            _ => self.sent += count,
        }
    }

    /// `None`: no code was sent.
    pub fn verified_share(self) -> Option<f64> {
        share(self.verified, self.sent)
    }
}

impl Outcomes {
    pub(super) fn add(&mut self, state: &str, count: u64) {
        match state.parse() {
            Ok(MessageState::Sent) => self.sent += count,
            Ok(MessageState::Unknown) => self.unknown += count,
            Ok(MessageState::Failed) => self.failed += count,
            Ok(MessageState::Expired) => self.expired += count,
            Ok(MessageState::Cancelled) => self.cancelled += count,
            // Counted when a provider accepted them.
            Ok(MessageState::Delivered | MessageState::Undelivered | MessageState::Blocked) => {}
            Ok(MessageState::Queued | MessageState::Sending) | Err(_) => {}
        }
    }

    /// Messages that were not sent for certain, although their codes were wanted.
    pub fn not_sent(self) -> u64 {
        self.unknown + self.failed + self.expired
    }
}
