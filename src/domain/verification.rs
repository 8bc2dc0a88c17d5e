//! Whether what a person typed is the code that was sent to them.

use crate::domain::code::Code;
use crate::domain::otp::Otp;
use crate::domain::timestamp::Timestamp;
use crate::error::Reason;

/// Codes of one recipient and purpose that a guess is held against: the newest. More would only help who guesses.
pub const COMPARED: usize = 3;

/// What became of a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is one that is usable.
    Right,
    /// It is none that is usable; where none is, what is wrong with the newest.
    Refused(Reason),
}

/// Holds a guess against codes of the recipient and the purpose, the newest first. Every usable one is compared, in
/// constant time, whatever the others say.
pub fn judge(codes: &[Otp], guess: Code, now: Timestamp) -> Verdict {
    let usable = codes.iter().filter(|otp| otp.is_allow(now)).take(COMPARED);
    let (mut compared, mut right) = (false, false);
    for otp in usable {
        compared = true;
        right |= otp.code.is(guess);
    }
    Verdict::Refused(match codes.first() {
        _ if right => return Verdict::Right,
        _ if compared => Reason::WrongCode,
        None => Reason::NotFound,
        Some(newest) if newest.consumed_at.is_some() => Reason::Used,
        Some(newest) if !newest.is_valid(now) => Reason::Expired,
        Some(_) => Reason::TooManyAttempts,
    })
}

/// Whether what was typed is the newest code once more, although it was used before or has expired. That is no guess: a
/// button was tapped twice, an answer was lost, a message came late.
pub fn repeats(codes: &[Otp], typed: Code) -> bool {
    codes.first().is_some_and(|newest| newest.code.is(typed))
}

impl Verdict {
    /// Every one that [`judge`] comes to.
    pub const ALL: [Self; 6] = [
        Self::Right,
        Self::Refused(Reason::WrongCode),
        Self::Refused(Reason::NotFound),
        Self::Refused(Reason::Used),
        Self::Refused(Reason::Expired),
        Self::Refused(Reason::TooManyAttempts),
    ];

    /// Its name in the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Refused(reason) => reason.as_str(),
        }
    }
}
