//! Sends messages through providers and checks providers.

use std::sync::Arc;

use otpd::delivery::{Keep, Provider, ProviderSettings};
use otpd::domain::attempt::Report;
use otpd::domain::code::Code;
use otpd::domain::message::{Channel, Language, Message, Text};
use otpd::domain::purpose::Purpose;
use otpd::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use otpd::domain::secret::Secret;
use otpd::error::Error;

pub fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

pub fn message(recipient: &str, purpose: &str) -> Message {
    let recipient = match EmailAddress::parse(recipient) {
        Ok(address) => Recipient::Email(address),
        Err(_) => Recipient::Mobile(MobileNumber::parse(recipient).unwrap()),
    };
    Message {
        reference: 4711,
        channel: Channel::for_recipient(&recipient),
        recipient,
        code: Code::new(255_315).unwrap(),
        purpose: Purpose::parse(purpose).unwrap(),
        language: Language::Fa,
        minutes: 5,
        text: Text {
            subject: Some("کد تأیید".to_owned()),
            plain: "کد: 255315\n\"{code}\" & more".to_owned(),
            html: Some("<p dir=\"rtl\">255315</p>".to_owned()),
        },
    }
}

pub fn no_inbox() -> Keep {
    Arc::new(|_| Box::pin(async { Err(Error::unavailable("there is no inbox")) }))
}

/// Builds the provider with these settings.
pub fn built(settings: impl Into<ProviderSettings>) -> Box<dyn Provider> {
    settings.into().build(&no_inbox()).unwrap()
}

/// Sends a message through the provider with these settings and returns its report.
pub async fn send(settings: impl Into<ProviderSettings>, message: &Message) -> Report {
    built(settings).send(message).await
}

/// Checks the provider with these settings, as `otpd doctor` does.
pub async fn check(settings: impl Into<ProviderSettings>) -> Result<String, String> {
    built(settings).check().await
}
