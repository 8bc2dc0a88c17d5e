//! The check of an entered code against the stored codes.

use crate::domain::code::Code;
use crate::domain::otp::Otp;
use crate::domain::timestamp::Timestamp;
use crate::error::Reason;

/// The number of codes, newest first, that an attempt is compared with, per recipient and purpose. A larger number
/// makes guessing easier.
pub const COMPARED: usize = 3;

/// The result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The attempt matches a usable code.
    Right,
    /// The attempt matches no usable code. If no code is usable, the reason is the state of the newest code.
    Refused(Reason),
}

/// Compares an attempt with the usable codes among `codes`, at most [`COMPARED`] of them. `codes` are those of one
/// recipient and purpose, newest first. All comparisons run in constant time, even after a match.
pub fn verdict(codes: &[Otp], attempt: Code, now: Timestamp) -> Verdict {
    let usable = codes.iter().filter(|otp| otp.is_allow(now)).take(COMPARED);
    let (mut compared, mut right) = (false, false);
    for otp in usable {
        compared = true;
        right |= otp.code.is(attempt);
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

/// Whether `typed` is the newest code, even if that code is consumed or expired. Such a request is not an attack: the
/// user tapped a button twice, the response was lost, or the message arrived late.
pub fn repeats(codes: &[Otp], typed: Code) -> bool {
    codes.first().is_some_and(|newest| newest.code.is(typed))
}

impl Verdict {
    /// All verdicts that [`verdict`] returns.
    pub const ALL: [Self; 6] = [
        Self::Right,
        Self::Refused(Reason::WrongCode),
        Self::Refused(Reason::NotFound),
        Self::Refused(Reason::Used),
        Self::Refused(Reason::Expired),
        Self::Refused(Reason::TooManyAttempts),
    ];

    /// The name of the verdict in the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Refused(reason) => reason.as_str(),
        }
    }
}
