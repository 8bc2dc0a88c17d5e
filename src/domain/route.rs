//! The next step of a message: which provider or channel is used, and when it ends.

use std::time::Duration;

use crate::domain::attempt::{Attempt, DeliveryStatus, Outcome};
use crate::domain::breaker::BreakerState;
use crate::domain::clock::is_trusted;
use crate::domain::message::Channel;
use crate::domain::outbox::{MessageState, OnUnknown, Step};
use crate::domain::timestamp::Timestamp;

/// The pause before the second attempt at a provider. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// A provider and the state of its circuit breaker.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub name: &'a str,
    pub breaker: BreakerState,
}

/// The providers of a channel and the rules for choosing one.
#[derive(Clone, Debug)]
pub struct Route<'a> {
    /// In the configured order.
    pub chain: Vec<Candidate<'a>>,
    pub on_unknown: OnUnknown,
}

/// What is known about a message when its next step is decided.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// All attempts, including those of other channels. Oldest first.
    pub attempts: &'a [Attempt],
    /// The present channel, which the route belongs to.
    pub channel: Channel,
    /// Whether the message may still be sent: its code is usable and unchanged, and no newer message carries it.
    pub is_wanted: bool,
    /// Whether another provider may send the message again if it did not arrive.
    pub may_fall_back: bool,
    /// The next channel of the message that can be used.
    pub next_channel: Option<Channel>,
    /// When the code expires.
    pub valid_to: Timestamp,
    pub now: Timestamp,
    /// Spreads the pauses, from 0 to 1.
    pub jitter: f64,
}

impl Route<'_> {
    /// Records that a message goes to a provider. A half-open breaker becomes open, so that only one message is the
    /// trial.
    pub fn begin(&mut self, provider: usize) {
        if let Some(candidate) =
            self.chain.get_mut(provider).filter(|candidate| candidate.breaker == BreakerState::HalfOpen)
        {
            candidate.breaker = BreakerState::Open;
        }
    }

    /// Returns the next step of a message.
    ///
    /// A message that did not arrive goes to the next channel. Without one, another provider sends it again, once. If that
    /// provider may have sent it, it is not sent a third time.
    ///
    /// Every provider is tried once before any is retried. Among equals, those with an open breaker come last. A provider
    /// is retried only if all its attempts ended with [`Outcome::Retry`] or [`Outcome::Interrupted`].
    pub fn next_step(&self, standing: &Standing<'_>) -> Step {
        let Standing { attempts, channel, is_wanted, .. } = *standing;
        let here: Vec<&Attempt> = attempts.iter().filter(|attempt| attempt.channel == channel).collect();
        if here.iter().any(|attempt| attempt.is_on_its_way()) || attempts.iter().any(Attempt::has_arrived) {
            return Step::End(end_state(attempts, MessageState::Sent));
        }
        let end = |state| Step::End(end_state(attempts, state));
        let leave = || match standing.next_channel.filter(|_| is_wanted) {
            Some(next) => Step::NextChannel(next),
            None => end(MessageState::Failed),
        };
        if here.iter().any(|attempt| attempt.has_not_arrived()) {
            let ends_here = standing.next_channel.is_some() || is_second_copy_out(&here) || !standing.may_fall_back;
            if ends_here {
                return leave();
            }
        }
        let any = |outcome| here.iter().any(|attempt| attempt.outcome == Some(outcome));
        if any(Outcome::BadRecipient) {
            return leave();
        }
        if any(Outcome::Unknown) && self.on_unknown == OnUnknown::Stop {
            return end(MessageState::Failed);
        }
        match self.next_attempt(&here, standing.now, standing.jitter) {
            None => leave(),
            Some(_) if !is_wanted => end(MessageState::Cancelled),
            Some((_, at)) if at >= standing.valid_to => end(MessageState::Expired),
            Some((provider, at)) => Step::Try { provider, at },
        }
    }

    /// Returns the provider that is tried next, and when. `None`: no provider is left.
    fn next_attempt(&self, here: &[&Attempt], now: Timestamp, jitter: f64) -> Option<(usize, Timestamp)> {
        let candidates = self.chain.iter().enumerate().filter(|(_, candidate)| can_try(here, candidate.name));
        let (provider, Candidate { name, .. }) = candidates.min_by_key(|(_, candidate)| {
            (attempts_at(here, candidate.name).count(), candidate.breaker == BreakerState::Open)
        })?;
        let finished = attempts_at(here, name).filter_map(|attempt| attempt.finished_at);
        let last = finished.filter(|last| is_trusted(*last, now)).max();
        let at = last.map_or(now, |last| last.plus(pause(attempts_at(here, name).count(), jitter)).max(now));
        Some((provider, at))
    }
}

/// Returns the state of a message that is not sent further. `state` is used if no attempt may have sent it.
fn end_state(attempts: &[Attempt], state: MessageState) -> MessageState {
    let may_have_sent = |attempt: &Attempt| matches!(attempt.outcome, Some(Outcome::Unknown | Outcome::Interrupted));
    let report = attempts.iter().rev().find_map(|attempt| match attempt.status {
        Some(DeliveryStatus::Undelivered) => Some(MessageState::Undelivered),
        Some(DeliveryStatus::Blocked) => Some(MessageState::Blocked),
        _ => None,
    });
    match report {
        _ if attempts.iter().any(Attempt::has_arrived) => MessageState::Delivered,
        _ if attempts.iter().any(Attempt::is_on_its_way) => MessageState::Sent,
        _ if attempts.iter().any(may_have_sent) => MessageState::Unknown,
        Some(reported) => reported,
        None => state,
    }
}

/// Whether a second provider accepted a message that did not arrive, or may have accepted it.
fn is_second_copy_out(here: &[&Attempt]) -> bool {
    let is_copy =
        |attempt: &&&Attempt| matches!(attempt.outcome, Some(Outcome::Sent | Outcome::Unknown | Outcome::Interrupted));
    here.iter().filter(is_copy).count() > 1
}

fn attempts_at<'a>(here: &'a [&Attempt], provider: &'a str) -> impl Iterator<Item = &'a Attempt> {
    here.iter().copied().filter(move |attempt| attempt.provider == provider)
}

fn can_try(here: &[&Attempt], provider: &str) -> bool {
    attempts_at(here, provider).all(|attempt| matches!(attempt.outcome, Some(Outcome::Retry | Outcome::Interrupted)))
}

/// Returns the pause after a number of attempts. Half of it is fixed, and `jitter` scales the other half.
fn pause(attempts: usize, jitter: f64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    let whole = 2u32.checked_pow(doublings).map_or(MAX_PAUSE, |factor| FIRST_PAUSE.saturating_mul(factor));
    whole.min(MAX_PAUSE).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests;
