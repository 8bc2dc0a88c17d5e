//! Delivery of messages through providers, which implement [`Provider`] and are tried in the configured order.

mod answer;
mod chain;
mod common;
mod escaping;
mod gateway;
mod ghasedak;
mod http;
mod inbox;
mod ippanel;
mod kavenegar;
mod melipayamak;
mod provider;
mod read_keys;
mod registry;
mod request_errors;
mod settings;
mod smsir;
mod smtp;
mod tcp;

pub use crate::delivery::chain::Chain;
pub use crate::delivery::common::{Connection, PanelTemplates};
pub use crate::delivery::ghasedak::Ghasedak;
pub use crate::delivery::http::Http;
pub use crate::delivery::inbox::inbox;
pub use crate::delivery::ippanel::Ippanel;
pub use crate::delivery::kavenegar::Kavenegar;
pub use crate::delivery::melipayamak::{Login, Melipayamak};
pub use crate::delivery::provider::{Keep, Provider};
pub use crate::delivery::read_keys::ReadKeys;
pub use crate::delivery::registry::TYPES;
pub use crate::delivery::settings::{ProviderSettings, ProviderType};
pub use crate::delivery::smsir::SmsIr;
pub use crate::delivery::smtp::{Security, Sender, Smtp};

use crate::domain::message::{Channel, Language, Message};
use crate::domain::otp::Otp;
use crate::domain::outbox::OnUnknown;
use crate::domain::recipient::{MobileNumber, Recipient};
use crate::domain::texts::Texts;
use crate::domain::timestamp::Timestamp;
use crate::error::{FieldErrors, Result};

/// The `[delivery]` section of the configuration.
#[derive(Debug, Default)]
pub struct Delivery {
    pub sms: Chain,
    pub email: Chain,
    pub texts: Texts,
    /// Default language, for requests without a language.
    pub language: Language,
    pub on_unknown: OnUnknown,
    /// Allowed prefixes of mobile numbers. Empty: all numbers are allowed.
    pub allowed_prefixes: Vec<String>,
    /// Whether the development inbox is one of the providers.
    pub has_inbox: bool,
}

impl Delivery {
    pub fn chain(&self, channel: Channel) -> &Chain {
        match channel {
            Channel::Sms => &self.sms,
            Channel::Email => &self.email,
        }
    }

    /// Returns the message that is sent to the recipient of a code at `now`.
    pub fn message(&self, otp: &Otp, language: Language, now: Timestamp) -> Message {
        // Rounded down, so that the text does not exceed the remaining lifetime.
        let minutes = otp.ttl(now) / 60;
        let text = self.texts.render(Channel::for_recipient(&otp.recipient), language, &otp.purpose, otp.code, minutes);
        let (recipient, purpose) = (otp.recipient.clone(), otp.purpose.clone());
        Message { recipient, code: otp.code, purpose, language, minutes, text }
    }

    /// Requires that messages can be sent to a recipient.
    ///
    /// # Errors
    /// No provider is configured for the channel, or `delivery.allowed_prefixes` does not include the number.
    pub fn require_reachable(&self, recipient: &Recipient) -> Result<()> {
        let refused = |message| Err(FieldErrors::one(field(recipient), message).into());
        let is_allowed = |number: &MobileNumber| {
            self.allowed_prefixes.is_empty()
                || self.allowed_prefixes.iter().any(|prefix| number.as_str().starts_with(prefix.as_str()))
        };
        if self.chain(Channel::for_recipient(recipient)).is_empty() {
            return refused("Messages can not be sent there: no provider is configured.");
        }
        if !recipient.mobile_number().is_none_or(is_allowed) {
            return refused("Messages to this number are not allowed.");
        }
        Ok(())
    }
}

fn field(recipient: &Recipient) -> &'static str {
    match recipient {
        Recipient::Mobile(_) => "mobile_number",
        Recipient::Email(_) => "email",
    }
}
