//! Codes that are verified. A guess is counted in the transaction that judges it, right or wrong: a wrong code is an outcome
//! that is committed, and becomes an error only behind the commit.

use std::time::Duration;

use crate::domain::client::ClientNetwork;
use crate::domain::code::Code;
use crate::domain::limit::{Event, Limit, Subjects};
use crate::domain::otp::{Otp, OtpId};
use crate::domain::purpose::Purpose;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::Caller;
use crate::domain::verification::{Verdict, judge, repeats};
use crate::error::{Error, Reason, Result};
use crate::service::limits::Guard;
use crate::service::{Call, Service};
use crate::store::{Db, otps, recipients};

/// Nothing but the staff ends this; who asks again tomorrow asks soon enough.
const UNTIL_RESET: Duration = Duration::from_secs(24 * 3600);

/// The setting that says after how many failures in a row only staff can help.
pub(super) const MAX_CONSECUTIVE_FAILURES: &str = "otp.max_consecutive_failures";

/// What a caller asks to be verified.
#[derive(Clone, Debug)]
pub struct VerifyRequest {
    pub recipient: Recipient,
    pub purpose: Purpose,
    pub code: Code,
    /// The end user of the caller, who has limits of their own.
    pub client: Option<ClientNetwork>,
}

/// A code that was verified, and is consumed.
#[derive(Clone, Debug)]
pub struct Verified {
    pub id: OtpId,
    pub recipient: Recipient,
}

impl Service {
    /// Consumes the code that a person typed, if it is theirs, once.
    pub async fn verify_otp(&self, caller: &Caller, request: VerifyRequest) -> Result<Verified> {
        let service = self.clone();
        let (verdict, answer) = self.write(caller, move |db, call| service.verify(db, call, &request)).await?;
        self.store.metrics().verified(verdict.as_str());
        answer
    }

    /// The verdict, and the answer for behind the commit: a refusal too is an outcome that is kept.
    fn verify(&self, db: &Db, call: &Call, request: &VerifyRequest) -> Result<(Verdict, Result<Verified>)> {
        let VerifyRequest { recipient, purpose, code, client } = request;
        let subjects = Subjects { recipient, token_id: call.token_id, client: *client };
        self.require_not_locked_out(db, recipient)?;
        self.limits.require_room(db, &Limit::OF_VERIFYING, &subjects, call.now)?;
        let known = otps::list_of_recipient(db, recipient, purpose, call.now)?;
        let verdict = judge(&known, *code, call.now);
        let answer = match verdict {
            Verdict::Right => Ok(consume(db, known, *code, call.now)?),
            Verdict::Refused(Reason::TooManyAttempts) => {
                Err(Error::limited(Reason::TooManyAttempts, self.policy.resend_cooldown))
            }
            Verdict::Refused(reason @ (Reason::Used | Reason::Expired)) if repeats(&known, *code) => {
                Err(Error::not_verified(reason, 0))
            }
            Verdict::Refused(reason) => {
                let left = self.count_guess(db, known, &subjects, call.now)?;
                Err(Error::not_verified(reason, left))
            }
        };
        Ok((verdict, answer))
    }

    /// Counts a guess on every code that it was held against; how many are left.
    fn count_guess(&self, db: &Db, known: Vec<Otp>, subjects: &Subjects<'_>, now: Timestamp) -> Result<u32> {
        let mut most_left = None;
        for otp in known.into_iter().filter(|otp| otp.is_allow(now)) {
            let guessed_at = Otp { attempts_left: otp.attempts_left.saturating_sub(1), ..otp };
            otps::update_use(db, &guessed_at)?;
            most_left = most_left.max(Some(guessed_at.attempts_left));
        }
        if most_left.is_none() {
            recipients::update_dummy_row(db)?;
        }
        recipients::add_failure(db, subjects.recipient, now)?;
        Guard::count(db, &Event::OF_FAILURE, subjects, now)?;
        let budget = self.limits.attempts_left(db, subjects, now)?;
        Ok(most_left.unwrap_or(0).min(budget.unwrap_or(u32::MAX)))
    }

    /// Refuses a recipient who has failed so often that only staff can help.
    pub(super) fn require_not_locked_out(&self, db: &Db, recipient: &Recipient) -> Result<()> {
        let Some(most) = self.policy.max_consecutive_failures else { return Ok(()) };
        if recipients::consecutive_failures(db, recipient)? < most {
            return Ok(());
        }
        Err(Error::locked_out(UNTIL_RESET).limited_by((MAX_CONSECUTIVE_FAILURES, most)))
    }
}

/// Two codes may be the same: what was typed works once.
fn consume(db: &Db, known: Vec<Otp>, typed: Code, now: Timestamp) -> Result<Verified> {
    let mut verified = None;
    for otp in known.into_iter().filter(|otp| otp.is_allow(now) && otp.code.is(typed)) {
        let otp = otp.consumed(now);
        otps::update_use(db, &otp)?;
        recipients::forget_failures(db, &otp.recipient)?;
        verified = verified.or(Some(Verified { id: otp.id, recipient: otp.recipient }));
    }
    verified.ok_or_else(|| Error::internal("the right code is none of the recipient's"))
}
