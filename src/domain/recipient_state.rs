//! The state of a recipient in lock-outs and limits.

use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;

/// What keeps messages to a recipient, or verifications of its codes, from being accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientState {
    pub recipient: Recipient,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// Whether `otp.max_consecutive_failures` is reached. Only a reset ends this.
    pub is_locked: bool,
    /// The limits that are reached.
    pub pauses: Vec<Pause>,
    pub sends_per_hour: Usage,
    pub sends_per_day: Usage,
    pub failures_per_hour: Usage,
}

/// A limit that a recipient has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The setting of the limit.
    pub limit: &'static str,
    /// When the limit allows the next request.
    pub until: Timestamp,
}

/// The events of a recipient within the window of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub used: u32,
    /// `None`: there is no limit.
    pub allowed: Option<u32>,
}

/// The recipients that are locked or paused.
#[derive(Clone, Debug)]
pub struct LockedRecipients {
    pub recipients: Vec<RecipientState>,
    /// Whether there are more of them, or may be.
    pub has_more: bool,
}

impl RecipientState {
    /// Whether the recipient is locked or paused.
    pub fn is_limited(&self) -> bool {
        self.is_locked || !self.pauses.is_empty()
    }

    /// When the last pause ends. `None`: there is no pause, or only a reset ends the lock.
    pub fn until(&self) -> Option<Timestamp> {
        self.pauses.iter().map(|pause| pause.until).max().filter(|_| !self.is_locked)
    }
}
