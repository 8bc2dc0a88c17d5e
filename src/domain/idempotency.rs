//! `Idempotency-Key`: who repeats a request gets the first answer again, and nothing happens twice
//! (draft-ietf-httpapi-idempotency-key-header).

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::domain::otp::{Otp, OtpId};
use crate::domain::timestamp::Timestamp;

/// A key as a client made it up, hashed: it is compared, and never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey([u8; 32]);

impl IdempotencyKey {
    /// How long an answer is kept.
    pub const KEPT: Duration = Duration::from_secs(24 * 3600);

    /// Reads the header: 1 to 255 printable ASCII characters. Quotes around it, which the draft asks for and few send,
    /// count for nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let sound = (1..=255).contains(&bare.len()) && bare.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        sound.then(|| Self(Sha256::digest(bare.as_bytes()).into()))
    }

    pub fn hash(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What the answer to a request for a message holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendReceipt {
    pub id: OtpId,
    pub valid_to: Timestamp,
    /// When it was asked for.
    pub sent_at: Timestamp,
}

impl SendReceipt {
    pub fn new(otp: &Otp, now: Timestamp) -> Self {
        Self { id: otp.id, valid_to: otp.valid_to, sent_at: now }
    }
}
