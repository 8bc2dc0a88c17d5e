//! `Idempotency-Key`: a repeated request gets the first response again and has no further effect
//! (draft-ietf-httpapi-idempotency-key-header).

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::domain::otp::{Otp, OtpId};
use crate::domain::timestamp::Timestamp;

/// The SHA-256 hash of a key chosen by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey([u8; 32]);

impl IdempotencyKey {
    /// How long a response is kept.
    pub const KEPT: Duration = Duration::from_secs(24 * 3600);

    /// Parses the header value: 1 to 255 printable ASCII characters. The surrounding quotes that the draft requires are
    /// optional, because few clients send them.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let sound = (1..=255).contains(&bare.len()) && bare.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        sound.then(|| Self(Sha256::digest(bare.as_bytes()).into()))
    }

    pub fn hash(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The data of the response to a request to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendReceipt {
    pub id: OtpId,
    pub valid_to: Timestamp,
    /// When the message was requested.
    pub sent_at: Timestamp,
}

impl SendReceipt {
    pub fn new(otp: &Otp, now: Timestamp) -> Self {
        Self { id: otp.id, valid_to: otp.valid_to, sent_at: now }
    }
}
