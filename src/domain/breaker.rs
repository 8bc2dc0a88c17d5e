//! A circuit breaker per provider. A provider that fails repeatedly is tried last for a while. Messages then do not
//! wait for a gateway that is down or hangs while another provider works.

use std::time::Duration;

use crate::domain::attempt::Outcome;
use crate::domain::clock;
use crate::domain::timestamp::Timestamp;

/// The number of consecutive failures, across all messages, that opens the breaker.
const FAILURES: u32 = 5;
/// How long the breaker stays open before a trial message.
const OPEN_FOR: Duration = Duration::from_secs(30);

/// The circuit breaker of one provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct Breaker {
    failures: u32,
    opened_at: Option<Timestamp>,
}

/// The state of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    Closed,
    /// The open period is over. The next message is a trial.
    HalfOpen,
    /// The provider is tried last.
    Open,
}

/// A change of state caused by an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Opened,
    Closed,
}

impl Breaker {
    pub fn state(&self, now: Timestamp) -> BreakerState {
        match self.opened_at {
            _ if self.failures < FAILURES => BreakerState::Closed,
            Some(since) if clock::time_left(since, OPEN_FOR, now).is_some() => BreakerState::Open,
            _ => BreakerState::HalfOpen,
        }
    }

    /// When the open period ends. `None`: the breaker is not open.
    pub fn open_until(&self, now: Timestamp) -> Option<Timestamp> {
        let since = self.opened_at.filter(|_| self.state(now) == BreakerState::Open)?;
        Some(since.plus(OPEN_FOR))
    }

    /// Records that a message goes to the provider. If it is the trial, the breaker is open until its outcome is known.
    pub fn begin(&mut self, now: Timestamp) {
        if self.failures >= FAILURES {
            self.opened_at = Some(now);
        }
    }

    /// Records the outcome of a message. Returns the change of state, if any.
    pub fn end(&mut self, outcome: Outcome, now: Timestamp) -> Option<Change> {
        let was_open = self.failures >= FAILURES;
        match outcome {
            Outcome::Retry | Outcome::Misconfigured | Outcome::Unknown => {
                self.failures = self.failures.saturating_add(1);
                if self.failures >= FAILURES {
                    self.opened_at = Some(now);
                }
                (!was_open && self.failures >= FAILURES).then_some(Change::Opened)
            }
            Outcome::Sent | Outcome::BadRecipient => {
                *self = Self::default();
                was_open.then_some(Change::Closed)
            }
            // The provider works, but refuses this message or has no credit.
            Outcome::Next | Outcome::Interrupted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    fn open_breaker() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            assert_eq!(breaker.end(Outcome::Retry, at(100)), None);
            assert_eq!(breaker.state(at(100)), BreakerState::Closed);
        }
        assert_eq!(breaker.end(Outcome::Unknown, at(100)), Some(Change::Opened));
        breaker
    }

    #[test]
    fn the_breaker_opens_for_30_s_after_five_consecutive_failures() {
        let breaker = open_breaker();
        assert_eq!(breaker.state(at(100)), BreakerState::Open);
        assert_eq!(breaker.state(at(129)), BreakerState::Open);
        assert_eq!(breaker.state(at(130)), BreakerState::HalfOpen);
        assert_eq!([129, 130].map(|now| breaker.open_until(at(now))), [Some(at(130)), None]);
        assert_eq!(
            breaker.state(at(99)),
            BreakerState::HalfOpen,
            "a clock that was set back does not extend the open period"
        );
    }

    #[test]
    fn successes_and_rejections_do_not_open_the_breaker() {
        let mut breaker = Breaker::default();
        for outcome in [Outcome::Sent, Outcome::BadRecipient] {
            for _ in 0..4 {
                breaker.end(Outcome::Misconfigured, at(100));
            }
            assert_eq!(breaker.end(outcome, at(100)), None, "{outcome:?}");
        }
        for _ in 0..9 {
            assert_eq!(breaker.end(Outcome::Next, at(100)), None);
        }
        assert_eq!(breaker.state(at(100)), BreakerState::Closed);
    }

    #[test]
    fn the_half_open_breaker_closes_after_a_successful_trial() {
        let mut breaker = open_breaker();
        breaker.begin(at(130));
        assert_eq!(breaker.state(at(131)), BreakerState::Open, "the trial is in progress");
        assert_eq!(breaker.end(Outcome::Retry, at(140)), None, "it is still open");
        assert_eq!(breaker.state(at(169)), BreakerState::Open);
        breaker.begin(at(170));
        assert_eq!(breaker.end(Outcome::Sent, at(171)), Some(Change::Closed));
        assert_eq!(breaker.state(at(171)), BreakerState::Closed);
        assert_eq!(breaker.end(Outcome::Retry, at(172)), None, "earlier failures do not count");
    }
}
