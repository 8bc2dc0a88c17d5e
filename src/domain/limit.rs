//! Limits on sending and verifying within a time window. The limit on sign-ins to the console is in `session.rs`.

use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use crate::domain::client::ClientNetwork;
use crate::domain::clock;
use crate::domain::message::Channel;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A counted event. The store keeps one row per occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// A message to a recipient was requested.
    SendTo,
    /// A token requested a message.
    SendBy,
    /// A message was requested for an end user of the caller (`client_ip`).
    SendFor,
    /// An SMS was requested.
    SendSms,
    /// A call was requested.
    SendCall,
    /// A message over Bale was requested.
    SendBale,
    /// An e-mail was requested.
    SendEmail,
    /// The verification of a recipient's code failed.
    FailureOf,
    /// A token's request to verify failed.
    FailureBy,
    /// A request to verify for an end user of the caller (`client_ip`) failed.
    FailureFor,
    /// A sign-in to the console failed.
    SignInFailure,
    /// A sign-in to the console from a client network failed.
    SignInFailureFrom,
}

impl Event {
    /// How long events are kept: the longest window of all limits.
    pub const KEPT: Duration = DAY;
    /// The events of a request to send.
    pub const OF_SENDING: [Self; 7] =
        [Self::SendTo, Self::SendBy, Self::SendFor, Self::SendSms, Self::SendCall, Self::SendBale, Self::SendEmail];
    /// The events of a failed request to verify.
    pub const OF_FAILURE: [Self; 3] = [Self::FailureOf, Self::FailureBy, Self::FailureFor];
    /// The events of a recipient. A reset deletes them.
    pub const OF_RECIPIENT: [Self; 2] = [Self::SendTo, Self::FailureOf];

    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A limit on the events of one subject in a window that ends now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", prefix = "limits.")]
pub enum Limit {
    SendsPerRecipientHour,
    SendsPerRecipientDay,
    SendsPerTokenMinute,
    SendsPerClientHour,
    SmsPerDay,
    CallsPerDay,
    BalePerDay,
    EmailsPerDay,
    FailuresPerRecipientHour,
    FailuresPerTokenHour,
    FailuresPerClientHour,
}

impl Limit {
    pub const ALL: &'static [Self] = Self::VARIANTS;
    pub const OF_SENDING: [Self; 8] = [
        Self::SendsPerRecipientHour,
        Self::SendsPerRecipientDay,
        Self::SendsPerTokenMinute,
        Self::SendsPerClientHour,
        Self::SmsPerDay,
        Self::CallsPerDay,
        Self::BalePerDay,
        Self::EmailsPerDay,
    ];
    pub const OF_VERIFYING: [Self; 3] =
        [Self::FailuresPerTokenHour, Self::FailuresPerClientHour, Self::FailuresPerRecipientHour];

    /// The limit on the messages of a channel over all recipients.
    pub fn of_channel(channel: Channel) -> Self {
        match channel {
            Channel::Sms => Self::SmsPerDay,
            Channel::Call => Self::CallsPerDay,
            Channel::Bale => Self::BalePerDay,
            Channel::Email => Self::EmailsPerDay,
        }
    }

    /// The setting that holds the allowed number of events.
    pub fn setting(self) -> &'static str {
        match self {
            Self::FailuresPerRecipientHour => "otp.recipient_attempts_per_hour",
            other => other.into(),
        }
    }

    pub fn event(self) -> Event {
        match self {
            Self::SendsPerRecipientHour | Self::SendsPerRecipientDay => Event::SendTo,
            Self::SendsPerTokenMinute => Event::SendBy,
            Self::SendsPerClientHour => Event::SendFor,
            Self::SmsPerDay => Event::SendSms,
            Self::CallsPerDay => Event::SendCall,
            Self::BalePerDay => Event::SendBale,
            Self::EmailsPerDay => Event::SendEmail,
            Self::FailuresPerRecipientHour => Event::FailureOf,
            Self::FailuresPerTokenHour => Event::FailureBy,
            Self::FailuresPerClientHour => Event::FailureFor,
        }
    }

    pub fn window(self) -> Duration {
        match self {
            Self::SendsPerTokenMinute => MINUTE,
            Self::SendsPerRecipientHour
            | Self::SendsPerClientHour
            | Self::FailuresPerRecipientHour
            | Self::FailuresPerTokenHour
            | Self::FailuresPerClientHour => HOUR,
            Self::SendsPerRecipientDay
            | Self::SmsPerDay
            | Self::CallsPerDay
            | Self::BalePerDay
            | Self::EmailsPerDay => DAY,
        }
    }

    /// Returns how long until the next event is allowed, if the allowed number of events has occurred since `oldest`.
    /// `None`: it is allowed now.
    pub fn wait(self, oldest: Timestamp, now: Timestamp) -> Option<Duration> {
        clock::time_left(oldest, self.window(), now)
    }
}

/// The number of events that each limit allows. 0 disables a limit.
#[derive(Clone, Copy, Debug)]
pub struct Limits([u32; Limit::ALL.len()]);

impl Limits {
    pub fn new(allowed: impl Fn(Limit) -> u32) -> Self {
        Self(std::array::from_fn(|n| allowed(Limit::ALL[n])))
    }

    /// Builds the limits with a function that can fail.
    ///
    /// # Errors
    /// The first error of `allowed`.
    pub fn try_new<E>(allowed: impl Fn(Limit) -> Result<u32, E>) -> Result<Self, E> {
        let mut limits = Self([0; Limit::ALL.len()]);
        for limit in Limit::ALL {
            limits.0[*limit as usize] = allowed(*limit)?;
        }
        Ok(limits)
    }

    /// The allowed number of events. `None`: the limit is disabled.
    pub fn allowed(&self, limit: Limit) -> Option<u32> {
        Some(self.0[limit as usize]).filter(|allowed| *allowed > 0)
    }
}

/// The subjects of a request, under which its events are counted.
#[derive(Clone, Copy, Debug)]
pub struct Subjects<'a> {
    pub recipient: &'a Recipient,
    pub channel: Channel,
    pub token_id: i64,
    /// The end user of the caller, if the request contains one.
    pub client: Option<ClientNetwork>,
}

impl Subjects<'_> {
    /// The key under which the store counts an event. `None`: the event does not apply to these subjects.
    pub fn key(&self, event: Event) -> Option<String> {
        let on = |channel| (self.channel == channel).then(String::new);
        match event {
            Event::SendTo | Event::FailureOf => Some(self.recipient.key()),
            Event::SendBy | Event::FailureBy => Some(self.token_id.to_string()),
            Event::SendFor | Event::FailureFor => self.client.map(|client| client.key()),
            Event::SendSms => on(Channel::Sms),
            Event::SendCall => on(Channel::Call),
            Event::SendBale => on(Channel::Bale),
            Event::SendEmail => on(Channel::Email),
            // Sign-ins have no recipient.
            Event::SignInFailure | Event::SignInFailureFrom => None,
        }
    }
}
