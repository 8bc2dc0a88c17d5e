//! The next step of a message, and how it is stored.

use rand::TryRng;
use rand::rngs::SysRng;

use crate::domain::attempt::{Attempt, Outcome, Report};
use crate::domain::otp::Otp;
use crate::domain::outbox::{MessageState, Route, Step};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::service::recording;
use crate::store::{Db, message_attempts, messages};

/// The next step of a message.
pub(super) struct Plan {
    pub(super) step: Step,
    message_id: i64,
    attempts: Vec<Attempt>,
}

impl Plan {
    /// Finds the next step of a message. A message is cancelled if its code is no longer usable or if a newer message
    /// carries the code.
    pub(super) fn new(db: &Db, route: &Route<'_>, message_id: i64, otp: &Otp, now: Timestamp) -> Result<Self> {
        let attempts = message_attempts::list(db, message_id)?;
        let mut step = route.next_step(&attempts, otp.valid_to, now, jitter());
        let can_cancel = matches!(step, Step::Try { .. });
        if can_cancel && (!otp.is_allow(now) || messages::has_successor(db, message_id, otp.id)?) {
            step = Route::cancel(&attempts);
        }
        Ok(Self { step, message_id, attempts })
    }

    /// Stores the state of the message, and counts it if the state is final.
    pub(super) fn carry_out(&self, db: &Db, now: Timestamp) -> Result<()> {
        let (state, due_at) = match self.step {
            Step::Try { at, .. } => (MessageState::Queued, at),
            Step::End(state) => (state, now),
        };
        if !matches!(state, MessageState::Queued | MessageState::Sent | MessageState::Cancelled) {
            log::warn!("message {} was not delivered: {}", self.message_id, state.as_str());
        }
        // A message that does not take the state was cancelled while it was being sent.
        let is_updated = messages::update(db, self.message_id, state, due_at, now)?;
        match (is_updated, state) {
            (true, MessageState::Queued) => Ok(()),
            (true, state) => recording::count_ended(db, state, &self.attempts, now),
            (false, _) => recording::count_ended(db, MessageState::Cancelled, &self.attempts, now),
        }
    }
}

/// Logs the result of an attempt.
pub(super) fn log_outcome(message_id: i64, provider: &str, report: &Report) {
    let why = report.error.as_deref().unwrap_or_default();
    match report.outcome {
        Outcome::Sent => log::info!("message {message_id}: accepted by {provider}"),
        Outcome::Misconfigured => log::error!("message {message_id}: {provider} is misconfigured: {why}"),
        outcome => log::warn!("message {message_id}: {provider}: {}: {why}", outcome.as_str()),
    }
}

/// Returns a random number from 0 to 1.
fn jitter() -> f64 {
    // A failure of the random number generator only means that retries are not spread.
    f64::from(SysRng.try_next_u32().unwrap_or(0)) / f64::from(u32::MAX)
}
