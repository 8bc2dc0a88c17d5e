//! Webhooks: the events that otpd reports to the endpoints of the operator, and their delivery as the Standard Webhooks
//! specification 1.0.0 defines it (<https://www.standardwebhooks.com>).

mod signature;

use std::time::Duration;

use rand::CryptoRng;
use rand::distr::{Alphanumeric, SampleString};
use serde_json::{Map, Value, json};
use strum::{EnumString, IntoStaticStr, VariantArray};

pub use crate::domain::webhook::signature::WebhookSecret;

use crate::domain::message::Channel;
use crate::domain::otp::OtpId;
use crate::domain::outbox::MessageState;
use crate::domain::purpose::Purpose;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;

/// How long an event is kept if its endpoint does not accept it.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);
/// The pauses after the first failed attempts.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    MAX_PAUSE,
];
/// The pause after each further attempt. The first of them is about 22.5 hours after the event.
const LATER_PAUSE: Duration = Duration::from_secs(5 * 3600);
/// No event waits longer for its next attempt.
pub const MAX_PAUSE: Duration = Duration::from_secs(10 * 3600);
const WEBHOOK_ID_CHARS: usize = 27;

/// The type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(parse_err_ty = crate::domain::Refusal, parse_err_fn = no_type)]
pub enum EventType {
    /// A provider accepted a message.
    #[strum(serialize = "otp.sent")]
    Sent,
    /// A message reached its recipient.
    #[strum(serialize = "otp.delivered")]
    Delivered,
    /// A message ended without reaching its recipient: it was not accepted in time or did not arrive, and no other
    /// provider or channel is tried.
    #[strum(serialize = "otp.undelivered")]
    Undelivered,
    /// A code was verified and consumed.
    #[strum(serialize = "otp.verified")]
    Verified,
    /// A recipient reached `otp.max_consecutive_failures`.
    #[strum(serialize = "otp.locked_out")]
    LockedOut,
}

impl EventType {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn no_type(_: &str) -> &'static str {
    "otp.sent, otp.delivered, otp.undelivered, otp.verified or otp.locked_out"
}

/// An event. It does not contain the code.
#[derive(Clone, Debug)]
pub struct Event {
    pub kind: EventType,
    /// When it happened.
    pub at: Timestamp,
    /// The code. `None`: there is none, which is possible only for [`EventType::LockedOut`].
    pub otp: Option<OtpId>,
    pub recipient: Recipient,
    pub purpose: Purpose,
    /// The message and its provider, for events about a message.
    pub message: Option<EventMessage>,
}

/// A message, in an event about it.
#[derive(Clone, Debug)]
pub struct EventMessage {
    pub id: i64,
    pub channel: Channel,
    /// The configured name of the provider that delivered it, or that was asked last. `None`: none was asked.
    pub provider: Option<String>,
    pub state: MessageState,
}

impl Event {
    /// Returns the body of the request as JSON. The recipient is masked, unless `include_recipient` is set.
    pub fn body(&self, include_recipient: bool) -> String {
        let recipient = if include_recipient { self.recipient.as_str().to_owned() } else { self.recipient.masked() };
        let mut data = Map::new();
        data.insert("id".to_owned(), self.otp.map(OtpId::value).into());
        data.insert("recipient".to_owned(), recipient.into());
        let channel = self.message.as_ref().map_or(Channel::for_recipient(&self.recipient), |message| message.channel);
        data.insert("channel".to_owned(), channel.as_str().into());
        data.insert("purpose".to_owned(), self.purpose.as_str().into());
        if let Some(EventMessage { id, provider, state, .. }) = &self.message {
            data.insert("message".to_owned(), (*id).into());
            data.insert("provider".to_owned(), provider.as_deref().into());
            data.insert("state".to_owned(), state.as_str().into());
        }
        let (kind, at) = (self.kind.as_str(), self.at.to_string());
        json!({ "type": kind, "timestamp": at, "data": Value::Object(data) }).to_string()
    }
}

/// Generates the id of an event. It contains no full stop, because the signature separates its parts by full stops.
pub fn generate_webhook_id(random: &mut impl CryptoRng) -> String {
    format!("msg_{}", Alphanumeric.sample_string(random, WEBHOOK_ID_CHARS))
}

/// The answer of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The endpoint has the event.
    Accepted,
    /// The endpoint does not want the event.
    Gone,
    /// Everything else: the event is sent again.
    Failed {
        /// The reason, without the URL.
        error: String,
        /// The endpoint asked for this pause.
        retry_after: Option<Duration>,
    },
}

impl Answer {
    /// All values of [`outcome`](Self::outcome).
    pub const OUTCOMES: [&'static str; 3] = ["accepted", "gone", "failed"];

    /// The name of the outcome in the metrics.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Gone => "gone",
            Self::Failed { .. } => "failed",
        }
    }
}

/// Returns when an event is sent again after `attempts` failed attempts. `jitter`, from 0 to 1, spreads the attempts: it
/// shortens a pause by up to a tenth. `retry_after` is the pause that the endpoint asked for. It only lengthens a
/// pause, up to [`MAX_PAUSE`].
pub fn next_attempt(attempts: u32, retry_after: Option<Duration>, now: Timestamp, jitter: f64) -> Timestamp {
    let last = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let pause = PAUSES.get(last).copied().unwrap_or(LATER_PAUSE).mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 10.0);
    now.plus(pause.max(retry_after.unwrap_or_default()).min(MAX_PAUSE))
}

#[cfg(test)]
mod tests;
