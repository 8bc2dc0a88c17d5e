//! The project's rules for codes, as the operator set them.

use std::time::Duration;

use crate::domain::code::CodeLength;
use crate::domain::timestamp::Timestamp;

/// `[otp]` of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How long a code is valid that says nothing else.
    pub expiration: Duration,
    pub code_length: CodeLength,
    /// Guesses that one code allows.
    pub max_attempts: u32,
    /// Between two messages to one recipient for one purpose.
    pub resend_cooldown: Duration,
    /// Failures without a success between them after which a recipient is refused; `None`: never.
    pub max_consecutive_failures: Option<u32>,
}

impl Policy {
    /// The longest that a sent code may live from its first issue (NIST SP 800-63B-4, 3.1.3.2).
    pub const SENT_CODE_LIVES: Duration = Duration::from_secs(600);

    /// When a code expires that is first issued now, to be sent.
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
