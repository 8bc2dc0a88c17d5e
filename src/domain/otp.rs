//! One-time passwords: creation, validity and updates.

use std::time::Duration;

use crate::domain::clock::is_trusted;
use crate::domain::code::Code;
use crate::domain::policy::Policy;
use crate::domain::purpose::Purpose;
use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};

/// The id of a stored code. The store assigns ids from 1 up and never reuses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtpId(i64);

impl OtpId {
    /// The id of a code that is not stored yet.
    const NONE: Self = Self(0);

    /// Parses the last segment of a path.
    ///
    /// # Errors
    /// Not found, if the text is not a 64-bit integer (`docs/api.md`, "Errors").
    pub fn parse(text: &str) -> Result<Self> {
        text.parse().map(Self).map_err(|_| Error::otp_not_found())
    }

    /// An id from the store.
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
    /// When the code was issued for sending. `None`: staff created or changed it.
    pub issued_at: Option<Timestamp>,
    /// When sending was last requested.
    pub sent_at: Option<Timestamp>,
    /// Remaining attempts. 0 once the code is consumed.
    pub attempts_left: u32,
    /// When the code was verified. A consumed code is not accepted again.
    pub consumed_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Otp {
    /// A code that staff creates at `now`. Its purpose is `login`.
    pub fn created(new: &NewOtp, now: Timestamp, policy: &Policy) -> Self {
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

    /// A code that is issued for sending at `now`.
    pub fn issued(code: Code, recipient: Recipient, purpose: Purpose, now: Timestamp, policy: &Policy) -> Self {
        let created = Self::created(&NewOtp { code, recipient, valid_to: None }, now, policy);
        Self { purpose, valid_to: policy.sent_valid_to(now), issued_at: Some(now), sent_at: Some(now), ..created }
    }

    /// Returns the code as consumed at `now`.
    #[must_use]
    pub fn consumed(self, now: Timestamp) -> Self {
        Self { attempts_left: 0, consumed_at: Some(now), ..self }
    }

    /// A code that is issued at `now` because this one is about to expire. This one stays valid until it expires. The
    /// new code starts with the remaining attempts of this one, and a wrong attempt counts against both.
    pub fn succeeded_by(&self, code: Code, now: Timestamp, policy: &Policy) -> Self {
        let issued = Self::issued(code, self.recipient.clone(), self.purpose.clone(), now, policy);
        Self { attempts_left: self.attempts_left, ..issued }
    }

    /// Whether a further request to send repeats this code. It does not if less than a minute and less than half of the
    /// lifetime is left, because the recipient would hardly have time to enter the code.
    pub fn is_worth_repeating(&self, now: Timestamp) -> bool {
        let left = self.valid_to.since(now);
        let lifetime = self.valid_to.since(self.issued_at.unwrap_or(self.created_at));
        left >= LAST_MINUTE || left * 2 >= lifetime
    }

    /// Whether the code has not expired. Its validity is set when it is issued, created or updated. If that time is
    /// later than now, the clock was wrong, and the code counts as expired. The exception is an update after the clock
    /// was corrected: it can set a `valid_to` before `updated_at`, because `updated_at` is never before `created_at`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        now < self.valid_to && (is_trusted(self.updated_at, now) || self.valid_to <= self.updated_at)
    }

    /// Whole seconds for which the code is still valid. 0 if it has expired.
    pub fn ttl(&self, now: Timestamp) -> u64 {
        if self.is_valid(now) { self.valid_to.seconds_after(now) } else { 0 }
    }

    /// Whether the code is valid and has attempts left.
    pub fn is_allow(&self, now: Timestamp) -> bool {
        self.is_valid(now) && self.attempts_left > 0
    }
}

/// The input for a new code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOtp {
    pub code: Code,
    pub recipient: Recipient,
    /// `None`: the code expires after the configured expiration time.
    pub valid_to: Option<Timestamp>,
}

/// The change of an optional field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    Keep,
    Clear,
    Set(T),
}

impl<T> Change<T> {
    /// The value of a new object, for which [`Change::Keep`] means no value.
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

/// The fields of a PATCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtpPatch {
    pub code: Option<Code>,
    pub mobile_number: Change<MobileNumber>,
    pub email: Change<EmailAddress>,
    /// `None`: the validity is renewed by the configured expiration time, as the API page requires for updates.
    pub valid_to: Option<Timestamp>,
}

impl OtpPatch {
    /// A patch that only sets the end of the validity.
    pub fn expiring_at(valid_to: Timestamp) -> Self {
        Self { code: None, mobile_number: Change::Keep, email: Change::Keep, valid_to: Some(valid_to) }
    }

    /// Returns `stored` with this patch applied at `now`. The result must have exactly one recipient; otherwise this is
    /// an error. `updated_at` is never before `created_at`, even if the clock was set back.
    ///
    /// `issued_at` is cleared, because staff now sets the validity. `sent_at` is cleared if the recipient changes, because
    /// nothing was sent to the new one. A different `code` gets all attempts and is not
    /// consumed. The same `code` stays consumed if it was.
    pub fn apply(&self, stored: &Otp, now: Timestamp, policy: &Policy) -> Result<Otp> {
        let is_new = self.code.is_some_and(|code| code != stored.code);
        let recipient = Recipient::exactly_one(
            self.mobile_number.over(stored.recipient.mobile_number()),
            self.email.over(stored.recipient.email()),
        )?;
        Ok(Otp {
            id: stored.id,
            code: self.code.unwrap_or(stored.code),
            purpose: stored.purpose.clone(),
            issued_at: None,
            sent_at: stored.sent_at.filter(|_| recipient.key() == stored.recipient.key()),
            attempts_left: if is_new { policy.max_attempts } else { stored.attempts_left },
            consumed_at: stored.consumed_at.filter(|_| !is_new),
            recipient,
            valid_to: self.valid_to.unwrap_or_else(|| now.plus(policy.expiration)),
            created_at: stored.created_at,
            updated_at: now.max(stored.created_at),
        })
    }
}

#[cfg(test)]
mod tests;
