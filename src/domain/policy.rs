//! The configured rules for codes.

use std::time::Duration;

use crate::domain::code::CodeLength;
use crate::domain::timestamp::Timestamp;

/// The section `[otp]` of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The validity of a code without its own `valid_to`.
    pub expiration: Duration,
    pub code_length: CodeLength,
    /// The number of attempts per code.
    pub max_attempts: u32,
    /// The minimum time between two messages to one recipient for one purpose.
    pub resend_cooldown: Duration,
    /// The number of consecutive failures after which a recipient is locked out. `None`: never.
    pub max_consecutive_failures: Option<u32>,
}

impl Policy {
    /// The maximum validity of a sent code from its issue (NIST SP 800-63B-4, 3.1.3.2).
    pub const SENT_CODE_LIVES: Duration = Duration::from_secs(600);

    /// Returns when a code that is issued for sending at `issued_at` expires.
    pub fn sent_valid_to(&self, issued_at: Timestamp) -> Timestamp {
        issued_at.plus(self.expiration.min(Self::SENT_CODE_LIVES))
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            expiration: Duration::from_secs(300),
            code_length: CodeLength::default(),
            max_attempts: 5,
            resend_cooldown: Duration::from_secs(60),
            max_consecutive_failures: Some(100),
        }
    }
}
