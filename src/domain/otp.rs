//! A one-time password, how a new one begins, and how a patch is laid over a stored one.

use std::time::Duration;

use crate::domain::clock::is_trusted;
use crate::domain::code::Code;
use crate::domain::policy::Policy;
use crate::domain::purpose::Purpose;
use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};

/// The number of a stored code: assigned by the store, from 1 up, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtpId(i64);

impl OtpId {
    /// Of a code that the store has not numbered yet.
    const NONE: Self = Self(0);

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

const LAST_MINUTE: Duration = Duration::from_secs(60);

/// A stored code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otp {
    pub id: OtpId,
    pub code: Code,
    pub recipient: Recipient,
    pub purpose: Purpose,
    pub valid_to: Timestamp,
    /// When it was first issued, to be sent; `None`: staff made it, or took it over.
    pub issued_at: Option<Timestamp>,
    /// When it was last asked to be sent.
    pub sent_at: Option<Timestamp>,
    /// Guesses that may still be made; none once it is consumed.
    pub attempts_left: u32,
    /// When it was verified; it never is again.
    pub consumed_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Otp {
    /// A code that staff makes at `now`. It is for `login`.
    pub fn made(new: &NewOtp, now: Timestamp, policy: &Policy) -> Self {
        Self {
            id: OtpId::NONE,
            code: new.code,
            recipient: new.recipient.clone(),
            purpose: Purpose::default(),
            valid_to: new.valid_to.unwrap_or_else(|| now.plus(policy.expiration)),
            issued_at: None,
            sent_at: None,
            attempts_left: policy.max_attempts,
            consumed_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// A code that is issued at `now`, to be sent.
    pub fn issued(code: Code, recipient: Recipient, purpose: Purpose, now: Timestamp, policy: &Policy) -> Self {
        let made = Self::made(&NewOtp { code, recipient, valid_to: None }, now, policy);
        Self { purpose, valid_to: policy.sent_valid_to(now), issued_at: Some(now), sent_at: Some(now), ..made }
    }

    /// The code once it has been verified.
    #[must_use]
    pub fn consumed(self, now: Timestamp) -> Self {
        Self { attempts_left: 0, consumed_at: Some(now), ..self }
    }

    /// A code that is issued at `now` because this one is about to expire. This one stays valid until then; the attempts
    /// that are left are those of both.
    pub fn succeeded_by(&self, code: Code, now: Timestamp, policy: &Policy) -> Self {
        let issued = Self::issued(code, self.recipient.clone(), self.purpose.clone(), now, policy);
        Self { attempts_left: self.attempts_left, ..issued }
    }

    /// Whether a further request to send repeats this code. In the last minute of its life, and past half of it, the
    /// recipient would hardly have the time to type it.
    pub fn is_worth_repeating(&self, now: Timestamp) -> bool {
        let left = self.valid_to.since(now);
        let lifetime = self.valid_to.since(self.issued_at.unwrap_or(self.created_at));
        left >= LAST_MINUTE || left * 2 >= lifetime
    }

    /// Whether the code has not expired. Its validity is set when it is issued, created or updated. If that moment is later
    /// than now, the clock was wrong then, and the code counts as expired. An update after the clock was corrected sets a
    /// validity that ends before `updated_at`, which never lies before `created_at`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        now < self.valid_to && (is_trusted(self.updated_at, now) || self.valid_to <= self.updated_at)
    }

    /// Whole seconds for which the code is still valid.
    pub fn ttl(&self, now: Timestamp) -> u64 {
        if self.is_valid(now) { self.valid_to.seconds_after(now) } else { 0 }
    }

    /// Whether the code may still be used.
    pub fn is_allow(&self, now: Timestamp) -> bool {
        self.is_valid(now) && self.attempts_left > 0
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

/// What a patch does to a field that may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    Keep,
    Clear,
    Set(T),
}

impl<T> Change<T> {
    /// The value, where nothing was stored before that could be kept.
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
    ///
    /// A code that was sent becomes the staff's own, for they say from now on how long it lives. Another `code` is a new
    /// one, with all its guesses; the same one stays used if it was used.
    pub fn apply(&self, stored: &Otp, now: Timestamp, policy: &Policy) -> Result<Otp> {
        let is_new = self.code.is_some_and(|code| code != stored.code);
        Ok(Otp {
            id: stored.id,
            code: self.code.unwrap_or(stored.code),
            purpose: stored.purpose.clone(),
            issued_at: None,
            sent_at: stored.sent_at,
            attempts_left: if is_new { policy.max_attempts } else { stored.attempts_left },
            consumed_at: stored.consumed_at.filter(|_| !is_new),
            recipient: Recipient::exactly_one(
                self.mobile_number.over(stored.recipient.mobile_number()),
                self.email.over(stored.recipient.email()),
            )?,
            valid_to: self.valid_to.unwrap_or_else(|| now.plus(policy.expiration)),
            created_at: stored.created_at,
            updated_at: now.max(stored.created_at),
        })
    }
}

#[cfg(test)]
mod tests;
