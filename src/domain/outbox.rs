//! Delivery of a message: providers are tried in turn until one accepts it or its code expires.

use std::time::Duration;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::domain::attempt::{Attempt, DeliveryStatus, Outcome};
use crate::domain::breaker::BreakerState;
use crate::domain::clock::is_trusted;
use crate::domain::message::{Channel, Envelope};
use crate::domain::otp::OtpId;
use crate::domain::timestamp::Timestamp;

/// The pause before the second attempt at a provider. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", parse_err_ty = crate::domain::Refusal, parse_err_fn = no_state)]
pub enum MessageState {
    /// Waiting for its first or next attempt.
    Queued,
    /// An attempt is in progress.
    Sending,
    /// A provider accepted it.
    Sent,
    /// A provider reported that it arrived.
    Delivered,
    /// All providers that accepted it reported that it did not arrive.
    Undelivered,
    /// As `Undelivered`, because the recipient is on a black list.
    Blocked,
    /// A provider may have accepted it. It is not sent again, because the recipient could get it twice.
    Unknown,
    /// All providers refused it.
    Failed,
    /// Its code expired before a provider accepted it.
    Expired,
    /// Before a provider accepted it, its code was changed or consumed, or had no attempts left, or was sent again.
    Cancelled,
}

impl MessageState {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn no_state(_: &str) -> &'static str {
    "not a state of a message"
}

/// A message of the outbox.
#[derive(Clone, Debug)]
pub struct StoredMessage {
    pub id: i64,
    pub otp_id: OtpId,
    /// Contains the channel of the next attempt, or of the last one.
    pub envelope: Envelope,
    /// The channels that are used if this one does not reach the recipient.
    pub next_channels: Vec<Channel>,
    pub state: MessageState,
    /// Whether it was sent again because a provider reported that it did not arrive.
    pub has_fallen_back: bool,
}

/// A stored message with its attempts.
#[derive(Clone, Debug)]
pub struct MessageRecord {
    pub id: i64,
    pub state: MessageState,
    /// The channel of the next attempt, or of the last one.
    pub channel: Channel,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What happens if it is not known whether a provider accepted a message (`delivery.on_unknown`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum OnUnknown {
    #[default]
    Stop,
    /// The next provider is tried. The recipient may get two messages.
    Next,
}

/// The next step of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send it through the provider with this index in the chain, at this time.
    Try { provider: usize, at: Timestamp },
    /// Send it through this channel, because the current one does not reach the recipient.
    NextChannel(Channel),
    /// Stop, with this final state.
    End(MessageState),
}

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

impl Route<'_> {
    /// Returns the final step of a message that must no longer be sent.
    pub fn cancel(attempts: &[Attempt]) -> Step {
        Step::End(end_without_success(attempts, MessageState::Cancelled))
    }

    /// Records that a message goes to a provider. A half-open breaker becomes open, so that only one message is the
    /// trial.
    pub fn begin(&mut self, provider: usize) {
        if let Some(candidate) =
            self.chain.get_mut(provider).filter(|candidate| candidate.breaker == BreakerState::HalfOpen)
        {
            candidate.breaker = BreakerState::Open;
        }
    }

    /// Returns the next step of a message whose code expires at `valid_to`. `jitter`, from 0 to 1, spreads the pauses.
    /// `attempts` are those of the channel.
    ///
    /// If a provider reported that the message did not arrive, another provider is tried. The recipient gets no third
    /// copy: after an attempt with another provider that may have sent it, the message ends.
    ///
    /// Every provider is tried once before any is retried. Among equals, those with an open breaker come last. Only a
    /// provider whose attempts all ended with [`Outcome::Retry`] is retried.
    pub fn next_step(&self, attempts: &[Attempt], valid_to: Timestamp, now: Timestamp, jitter: f64) -> Step {
        let any = |outcome| attempts.iter().any(|attempt| attempt.outcome == Some(outcome));
        if attempts.iter().any(Attempt::is_on_its_way) {
            return Step::End(MessageState::Sent);
        }
        let end = |state| Step::End(end_without_success(attempts, state));
        let stops = any(Outcome::Unknown) && self.on_unknown == OnUnknown::Stop;
        if any(Outcome::BadRecipient) || stops || is_second_copy_out(attempts) {
            return end(MessageState::Failed);
        }
        let candidates = self.chain.iter().enumerate().filter(|(_, candidate)| can_try(attempts, candidate.name));
        let next = candidates.min_by_key(|(_, candidate)| {
            (attempts_at(attempts, candidate.name).count(), candidate.breaker == BreakerState::Open)
        });
        let Some((provider, Candidate { name, .. })) = next else {
            return end(MessageState::Failed);
        };
        let finished = attempts_at(attempts, name).filter_map(|attempt| attempt.finished_at);
        let last = finished.filter(|last| is_trusted(*last, now)).max();
        let at = last.map_or(now, |last| last.plus(pause(attempts_at(attempts, name).count(), jitter)).max(now));
        if at >= valid_to { end(MessageState::Expired) } else { Step::Try { provider, at } }
    }
}

/// Returns the final state of a message that no provider delivers. An attempt that may have sent it, or the report of a
/// provider, says more than `state`.
fn end_without_success(attempts: &[Attempt], state: MessageState) -> MessageState {
    let report = attempts.iter().rev().find_map(|attempt| match attempt.status {
        Some(DeliveryStatus::Undelivered) => Some(MessageState::Undelivered),
        Some(DeliveryStatus::Blocked) => Some(MessageState::Blocked),
        _ => None,
    });
    let may_have_sent = |attempt: &Attempt| matches!(attempt.outcome, Some(Outcome::Unknown | Outcome::Interrupted));
    if attempts.iter().any(may_have_sent) { MessageState::Unknown } else { report.unwrap_or(state) }
}

/// Whether a copy has not arrived, and a second one was accepted or may have been.
fn is_second_copy_out(attempts: &[Attempt]) -> bool {
    let is_copy =
        |attempt: &&Attempt| matches!(attempt.outcome, Some(Outcome::Sent | Outcome::Unknown | Outcome::Interrupted));
    attempts.iter().any(Attempt::has_not_arrived) && attempts.iter().filter(is_copy).count() > 1
}

fn attempts_at<'a>(attempts: &'a [Attempt], provider: &'a str) -> impl Iterator<Item = &'a Attempt> {
    attempts.iter().filter(move |attempt| attempt.provider == provider)
}

fn can_try(attempts: &[Attempt], provider: &str) -> bool {
    attempts_at(attempts, provider)
        .all(|attempt| matches!(attempt.outcome, Some(Outcome::Retry | Outcome::Interrupted)))
}

/// Returns the pause after a number of attempts. Half of it is fixed, and `jitter` scales the other half.
fn pause(attempts: usize, jitter: f64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    let whole = 2u32.checked_pow(doublings).map_or(MAX_PAUSE, |factor| FIRST_PAUSE.saturating_mul(factor));
    whole.min(MAX_PAUSE).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests;
