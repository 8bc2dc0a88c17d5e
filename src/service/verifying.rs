//! Codes that are verified. A guess is counted in the transaction that judges it, right or wrong: a wrong code is an outcome
//! that is committed, and becomes an error only behind the commit.

use std::time::Duration;

use crate::domain::code::Code;
use crate::domain::limit::{Event, Limit, Subjects};
use crate::domain::otp::{Otp, OtpId};
use crate::domain::purpose::Purpose;
use crate::domain::recipient::Recipient;
use crate::domain::token::ApiToken;
use crate::domain::user::Permission;
use crate::domain::verification::{Verdict, judge, repeats};
use crate::error::{Error, Reason, Result};
use crate::service::limits::Guard;
use crate::service::{Call, Service};
use crate::store::{Db, otps, recipients};

/// Nothing but the staff ends this; who asks again tomorrow asks soon enough.
const UNTIL_RESET: Duration = Duration::from_secs(24 * 3600);

/// What a caller asks to be verified.
#[derive(Clone, Debug)]
pub struct VerifyRequest {
    pub recipient: Recipient,
    pub purpose: Purpose,
    pub code: Code,
}

/// A code that was verified, and is consumed.
#[derive(Clone, Debug)]
pub struct Verified {
    pub id: OtpId,
    pub recipient: Recipient,
}

impl Service {
    /// Consumes the code that a person typed, if it is theirs, once.
    pub async fn verify_otp(&self, token: ApiToken, request: Result<VerifyRequest>) -> Result<Verified> {
        let service = self.clone();
        let verify = move |db: &Db, call: &Call, request: &VerifyRequest| {
            let (verdict, attempts_left) = service.verify(db, call, request)?;
            Ok((verdict, attempts_left, request.recipient.clone()))
        };
        let (verdict, attempts_left, recipient) =
            self.write_checked(token, Permission::VerifyOtp, request, verify).await?;
        self.store.metrics().verified(verdict.as_str());
        let refused = |reason, detail| Err(Error::not_verified(reason, detail, attempts_left));
        match verdict {
            Verdict::Right(id) => Ok(Verified { id, recipient }),
            Verdict::Wrong => refused(Reason::WrongCode, "The code is wrong."),
            Verdict::Used => refused(Reason::Used, "The code has been used."),
            Verdict::Expired => refused(Reason::Expired, "The code has expired."),
            Verdict::NotFound => refused(Reason::NotFound, "There is no code."),
            Verdict::OutOfAttempts => Err(Error::too_many_attempts(self.policy.resend_cooldown)),
        }
    }

    /// The verdict, and the guesses that are left.
    fn verify(&self, db: &Db, call: &Call, request: &VerifyRequest) -> Result<(Verdict, u32)> {
        let VerifyRequest { recipient, purpose, code } = request;
        let subjects = Subjects { recipient, token_id: call.token_id };
        self.require_not_locked_out(db, recipient)?;
        self.limits.require_room(db, &Limit::OF_VERIFYING, &subjects, call.now)?;
        let known = otps::list_of_recipient(db, recipient, purpose, call.now)?;
        let verdict = judge(&known, *code, call.now);
        match verdict {
            Verdict::Right(_) => {
                // Two codes may be the same; what was typed works once.
                let same = known.into_iter().filter(|otp| otp.is_allow(call.now) && otp.code.is(*code));
                same.map(|otp| otp.consumed(call.now)).try_for_each(|otp| otps::update_use(db, &otp))?;
                recipients::forget_failures(db, recipient)?;
                return Ok((verdict, 0));
            }
            Verdict::OutOfAttempts => return Ok((verdict, 0)),
            Verdict::Used | Verdict::Expired if repeats(&known, *code) => return Ok((verdict, 0)),
            Verdict::Wrong | Verdict::Used | Verdict::Expired | Verdict::NotFound => {}
        }
        let usable = known.into_iter().filter(|otp| otp.is_allow(call.now));
        let mut attempts_left = 0;
        for otp in usable {
            let guessed_at = Otp { attempts_left: otp.attempts_left.saturating_sub(1), ..otp };
            otps::update_use(db, &guessed_at)?;
            attempts_left = attempts_left.max(guessed_at.attempts_left);
        }
        if verdict != Verdict::Wrong {
            recipients::update_stand_in(db)?;
        }
        recipients::add_failure(db, recipient)?;
        Guard::count(db, &[Event::FailureOf, Event::FailureBy], &subjects, call.now)?;
        let budget = self.limits.attempts_left(db, &subjects, call.now)?;
        Ok((verdict, attempts_left.min(budget.unwrap_or(u32::MAX))))
    }

    /// Refuses a recipient who has failed so often that only staff can help.
    pub(super) fn require_not_locked_out(&self, db: &Db, recipient: &Recipient) -> Result<()> {
        let Some(most) = self.policy.max_consecutive_failures else { return Ok(()) };
        if recipients::consecutive_failures(db, recipient)? < most {
            return Ok(());
        }
        let detail = "Too many failures in a row. Staff has to reset the recipient.";
        let refusal = Error::limited(Reason::TooManyAttempts, detail, UNTIL_RESET);
        Err(refusal.limited_by(("otp.max_consecutive_failures", most)))
    }
}
