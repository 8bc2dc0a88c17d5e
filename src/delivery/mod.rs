//! Delivery of messages through providers, which implement [`Provider`] and are tried in the configured order.

mod answer;
mod call;
mod chain;
mod check;
mod checks;
mod common;
mod endpoint;
mod escaping;
mod event_answer;
mod gateway;
mod gateways;
mod http;
mod http_client;
mod http_provider;
mod inbox;
mod provider;
mod read_keys;
mod request_errors;
mod settings;
mod smtp;
mod tcp;

use std::time::Duration;

use rand::Rng;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

pub use crate::delivery::chain::Chain;
pub use crate::delivery::common::{Connection, timeout};
pub use crate::delivery::endpoint::{Endpoint, EndpointSettings};
pub use crate::delivery::gateways::TYPES;
pub use crate::delivery::http::Http;
pub use crate::delivery::inbox::inbox;
pub use crate::delivery::provider::{Keep, Provider};
pub use crate::delivery::read_keys::ReadKeys;
pub use crate::delivery::settings::{ProviderSettings, ProviderType};
pub use crate::delivery::smtp::{Security, Sender, Smtp};

use crate::domain::message::{Channel, Envelope, Language, Message, PerChannel};
use crate::domain::otp::Otp;
use crate::domain::outbox::OnUnknown;
use crate::domain::recipient::{MobileNumber, Recipient};
use crate::domain::secret::Secret;
use crate::domain::texts::Texts;
use crate::domain::timestamp::Timestamp;
use crate::error::{FieldErrors, Result};

/// Returns a random [`Message::reference`].
pub fn new_reference() -> u64 {
    UnwrapErr(SysRng).next_u64() >> 11
}

/// The `[delivery]` section of the configuration.
#[derive(Debug, Default)]
pub struct Delivery {
    pub chains: PerChannel<Chain>,
    pub texts: Texts,
    /// Default language, for requests without a language.
    pub language: Language,
    pub on_unknown: OnUnknown,
    /// The shortest remaining validity of a code for a fallback. `None`: there is no fallback.
    pub fallback_margin: Option<Duration>,
    /// How long a message may take before its next channel is used.
    pub escalate_after: Duration,
    /// The secret part of the path at which providers report deliveries. `None`: there is no such path.
    pub callback_secret: Option<Secret>,
    /// Allowed prefixes of mobile numbers. Empty: all numbers are allowed.
    pub allowed_prefixes: Vec<String>,
    /// Whether the development inbox is one of the providers.
    pub has_inbox: bool,
}

impl Delivery {
    pub fn chain(&self, channel: Channel) -> &Chain {
        self.chains.get(channel)
    }

    /// Whether figures of a channel are shown: SMS and e-mail always, the others if they have a provider.
    pub fn shows(&self, channel: Channel) -> bool {
        matches!(channel, Channel::Sms | Channel::Email) || !self.chain(channel).is_empty()
    }

    /// The providers of all channels.
    pub fn providers(&self) -> impl Iterator<Item = &dyn Provider> {
        self.chains.iter().flat_map(|(_, chain)| chain.iter())
    }

    /// Returns the message that is sent to the recipient of a code at `now`.
    pub fn message(&self, otp: &Otp, envelope: Envelope, now: Timestamp) -> Message {
        // Rounded down, so that the text does not exceed the remaining lifetime.
        let minutes = otp.ttl(now) / 60;
        let Envelope { reference, channel, language } = envelope;
        let text = self.texts.render(channel, language, &otp.purpose, otp.code, minutes);
        let (recipient, purpose) = (otp.recipient.clone(), otp.purpose.clone());
        Message { reference, channel, recipient, code: otp.code, purpose, language, minutes, text }
    }

    /// Requires that messages can be sent to a recipient through each of these channels. Without channels, the usual one
    /// of the recipient is used.
    ///
    /// # Errors
    /// A channel can't reach this kind of recipient, no provider is configured for it, or `delivery.allowed_prefixes`
    /// does not include the number.
    pub fn require_reachable(&self, recipient: &Recipient, channels: &[Channel]) -> Result<()> {
        let refused = |message| Err(FieldErrors::one(field(recipient), message).into());
        let is_allowed = |number: &MobileNumber| {
            self.allowed_prefixes.is_empty()
                || self.allowed_prefixes.iter().any(|prefix| number.as_str().starts_with(prefix.as_str()))
        };
        require_suitable(recipient, channels)?;
        if let Some(channel) = channels.iter().find(|channel| self.chain(**channel).is_empty()) {
            let message = format!("Messages can not be sent by {}: no provider is configured.", channel.as_str());
            return Err(FieldErrors::one("channel", message).into());
        }
        if channels.is_empty() && self.chain(Channel::for_recipient(recipient)).is_empty() {
            return refused("Messages can not be sent there: no provider is configured.");
        }
        if !recipient.mobile_number().is_none_or(is_allowed) {
            return refused("Messages to this number are not allowed.");
        }
        Ok(())
    }
}

/// Requires that each of these channels reaches this kind of recipient.
///
/// # Errors
/// A channel does not.
pub fn require_suitable(recipient: &Recipient, channels: &[Channel]) -> Result<()> {
    let Some(channel) = channels.iter().find(|channel| !channel.can_reach(recipient)) else { return Ok(()) };
    let kind = if recipient.email().is_some() { "An e-mail address" } else { "A mobile number" };
    Err(FieldErrors::one("channel", format!("{kind} can not be reached by {}.", channel.as_str())).into())
}

fn field(recipient: &Recipient) -> &'static str {
    match recipient {
        Recipient::Mobile(_) => "mobile_number",
        Recipient::Email(_) => "email",
    }
}
