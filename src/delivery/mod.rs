//! The ways to a recipient: each provider behind [`Provider`], in the order in which they are asked.

mod answer;
mod chain;
mod escaping;
mod gateway;
mod ghasedak;
mod http;
mod inbox;
mod ippanel;
mod kavenegar;
mod lost;
mod melipayamak;
mod settings;
mod smsir;
mod smtp;
mod tcp;

use futures_util::future::BoxFuture;

pub use crate::delivery::chain::Chain;
pub use crate::delivery::gateway::Connection;
pub use crate::delivery::ghasedak::Ghasedak;
pub use crate::delivery::http::Http;
pub use crate::delivery::inbox::Keep;
pub use crate::delivery::ippanel::Ippanel;
pub use crate::delivery::kavenegar::Kavenegar;
pub use crate::delivery::melipayamak::{Login, Melipayamak};
pub use crate::delivery::settings::{PanelTemplates, ProviderSettings};
pub use crate::delivery::smsir::SmsIr;
pub use crate::delivery::smtp::{Security, Sender, Smtp};

use crate::domain::message::{Channel, Language, Message};
use crate::domain::otp::Otp;
use crate::domain::outbox::{OnUnknown, Report};
use crate::domain::recipient::{MobileNumber, Recipient};
use crate::domain::texts::Texts;
use crate::domain::timestamp::Timestamp;
use crate::error::{FieldErrors, Result};

/// What carries messages: an SMS gateway, a mail server.
pub trait Provider: Send + Sync {
    /// What the operator calls it, in logs and in the history of a message.
    fn name(&self) -> &str;

    /// Hands a message over. Whatever happens is told in the report; its error holds neither code nor recipient nor key.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Report>;

    /// Whether messages would be taken, as far as can be told without sending one: what is well, or what to do.
    fn check(&self) -> BoxFuture<'_, Result<String, String>>;

    /// Ends what the provider keeps open between messages, within a second.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Everything that `[delivery]` of the configuration says.
#[derive(Debug, Default)]
pub struct Delivery {
    pub sms: Chain,
    pub email: Chain,
    pub texts: Texts,
    /// Of texts where a request names none.
    pub language: Language,
    pub on_unknown: OnUnknown,
    /// What mobile numbers must begin with; empty: anything.
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

    /// What is sent at `now` to the recipient of a code.
    pub fn message(&self, otp: &Otp, language: Language, now: Timestamp) -> Message {
        // Rounded down: a text never says more than is left.
        let minutes = otp.ttl(now) / 60;
        let text = self.texts.render(Channel::for_recipient(&otp.recipient), language, &otp.purpose, otp.code, minutes);
        let (recipient, purpose) = (otp.recipient.clone(), otp.purpose.clone());
        Message { recipient, code: otp.code, purpose, language, minutes, text }
    }

    /// Refuses a recipient whom no provider serves, or whose number costs too much (`delivery.allowed_prefixes`).
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

/// The innermost cause: the outer ones quote URLs, and keys may be in them.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error.source();
    while let Some(source) = innermost.and_then(std::error::Error::source) {
        innermost = Some(source);
    }
    innermost.map_or_else(|| "no reason is given".to_owned(), ToString::to_string)
}
