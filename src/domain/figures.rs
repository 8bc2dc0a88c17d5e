//! Figures of sending and verifying, counted per hour and without recipients. The console shows them as charts.
//!
//! A code counts in the hour in which it was first sent, and so does its verification. The verified share of an hour is
//! therefore a share of the codes of that hour.

pub mod acceptance;
pub mod alarm;
pub mod counts;
pub mod histogram;
pub mod overview;
pub mod period;
pub mod shares;
pub mod totals;

use std::time::Duration;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::domain::attempt::{Attempt, DeliveryStatus, Outcome};
use crate::domain::figures::acceptance::Acceptance;
use crate::domain::figures::histogram::Histogram;
use crate::domain::message::Channel;
use crate::domain::outbox::MessageState;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;

/// A kind of counter. The comments name its subjects; two of them are separated by a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Figure {
    /// Codes that were issued and sent: the channel and, for mobile numbers, the first four digits. Older counts have no
    /// digits. A repetition of a code does not count again, and codes of test recipients do not count.
    CodesSent,
    /// Those of them that were verified, with the same subjects. Codes that staff changed in the meantime do not count.
    CodesVerified,
    /// Codes of which a provider accepted a message: the provider. A code counts once for each such provider.
    CodesSentByProvider,
    /// Codes that were verified: the provider of the last accepted message.
    CodesVerifiedByProvider,
    /// Seconds from the first sending of a code to its verification: the bucket.
    VerifySeconds,
    /// Messages in a final state: the state and, if an attempt was made, the provider.
    MessagesEnded,
    /// Attempts to deliver a message: the outcome and the provider.
    Attempts,
    /// Duration of these attempts: the bucket and the provider.
    AttemptSeconds,
    /// Messages that a provider accepted after another one was tried: the accepting provider.
    Fallbacks,
    /// Deliveries that a provider reported: the status and the provider.
    Reports,
    /// Requests refused by a limit: the setting.
    Refusals,
    /// The same: the setting and the prefix of the token.
    RefusalsByToken,
    /// The same, for mobile numbers: the setting and the first four digits.
    RefusalsByPrefix,
}

impl Figure {
    pub const ALL: &'static [Self] = Self::VARIANTS;
    /// The figures that charts show over time.
    pub const SERIES: [Self; 5] =
        [Self::CodesSent, Self::CodesVerified, Self::VerifySeconds, Self::MessagesEnded, Self::Refusals];

    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How long the figures are kept.
pub const KEPT: Duration = Duration::from_secs(60 * 24 * 3600);
/// The most different subjects of a figure in one hour that come from requests. Further ones are counted as [`OTHER`].
pub const MAX_SUBJECTS: usize = 100;
pub const OTHER: &str = "other";

/// Returns the hour of a timestamp, in hours since 1970-01-01T00:00:00Z.
pub fn hour_of(moment: Timestamp) -> i64 {
    moment.as_micros().div_euclid(MICROS_PER_HOUR)
}

/// Returns the start of an hour.
pub fn start_of(hour: i64) -> Timestamp {
    let micros = hour.saturating_mul(MICROS_PER_HOUR);
    let epoch = chrono::DateTime::UNIX_EPOCH;
    Timestamp::from_micros(micros).unwrap_or_else(|| epoch.into())
}

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// A figure and its subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Counter {
    pub figure: Figure,
    pub subject: String,
}

impl Counter {
    fn new(figure: Figure, subject: impl Into<String>) -> Self {
        Self { figure, subject: subject.into() }
    }

    pub fn code_sent(recipient: &Recipient) -> Self {
        Self::new(Figure::CodesSent, channel_and_prefix(recipient))
    }

    /// The counters of a verification, `after` the code was first sent. `provider` accepted the last message.
    pub fn code_verified(recipient: &Recipient, provider: Option<&str>, after: Duration) -> Vec<Self> {
        let bucket = Histogram::VERIFICATION.bucket(after);
        let verified = Self::new(Figure::CodesVerified, channel_and_prefix(recipient));
        let seconds = Self::new(Figure::VerifySeconds, format!("{bucket:02}"));
        [verified, seconds].into_iter().chain(provider.map(Self::code_verified_by)).collect()
    }

    /// The counters of a code after `provider` accepted a message with it.
    pub fn code_accepted(provider: &str, acceptance: Acceptance) -> Vec<Self> {
        let sent = acceptance.counts_as_sent().then(|| Self::new(Figure::CodesSentByProvider, provider));
        let verified = acceptance.counts_as_verified().then(|| Self::code_verified_by(provider));
        sent.into_iter().chain(verified).collect()
    }

    fn code_verified_by(provider: &str) -> Self {
        Self::new(Figure::CodesVerifiedByProvider, provider)
    }

    /// The counters of a finished attempt.
    pub fn attempt(provider: &str, outcome: Outcome, took: Duration) -> [Self; 2] {
        let bucket = Histogram::ATTEMPT.bucket(took);
        [
            Self::new(Figure::Attempts, format!("{} {provider}", outcome.as_str())),
            Self::new(Figure::AttemptSeconds, format!("{bucket:02} {provider}")),
        ]
    }

    /// The counter of a delivery that a provider reported.
    pub fn report(provider: &str, status: DeliveryStatus) -> Self {
        Self::new(Figure::Reports, format!("{} {provider}", status.as_str()))
    }

    /// The counters of a message with these attempts that has reached a final state.
    pub fn message_ended(state: MessageState, attempts: &[Attempt]) -> Vec<Self> {
        let outcome = match state {
            MessageState::Sent => Some(Outcome::Sent),
            MessageState::Unknown => Some(Outcome::Unknown),
            _ => None,
        };
        let decisive = attempts.iter().rfind(|attempt| outcome.is_some() && attempt.outcome == outcome);
        let provider = decisive.or(attempts.last()).map(|attempt| attempt.provider.as_str());
        let subject = provider.map_or(state.as_str().to_owned(), |provider| format!("{} {provider}", state.as_str()));
        let first = attempts.first().map(|attempt| attempt.provider.as_str());
        let fallback = provider.filter(|_| state == MessageState::Sent && first != provider);
        let ended = Self::new(Figure::MessagesEnded, subject);
        std::iter::once(ended).chain(fallback.map(|provider| Self::new(Figure::Fallbacks, provider))).collect()
    }

    /// The counters of a request that the limit of `setting` refused.
    pub fn refusal(setting: &str, token_prefix: Option<&str>, recipient: &Recipient) -> Vec<Self> {
        let number = prefix(recipient);
        let by = |figure, subject: &str| Self::new(figure, format!("{setting} {subject}"));
        let by_token = token_prefix.map(|prefix| by(Figure::RefusalsByToken, prefix));
        let by_prefix = number.map(|prefix| by(Figure::RefusalsByPrefix, prefix));
        std::iter::once(Self::new(Figure::Refusals, setting)).chain(by_token).chain(by_prefix).collect()
    }

    /// The counter that is used instead if there are too many subjects.
    #[must_use]
    pub fn for_other_subjects(&self) -> Self {
        let setting = self.subject.split_once(' ').map_or("", |(setting, _)| setting);
        Self::new(self.figure, format!("{setting} {OTHER}").trim_start())
    }
}

/// Returns the first four digits of a mobile number, `0900` to `0999`.
fn prefix(recipient: &Recipient) -> Option<&str> {
    recipient.mobile_number().and_then(|number| number.as_str().get(..4))
}

fn channel_and_prefix(recipient: &Recipient) -> String {
    let channel = Channel::for_recipient(recipient).as_str();
    prefix(recipient).map_or_else(|| channel.to_owned(), |prefix| format!("{channel} {prefix}"))
}

/// Returns `part / whole`. `None`: the whole is 0.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Returns the relative change from `before` to `now`: 0.5 is half as much again. `None`: one of them is unknown, or
/// there was nothing before.
pub fn change(now: Option<f64>, before: Option<f64>) -> Option<f64> {
    let before = before.filter(|before| *before > 0.0)?;
    now.map(|now| now / before - 1.0)
}

#[cfg(test)]
mod tests;
