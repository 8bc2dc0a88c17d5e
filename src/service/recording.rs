//! Records the figures of the console (`domain/figures.rs`).
//!
//! A figure is counted in the transaction of the change that it counts. The transaction of a refused request is rolled
//! back, so its refusal is counted in memory and stored by the next [`Service::flush_figures`]. `otpd serve` calls it
//! every ten seconds and at its end. A crash loses the refusals since the last call. If the outcome of a call is not
//! known, its refusals may be counted twice.

use std::time::Duration;

use crate::domain::attempt::{Attempt, DeliveryStatus, Outcome};
use crate::domain::caller::Caller;
use crate::domain::figures::acceptance::Deliverer;
use crate::domain::figures::{Counter, hour_of};
use crate::domain::otp::{Otp, OtpId};
use crate::domain::outbox::MessageState;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};
use crate::service::Service;
use crate::store::{Db, acceptance, hourly_figures};

/// Counts a new code that is sent.
pub(super) fn count_sent(db: &Db, otp: &Otp) -> Result<()> {
    hourly_figures::add(db, hour_of(otp.created_at), &Counter::code_sent(&otp.recipient), 1)
}

/// Counts the verification of a code, in the hour in which the code was first sent. Codes that staff created are not
/// counted, nor are codes without a message, which are those of test recipients.
pub(super) fn count_verified(db: &Db, otp: &Otp, now: Timestamp) -> Result<()> {
    let Some(issued_at) = otp.issued_at else { return Ok(()) };
    let deliverer = acceptance::find_deliverer(db, otp.id)?;
    if deliverer == Deliverer::NoMessage {
        return Ok(());
    }
    let counters = Counter::code_verified(&otp.recipient, deliverer.provider(), now.since(issued_at));
    hourly_figures::add_each(db, hour_of(issued_at), &counters)
}

/// Counts a code for a provider that accepted a message with it, in the hour in which the code was first sent. The result
/// of the attempt must be stored. Other outcomes, and codes that staff changed, are not counted.
pub(super) fn count_accepted(db: &Db, otp_id: OtpId, provider: &str, outcome: Outcome) -> Result<()> {
    if outcome != Outcome::Sent {
        return Ok(());
    }
    let acceptance = acceptance::find(db, otp_id, provider)?;
    let Some((acceptance, issued_at)) = acceptance.and_then(|it| Some((it, it.issued_at?))) else { return Ok(()) };
    hourly_figures::add_each(db, hour_of(issued_at), &Counter::code_accepted(provider, acceptance))
}

/// Counts a finished attempt.
pub(super) fn count_attempt(db: &Db, provider: &str, outcome: Outcome, took: Duration, now: Timestamp) -> Result<()> {
    hourly_figures::add_each(db, hour_of(now), &Counter::attempt(provider, outcome, took))
}

/// Counts a delivery that a provider reported.
pub(super) fn count_report(db: &Db, provider: &str, status: DeliveryStatus, now: Timestamp) -> Result<()> {
    hourly_figures::add(db, hour_of(now), &Counter::report(provider, status), 1)
}

/// Counts a message with these attempts that has reached a final state.
///
/// A queued message that is cancelled because staff changed its code does not count: changes by staff write no figures.
pub(super) fn count_ended(db: &Db, state: MessageState, attempts: &[Attempt], now: Timestamp) -> Result<()> {
    hourly_figures::add_each(db, hour_of(now), &Counter::message_ended(state, attempts))
}

/// Counts `count` messages that were cancelled before they were sent.
pub(super) fn count_cancelled(db: &Db, count: u64, now: Timestamp) -> Result<()> {
    let counters = Counter::message_ended(MessageState::Cancelled, &[]);
    counters.iter().filter(|_| count > 0).try_for_each(|counter| hourly_figures::add(db, hour_of(now), counter, count))
}

impl Service {
    /// Counts a request of a caller that was refused by a limit. Other errors are ignored, and so are requests for test
    /// recipients.
    pub(super) fn note_refusal(&self, error: &Error, caller: &Caller, recipient: &Recipient) {
        if self.test_recipients.find_active(recipient, self.now()).is_some() {
            return;
        }
        if let Some((setting, _)) = error.limitation() {
            let counters = Counter::refusal(setting, caller.origin.token_prefix.as_deref(), recipient);
            self.refusals.add(hour_of(self.now()), counters, 1);
        }
    }

    /// Stores the refusals that were counted since the last call.
    ///
    /// # Errors
    /// They could not be stored. The next call tries again.
    pub async fn flush_figures(&self) -> Result<()> {
        let counts = self.refusals.take();
        if counts.is_empty() {
            return Ok(());
        }
        let stored = counts.clone();
        let add_all = move |db: &Db| {
            stored
                .iter()
                .try_for_each(|((hour, counter), count)| hourly_figures::add_bounded(db, *hour, counter, *count))
        };
        self.store.write(add_all).await.inspect_err(|_| self.refusals.put_back(counts))
    }
}
