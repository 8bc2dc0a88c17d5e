//! A one-time password, how a new one begins, and how a patch is laid over a stored one.

use std::fmt;
use std::time::Duration;

use crate::domain::digits::to_ascii_digits;
use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, InvalidValue, Result};

/// The number of a stored code: assigned by the store, from 1 up, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtpId(i64);

impl OtpId {
    /// Reads the last part of a path.
    ///
    /// # Errors
    /// Not found, where it is no 64-bit integer (`api.md`, "Who may call").
    pub fn parse(text: &str) -> Result<Self> {
        text.parse().map(Self).map_err(|_| Error::otp_not_found())
    }

    /// The number that the store has assigned.
    pub(crate) fn from_stored(id: i64) -> Self {
        Self(id)
    }

    pub fn value(self) -> i64 {
        self.0
    }
}

/// The secret digits, as the integer that the API shows. `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(i64);

impl Code {
    /// The greatest integer that every JSON client reads exactly (2⁵³ − 1).
    pub const MAX: i64 = 9_007_199_254_740_991;

    pub fn new(value: i64) -> Result<Self, InvalidValue> {
        match value {
            ..0 => Err("Ensure this value is greater than or equal to 0.".into()),
            0..=Self::MAX => Ok(Self(value)),
            _ => Err("Ensure this value is less than or equal to 9007199254740991.".into()),
        }
    }

    /// Reads a string of digits, Persian and Arabic ones too, white space around it taken off.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let text = to_ascii_digits(text.trim());
        let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Self::not_an_integer());
        }
        let size = digits.parse().unwrap_or(i64::MAX);
        Self::new(if negative { -size } else { size })
    }

    pub fn not_an_integer() -> InvalidValue {
        "A valid integer is required.".into()
    }

    pub fn value(self) -> i64 {
        self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(***)")
    }
}

/// A stored code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otp {
    pub id: OtpId,
    pub code: Code,
    pub recipient: Recipient,
    pub valid_to: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Otp {
    /// Whole seconds for which the code is still valid.
    pub fn ttl(&self, now: Timestamp) -> u64 {
        self.valid_to.seconds_after(now)
    }

    /// Whether the code may still be used.
    pub fn is_allow(&self, now: Timestamp) -> bool {
        now < self.valid_to
    }
}

/// A code that the store has not numbered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOtp {
    pub code: Code,
    pub recipient: Recipient,
    /// `None`: as long as the project's expiration time says.
    pub valid_to: Option<Timestamp>,
}

impl NewOtp {
    /// When the code expires if it is made at `now`.
    pub fn valid_to(&self, now: Timestamp, expiration: Duration) -> Timestamp {
        self.valid_to.unwrap_or_else(|| now.plus(expiration))
    }
}

/// What a patch does to a field that may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    Keep,
    Clear,
    Set(T),
}

impl<T> Change<T> {
    /// What is there if nothing was before.
    pub fn into_set(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

impl<T: Clone> Change<T> {
    fn over(&self, stored: Option<&T>) -> Option<T> {
        match self {
            Self::Keep => stored.cloned(),
            Self::Clear => None,
            Self::Set(value) => Some(value.clone()),
        }
    }
}

/// The fields that a PATCH names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtpPatch {
    pub code: Option<Code>,
    pub mobile_number: Change<MobileNumber>,
    pub email: Change<EmailAddress>,
    /// `None`: renewed by the project's expiration time, which the page asks of an update in as many words.
    pub valid_to: Option<Timestamp>,
}

impl OtpPatch {
    /// `stored` with this patch laid over it at `now`; refused unless the result has exactly one recipient.
    /// `updated_at` never comes before `created_at`, whatever the clock did in between.
    pub fn apply(&self, stored: &Otp, now: Timestamp, expiration: Duration) -> Result<Otp> {
        Ok(Otp {
            id: stored.id,
            code: self.code.unwrap_or(stored.code),
            recipient: Recipient::exactly_one(
                self.mobile_number.over(stored.recipient.mobile_number()),
                self.email.over(stored.recipient.email()),
            )?,
            valid_to: self.valid_to.unwrap_or_else(|| now.plus(expiration)),
            created_at: stored.created_at,
            updated_at: now.max(stored.created_at),
        })
    }
}

#[cfg(test)]
mod tests;
