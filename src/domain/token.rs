//! API tokens. A token is shown once when it is created and stored only as a hash.

use std::fmt;

use rand::CryptoRng;
use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The prefix of every generated token. People and secret scanners recognise a token by it.
const PREFIX: &str = "otpd_";
/// Random base62 characters: 43 × log₂ 62 = 256 bits.
const RANDOM_CHARS: usize = 43;
/// Base62 characters of a CRC-32 over all preceding characters. A mistyped token is refused without a database query.
const CHECKSUM_CHARS: usize = 6;
/// The minimum length of a token chosen by the operator (`auth.bootstrap_token`).
const CHOSEN_MIN_CHARS: usize = 32;
const CHOSEN_MIN_DISTINCT: usize = 10;
/// The number of characters that lists show of a generated token and of a chosen token.
const LISTED_GENERATED: usize = PREFIX.len() + 7;
const LISTED_CHOSEN: usize = 6;

/// The secret token. `Debug` hides it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken(String);

impl ApiToken {
    /// Generates a token of 256 random bits.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut token = String::from(PREFIX);
        Alphanumeric.append_string(rng, &mut token, RANDOM_CHARS);
        let checksum = checksum(&token);
        Self(token + &checksum)
    }

    /// Parses a token chosen by the operator, for unattended installs. It has 32 or more printable ASCII characters
    /// without spaces, at least 10 of them different.
    ///
    /// # Errors
    /// A sentence that states what is accepted.
    pub fn chosen(text: &str) -> Result<Self, &'static str> {
        let mut distinct: Vec<u8> = text.bytes().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let printable = text.bytes().all(|b| b.is_ascii_graphic());
        if text.len() < CHOSEN_MIN_CHARS || distinct.len() < CHOSEN_MIN_DISTINCT || !printable {
            return Err("32 or more printable ASCII characters without spaces, at least 10 of them different");
        }
        Self::parse(text).ok_or("a complete generated token, if it begins with otpd_")
    }

    /// Parses a token sent by a client. `None`: the token has the prefix of a generated token but a wrong checksum.
    pub fn parse(text: &str) -> Option<Self> {
        let genuine = !text.starts_with(PREFIX)
            || text
                .len()
                .checked_sub(CHECKSUM_CHARS)
                .and_then(|at| text.split_at_checked(at))
                .is_some_and(|(token, sum)| checksum(token) == sum);
        genuine.then(|| Self(text.to_owned()))
    }

    /// Whether a text is a complete generated token, with a valid checksum.
    pub fn is_generated(text: &str) -> bool {
        text.starts_with(PREFIX) && Self::parse(text).is_some()
    }

    /// Returns the hash that is stored.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }

    /// The first characters, which identify the token in lists and for `token revoke`. They do not reveal the rest.
    pub fn prefix(&self) -> &str {
        let chars = if self.0.starts_with(PREFIX) { LISTED_GENERATED } else { LISTED_CHOSEN };
        self.0.get(..chars).unwrap_or(&self.0)
    }

    /// Returns the token in clear text. It is shown once, when it is created.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(***)")
    }
}

/// A token as identified by an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenName {
    /// All characters that lists show.
    Prefix(String),
    /// The whole token.
    Whole(ApiToken),
}

impl TokenName {
    /// Parses the prefix that lists show, or a whole token.
    ///
    /// # Errors
    /// A sentence that states what is accepted. It does not contain `text`, which may be a secret.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let is_generated = text.starts_with(PREFIX);
        let printable = text.bytes().all(|b| b.is_ascii_graphic());
        let prefix = |length: usize| text.get(..length).map(|prefix| Self::Prefix(prefix.to_owned()));
        let named = match ApiToken::parse(text) {
            _ if !printable => None,
            Some(token) if is_generated || text.len() >= CHOSEN_MIN_CHARS => Some(Self::Whole(token)),
            // A longer text with a wrong checksum is a mistyped token.
            _ if is_generated && text.len() == LISTED_GENERATED => prefix(LISTED_GENERATED),
            _ if !is_generated && text.len() == LISTED_CHOSEN => prefix(LISTED_CHOSEN),
            _ => None,
        };
        named.ok_or("give the complete prefix that `otpd token list` shows, or the complete token")
    }
}

/// The SHA-256 hash of a token or of another random key. A fast hash is sufficient, because 256 random bits can't be
/// guessed.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Returns the hash of a text, which need not be a valid token.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares in constant time.
    pub fn is(&self, stored: &[u8]) -> bool {
        self.0.ct_eq(stored).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(***)")
    }
}

/// Returns the CRC-32 of `token` as six base62 digits.
fn checksum(token: &str) -> String {
    const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let crc = crc32fast::hash(token.as_bytes());
    (0..CHECKSUM_CHARS as u32).rev().map(|place| char::from(BASE62[(crc / 62u32.pow(place) % 62) as usize])).collect()
}

#[cfg(test)]
mod tests;
