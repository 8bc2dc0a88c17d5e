//! How a message goes from provider to provider until one has it, or its code has expired.

use std::str::FromStr;
use std::time::Duration;

use crate::domain::breaker::BreakerState;
use crate::domain::clock::is_trusted;
use crate::domain::timestamp::Timestamp;

/// The wait before a provider is tried a second time; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// It waits for its (next) attempt.
    Queued,
    /// An attempt is under way.
    Sending,
    /// A provider has taken it.
    Sent,
    /// A provider may have taken it: nobody knows, so nobody repeats it.
    Unknown,
    /// No provider takes it.
    Failed,
    /// Its code expired before a provider took it.
    Expired,
    /// Before a provider took it its code was changed or used up, or was sent once more.
    Cancelled,
}

impl MessageState {
    const ALL: [Self; 7] =
        [Self::Queued, Self::Sending, Self::Sent, Self::Unknown, Self::Failed, Self::Expired, Self::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

impl FromStr for MessageState {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or("no state of a message")
    }
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Sent,
    /// Not now: the provider may take it later.
    Retry,
    /// Not here: this provider will not take it.
    Next,
    /// Nowhere: the recipient can't be reached.
    BadRecipient,
    /// Not here, until the operator has mended something.
    Misconfigured,
    /// The provider may have it or not.
    Unknown,
}

impl Outcome {
    pub const ALL: [Self; 6] =
        [Self::Sent, Self::Retry, Self::Next, Self::BadRecipient, Self::Misconfigured, Self::Unknown];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Retry => "retry",
            Self::Next => "next",
            Self::BadRecipient => "bad_recipient",
            Self::Misconfigured => "misconfigured",
            Self::Unknown => "unknown",
        }
    }
}

impl FromStr for Outcome {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text).ok_or("no outcome of an attempt")
    }
}

/// What a provider answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub outcome: Outcome,
    /// The provider's own name for the message.
    pub provider_message_id: Option<String>,
    /// Why it was not sent: words of otpd, which hold neither code nor recipient nor key.
    pub error: Option<String>,
}

impl Report {
    /// A provider has the message.
    pub fn sent(provider_message_id: Option<String>) -> Self {
        Self { outcome: Outcome::Sent, provider_message_id, error: None }
    }

    /// It has not, or nobody knows; `error` holds neither code nor recipient nor key.
    pub fn not_sent(outcome: Outcome, error: impl Into<String>) -> Self {
        Self { outcome, provider_message_id: None, error: Some(error.into()) }
    }
}

/// One try at one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub provider: String,
    /// `None` while it is under way.
    pub outcome: Option<Outcome>,
    pub provider_message_id: Option<String>,
    pub error: Option<String>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// What became of a message.
#[derive(Clone, Debug)]
pub struct MessageRecord {
    pub id: i64,
    pub state: MessageState,
    /// The first one first.
    pub attempts: Vec<Attempt>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What is done where nobody knows whether a provider has taken a message (`delivery.on_unknown`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnknown {
    #[default]
    Stop,
    /// The next provider is asked; the recipient may get two messages.
    Next,
}

/// What to do with a message next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Hand it to this one of the chain, then.
    Try { provider: usize, at: Timestamp },
    /// There is nothing more to do.
    End(MessageState),
}

/// A provider as a message meets it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub name: &'a str,
    pub breaker: BreakerState,
}

/// How messages are handed on.
#[derive(Clone, Debug)]
pub struct Route<'a> {
    /// In the order in which they are asked.
    pub chain: Vec<Candidate<'a>>,
    pub on_unknown: OnUnknown,
}

impl Route<'_> {
    /// The end of a message that is no longer wanted.
    pub fn cancel(attempts: &[Attempt]) -> Step {
        let is_unknown = attempts.iter().any(|attempt| attempt.outcome == Some(Outcome::Unknown));
        Step::End(if is_unknown { MessageState::Unknown } else { MessageState::Cancelled })
    }

    /// Notes that a message goes to a provider: where that is its trial, the next ones stay away.
    pub fn begin(&mut self, provider: usize) {
        if let Some(candidate) =
            self.chain.get_mut(provider).filter(|candidate| candidate.breaker == BreakerState::HalfOpen)
        {
            candidate.breaker = BreakerState::Open;
        }
    }

    /// The next step of a message whose code expires at `valid_to`. `jitter`, from 0 to 1, spreads the pauses.
    ///
    /// Every provider is asked once before any is asked again, those that rest last; one that refused for good is not asked
    /// again.
    pub fn next_step(&self, attempts: &[Attempt], valid_to: Timestamp, now: Timestamp, jitter: f64) -> Step {
        let any = |outcome| attempts.iter().any(|attempt| attempt.outcome == Some(outcome));
        if any(Outcome::Sent) {
            return Step::End(MessageState::Sent);
        }
        // Whatever comes of the others: a message that may have been sent is one that may have been sent.
        let is_unknown = any(Outcome::Unknown);
        let end = |state| Step::End(if is_unknown { MessageState::Unknown } else { state });
        if any(Outcome::BadRecipient) || (is_unknown && self.on_unknown == OnUnknown::Stop) {
            return end(MessageState::Failed);
        }
        let candidates = self.chain.iter().enumerate().filter(|(_, candidate)| may_take_it(attempts, candidate.name));
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

fn attempts_at<'a>(attempts: &'a [Attempt], provider: &'a str) -> impl Iterator<Item = &'a Attempt> {
    attempts.iter().filter(move |attempt| attempt.provider == provider)
}

fn may_take_it(attempts: &[Attempt], provider: &str) -> bool {
    attempts_at(attempts, provider).all(|attempt| attempt.outcome == Some(Outcome::Retry))
}

/// The pause after so many attempts: half of it certain, half of it up to `jitter`.
fn pause(attempts: usize, jitter: f64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    let whole = 2u32.checked_pow(doublings).map_or(LONGEST_PAUSE, |factor| FIRST_PAUSE.saturating_mul(factor));
    whole.min(LONGEST_PAUSE).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests;
