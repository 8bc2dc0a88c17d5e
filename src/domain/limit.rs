//! How much may be asked for in a stretch of time.

use std::time::Duration;

use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is counted, a row in the store each time it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message to a recipient was asked for.
    SendTo,
    /// A token asked for a message.
    SendBy,
    /// A message was asked for.
    Send,
    /// A code of a recipient was not verified.
    FailureOf,
    /// A token's request to verify failed.
    FailureBy,
}

impl Event {
    /// The longest that any limit looks back.
    pub const KEPT: Duration = DAY;

    pub fn as_str(self) -> &'static str {
        match self {
            Self::SendTo => "send_to",
            Self::SendBy => "send_by",
            Self::Send => "send",
            Self::FailureOf => "failure_of",
            Self::FailureBy => "failure_by",
        }
    }
}

/// A limit: so many events of one subject in a stretch of time that ends now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    SendsPerRecipientHour,
    SendsPerRecipientDay,
    SendsPerTokenMinute,
    SendsPerDay,
    FailuresPerRecipientHour,
    FailuresPerTokenHour,
}

impl Limit {
    pub const ALL: [Self; 6] = [
        Self::SendsPerRecipientHour,
        Self::SendsPerRecipientDay,
        Self::SendsPerTokenMinute,
        Self::SendsPerDay,
        Self::FailuresPerRecipientHour,
        Self::FailuresPerTokenHour,
    ];
    pub const OF_SENDING: [Self; 4] =
        [Self::SendsPerRecipientHour, Self::SendsPerRecipientDay, Self::SendsPerTokenMinute, Self::SendsPerDay];
    pub const OF_VERIFYING: [Self; 2] = [Self::FailuresPerTokenHour, Self::FailuresPerRecipientHour];

    /// The setting that says how many.
    pub fn setting(self) -> &'static str {
        match self {
            Self::SendsPerRecipientHour => "limits.sends_per_recipient_hour",
            Self::SendsPerRecipientDay => "limits.sends_per_recipient_day",
            Self::SendsPerTokenMinute => "limits.sends_per_token_minute",
            Self::SendsPerDay => "limits.sends_per_day",
            Self::FailuresPerRecipientHour => "otp.recipient_attempts_per_hour",
            Self::FailuresPerTokenHour => "limits.failures_per_token_hour",
        }
    }

    pub fn event(self) -> Event {
        match self {
            Self::SendsPerRecipientHour | Self::SendsPerRecipientDay => Event::SendTo,
            Self::SendsPerTokenMinute => Event::SendBy,
            Self::SendsPerDay => Event::Send,
            Self::FailuresPerRecipientHour => Event::FailureOf,
            Self::FailuresPerTokenHour => Event::FailureBy,
        }
    }

    pub fn window(self) -> Duration {
        match self {
            Self::SendsPerTokenMinute => MINUTE,
            Self::SendsPerRecipientHour | Self::FailuresPerRecipientHour | Self::FailuresPerTokenHour => HOUR,
            Self::SendsPerRecipientDay | Self::SendsPerDay => DAY,
        }
    }

    /// How long until there is room again, where as many events as are allowed have been since `oldest`; `None`: there is
    /// room now.
    pub fn wait(self, oldest: Timestamp, now: Timestamp) -> Option<Duration> {
        let over = oldest.plus(self.window());
        (now < over).then(|| over.since(now))
    }
}

/// How many events each limit allows; 0 is no limit.
#[derive(Clone, Copy, Debug)]
pub struct Limits([u32; Limit::ALL.len()]);

impl Limits {
    pub fn new(allowed: impl Fn(Limit) -> u32) -> Self {
        Self(Limit::ALL.map(allowed))
    }

    /// Limits given one by one.
    ///
    /// # Errors
    /// The first that could not be told.
    pub fn try_new<E>(allowed: impl Fn(Limit) -> Result<u32, E>) -> Result<Self, E> {
        let mut limits = Self([0; Limit::ALL.len()]);
        for limit in Limit::ALL {
            limits.0[limit as usize] = allowed(limit)?;
        }
        Ok(limits)
    }

    /// `None`: no limit.
    pub fn allowed(&self, limit: Limit) -> Option<u32> {
        Some(self.0[limit as usize]).filter(|allowed| *allowed > 0)
    }
}

/// Whose events are counted.
#[derive(Clone, Copy, Debug)]
pub struct Subjects<'a> {
    pub recipient: &'a Recipient,
    pub token_id: i64,
}

impl Subjects<'_> {
    /// The name under which the store counts an event.
    pub fn key(&self, event: Event) -> String {
        match event {
            Event::SendTo | Event::FailureOf => self.recipient.key(),
            Event::SendBy | Event::FailureBy => self.token_id.to_string(),
            Event::Send => String::new(),
        }
    }
}
