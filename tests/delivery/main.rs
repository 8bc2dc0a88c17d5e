//! Messages on their way out: each provider against a gateway or a mail server that speaks its protocol, and the real
//! binary killed while it delivers.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking, and reports")]

mod any_gateway;
mod doctor;
mod fake_mail_server;
#[path = "../gateway/mod.rs"]
mod gateway;
mod keep_alive;
mod kill;
mod lost;
mod mail_sessions;
#[path = "../program/mod.rs"]
mod program;
mod protocols;
mod proxy;
mod smtp;
mod two_servers;

use std::sync::Arc;
use std::time::Duration;

use otpd::delivery::{Chain, Connection, Keep, ProviderSettings};
use otpd::domain::code::Code;
use otpd::domain::message::{Language, Message, Text};
use otpd::domain::outbox::Report;
use otpd::domain::purpose::Purpose;
use otpd::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use otpd::domain::secret::Secret;
use otpd::error::Error;

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn connection(url: &str) -> Connection {
    Connection { name: "gateway".to_owned(), base_url: secret(url), timeout: Duration::from_secs(2), proxy: None }
}

fn message(recipient: &str, purpose: &str) -> Message {
    let recipient = match EmailAddress::parse(recipient) {
        Ok(address) => Recipient::Email(address),
        Err(_) => Recipient::Mobile(MobileNumber::parse(recipient).unwrap()),
    };
    Message {
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

fn no_inbox() -> Keep {
    Arc::new(|_| Box::pin(async { Err(Error::unavailable("there is no inbox")) }))
}

/// What the provider that these settings describe reports.
async fn send(settings: ProviderSettings, message: &Message) -> Report {
    Chain::build(vec![settings], &no_inbox()).unwrap().get(0).unwrap().send(message).await
}

/// What it says to `otpd doctor`.
async fn check(settings: ProviderSettings) -> Result<String, String> {
    Chain::build(vec![settings], &no_inbox()).unwrap().get(0).unwrap().check().await
}
