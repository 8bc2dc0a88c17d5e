//! Verification of codes. An attempt is counted in the transaction that checks it. A wrong code is a committed result.
//! It becomes an error only after the commit.

use std::time::Duration;

use serde_json::Value;

use crate::domain::audit::{Action, NewEvent};
use crate::domain::caller::Caller;
use crate::domain::client::ClientNetwork;
use crate::domain::code::Code;
use crate::domain::limit::{Event, Limit, Subjects};
use crate::domain::message::Channel;
use crate::domain::otp::{Otp, OtpId};
use crate::domain::purpose::Purpose;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;
use crate::domain::verification::{Verdict, repeats, verdict};
use crate::error::{Error, Reason, Result};
use crate::service::call::Call;
use crate::service::limits::MAX_CONSECUTIVE_FAILURES;
use crate::service::{Service, recording};
use crate::store::{Db, Subject, otps, recipients};

/// The retry time reported to a locked-out recipient. The lock-out has no end of its own: only staff can reset it.
const UNTIL_RESET: Duration = Duration::from_secs(24 * 3600);

/// A request to verify a code.
#[derive(Clone, Debug)]
pub struct VerifyRequest {
    pub recipient: Recipient,
    pub purpose: Purpose,
    pub code: Code,
    /// The network of the end user, which has its own limits.
    pub client: Option<ClientNetwork>,
}

/// A verified and consumed code.
#[derive(Clone, Debug)]
pub struct Verified {
    pub id: OtpId,
    pub recipient: Recipient,
}

impl Service {
    /// Verifies a code and consumes it.
    ///
    /// # Errors
    /// The code is wrong, expired or used, the recipient is locked out, or a limit is reached.
    pub async fn verify_otp(&self, caller: &Caller, request: VerifyRequest) -> Result<Verified> {
        let (service, recipient) = (self.clone(), request.recipient.clone());
        let held = recipient.clone();
        let hold = move |db: &Db| db.hold(Subject::Recipient(&held));
        let outcome = self.write_holding(caller, hold, move |db, call| service.verify(db, call, &request)).await;
        let (verdict, answer) = outcome.inspect_err(|error| self.note_refusal(error, caller, &recipient))?;
        self.store.metrics().verified(verdict.as_str());
        answer
    }

    /// Returns the verdict and the answer for the caller. A refusal is returned as a value, so that the transaction
    /// commits the counted attempt.
    fn verify(&self, db: &Db, call: &Call, request: &VerifyRequest) -> Result<(Verdict, Result<Verified>)> {
        let VerifyRequest { recipient, purpose, code, client } = request;
        let channel = Channel::for_recipient(recipient);
        let subjects = Subjects { recipient, channel, token_id: call.token_id, client: *client };
        self.require_not_locked_out(db, recipient)?;
        self.limits.require_within_limits(db, &Limit::OF_VERIFYING, &subjects, call.now())?;
        let known = otps::list_of_recipient(db, recipient, purpose, call.now())?;
        let verdict = verdict(&known, *code, call.now());
        let is_test = self.test_recipients.find_active(recipient, call.now()).is_some();
        let event = verification(&known, recipient, verdict, call.now()).of_test_recipient(is_test);
        let answer = match verdict {
            Verdict::Right => {
                let verified = consume(db, known, *code, call.now())?;
                call.record(db, &NewEvent { otp: Some(verified.id), ..event })?;
                self.publish_verified(db, verified.id, (recipient, purpose), call.now())?;
                Ok(verified)
            }
            Verdict::Refused(Reason::TooManyAttempts) => {
                Err(Error::limited(Reason::TooManyAttempts, self.policy.resend_cooldown))
            }
            Verdict::Refused(reason @ (Reason::Used | Reason::Expired)) if repeats(&known, *code) => {
                Err(Error::not_verified(reason, 0))
            }
            Verdict::Refused(reason) => {
                let left = self.count_attempt(db, known, &subjects, call.now())?;
                self.publish_lock_out(db, event.otp, (recipient, purpose), call.now())?;
                call.record(db, &event)?;
                Err(left.map_or_else(|refusal| refusal, |left| Error::not_verified(reason, left)))
            }
        };
        Ok((verdict, answer))
    }

    /// Counts a failed attempt on every usable code. Returns the number of attempts left, or the refusal if other processes
    /// reached a limit meanwhile. Such an attempt counts too, because the refusal reveals that the code was wrong.
    fn count_attempt(
        &self,
        db: &Db,
        known: Vec<Otp>,
        subjects: &Subjects<'_>,
        now: Timestamp,
    ) -> Result<Result<u32, Error>> {
        let mut most_left = None;
        for otp in known.into_iter().filter(|otp| otp.is_allow(now)) {
            let attempted = Otp { attempts_left: otp.attempts_left.saturating_sub(1), ..otp };
            otps::update_usage(db, &attempted)?;
            most_left = most_left.max(Some(attempted.attempts_left));
        }
        if most_left.is_none() {
            recipients::update_dummy_row(db)?;
        }
        recipients::add_failure(db, subjects.recipient, now)?;
        let refusal = self.count_within_limits(db, (&Event::OF_FAILURE, &Limit::OF_VERIFYING), subjects, now)?;
        if let Some(refusal) = refusal {
            return Ok(Err(refusal));
        }
        let budget = self.limits.attempts_left(db, subjects, now)?;
        Ok(Ok(most_left.unwrap_or(0).min(budget.unwrap_or(u32::MAX))))
    }

    /// Requires that the recipient is not locked out.
    ///
    /// # Errors
    /// `max_consecutive_failures` is reached. Only staff can reset the recipient.
    pub(super) fn require_not_locked_out(&self, db: &Db, recipient: &Recipient) -> Result<()> {
        let Some(most) = self.policy.max_consecutive_failures else { return Ok(()) };
        if recipients::consecutive_failures(db, recipient)? < most {
            return Ok(());
        }
        Err(Error::locked_out(UNTIL_RESET).limited_by((MAX_CONSECUTIVE_FAILURES, most)))
    }
}

/// The event of a verification. It is about the newest usable code, or else about the newest code.
fn verification(known: &[Otp], recipient: &Recipient, verdict: Verdict, now: Timestamp) -> NewEvent {
    let otp = known.iter().find(|otp| otp.is_allow(now)).or(known.first());
    let event =
        NewEvent { otp: otp.map(|otp| otp.id), recipient: Some(recipient.clone()), ..NewEvent::new(Action::OtpVerify) };
    event.with("verdict", Value::Null, verdict.as_str())
}

/// Consumes every usable code that equals `typed`. Several codes can have the same value, which must be accepted only
/// once.
fn consume(db: &Db, known: Vec<Otp>, typed: Code, now: Timestamp) -> Result<Verified> {
    let mut verified = None;
    for otp in known.into_iter().filter(|otp| otp.is_allow(now) && otp.code.is(typed)) {
        let otp = otp.consumed(now);
        otps::update_usage(db, &otp)?;
        recipients::delete_failures(db, &otp.recipient)?;
        if verified.is_none() {
            recording::count_verified(db, &otp, now)?;
            verified = Some(Verified { id: otp.id, recipient: otp.recipient });
        }
    }
    verified.ok_or_else(|| Error::internal("the correct code is not among the codes of the recipient"))
}
