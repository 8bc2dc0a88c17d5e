//! Whether what a person typed is the code that was sent to them.

use crate::domain::code::Code;
use crate::domain::otp::{Otp, OtpId};
use crate::domain::timestamp::Timestamp;
use crate::error::Reason;

/// Codes of one recipient and purpose that a guess is held against: the newest. More would only help who guesses.
pub const COMPARED: usize = 3;

/// What became of a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is this code.
    Right(OtpId),
    /// It is none of the codes that are usable.
    Wrong,
    /// The newest code has been verified before.
    Used,
    /// The newest code has no guesses left.
    OutOfAttempts,
    Expired,
    /// There is no code, or there never was.
    NotFound,
}

/// Holds a guess against codes of the recipient and the purpose, the newest first. Every usable one is compared, in
/// constant time, whatever the others say.
pub fn judge(codes: &[Otp], guess: Code, now: Timestamp) -> Verdict {
    let usable = codes.iter().filter(|otp| otp.is_allow(now)).take(COMPARED);
    let (mut compared, mut right) = (false, None);
    for otp in usable {
        compared = true;
        if otp.code.is(guess) {
            right = right.or(Some(otp.id));
        }
    }
    match (right, codes.first()) {
        (Some(id), _) => Verdict::Right(id),
        (None, _) if compared => Verdict::Wrong,
        (None, None) => Verdict::NotFound,
        (None, Some(newest)) if newest.consumed_at.is_some() => Verdict::Used,
        (None, Some(newest)) if newest.valid_to <= now => Verdict::Expired,
        (None, Some(_)) => Verdict::OutOfAttempts,
    }
}

/// Whether what was typed is the newest code once more, although it was used before or has expired. That is no guess: a
/// button was tapped twice, an answer was lost, a message came late.
pub fn repeats(codes: &[Otp], typed: Code) -> bool {
    codes.first().is_some_and(|newest| newest.code.is(typed))
}

impl Verdict {
    /// Its name in the measurements.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right(_) => "right",
            Self::Wrong => Reason::WrongCode.as_str(),
            Self::Used => Reason::Used.as_str(),
            Self::OutOfAttempts => Reason::TooManyAttempts.as_str(),
            Self::Expired => Reason::Expired.as_str(),
            Self::NotFound => Reason::NotFound.as_str(),
        }
    }
}
