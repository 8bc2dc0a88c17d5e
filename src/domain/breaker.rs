//! A circuit breaker: a provider that fails again and again is asked last for a while, so that messages neither wait for a
//! gateway that is down nor end unknown in one that hangs, while another would take them.

use std::time::Duration;

use crate::domain::clock;
use crate::domain::outbox::Outcome;
use crate::domain::timestamp::Timestamp;

/// So many failures in a row, whatever the messages.
const FAILURES: u32 = 5;
/// How long a provider rests before a message finds out whether it is back.
const REST: Duration = Duration::from_secs(30);

/// What is known of a provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct Breaker {
    failures: u32,
    rests_since: Option<Timestamp>,
}

/// Whether messages should go there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Sound,
    /// It has rested: the next message finds out whether it is back.
    OnTrial,
    /// It is to be asked last.
    Resting,
}

/// What an outcome changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Rests,
    Returns,
}

impl Breaker {
    pub fn standing(&self, now: Timestamp) -> Standing {
        match self.rests_since {
            _ if self.failures < FAILURES => Standing::Sound,
            Some(since) if clock::time_left(since, REST, now).is_some() => Standing::Resting,
            _ => Standing::OnTrial,
        }
    }

    /// A message goes there. Of one that has rested this is the trial: until its outcome is known the others stay away.
    pub fn begin(&mut self, now: Timestamp) {
        if self.failures >= FAILURES {
            self.rests_since = Some(now);
        }
    }

    /// What the message that went there came to, and what that changes for the others.
    pub fn end(&mut self, outcome: Outcome, now: Timestamp) -> Option<Change> {
        let was_out = self.failures >= FAILURES;
        match outcome {
            Outcome::Retry | Outcome::Misconfigured | Outcome::Unknown => {
                self.failures = self.failures.saturating_add(1);
                if self.failures >= FAILURES {
                    self.rests_since = Some(now);
                }
                (!was_out && self.failures >= FAILURES).then_some(Change::Rests)
            }
            Outcome::Sent | Outcome::BadRecipient => {
                *self = Self::default();
                was_out.then_some(Change::Returns)
            }
            // It works, and refuses this message, or is out of credit.
            Outcome::Next => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    fn tripped() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            assert_eq!(breaker.end(Outcome::Retry, at(100)), None);
            assert_eq!(breaker.standing(at(100)), Standing::Sound);
        }
        assert_eq!(breaker.end(Outcome::Unknown, at(100)), Some(Change::Rests));
        breaker
    }

    #[test]
    fn five_failures_in_a_row_make_a_provider_rest_for_half_a_minute() {
        let breaker = tripped();
        assert_eq!(breaker.standing(at(100)), Standing::Resting);
        assert_eq!(breaker.standing(at(129)), Standing::Resting);
        assert_eq!(breaker.standing(at(130)), Standing::OnTrial);
        assert_eq!(breaker.standing(at(99)), Standing::OnTrial, "a clock that was set back makes no rest longer");
    }

    #[test]
    fn a_success_between_failures_and_a_refusal_that_is_no_failure_make_none_rest() {
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
        assert_eq!(breaker.standing(at(100)), Standing::Sound);
    }

    #[test]
    fn after_a_rest_one_message_finds_out_whether_the_provider_is_back() {
        let mut breaker = tripped();
        breaker.begin(at(130));
        assert_eq!(breaker.standing(at(131)), Standing::Resting, "the trial is under way");
        assert_eq!(breaker.end(Outcome::Retry, at(140)), None, "it rests still");
        assert_eq!(breaker.standing(at(169)), Standing::Resting);
        breaker.begin(at(170));
        assert_eq!(breaker.end(Outcome::Sent, at(171)), Some(Change::Returns));
        assert_eq!(breaker.standing(at(171)), Standing::Sound);
        assert_eq!(breaker.end(Outcome::Retry, at(172)), None, "the failures before are forgotten");
    }
}
