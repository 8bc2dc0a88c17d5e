//! `otpd inbox`, `otpd send-test` and `otpd recipient`.

use std::time::{Duration, Instant};

use clap::Subcommand;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use crate::cli::database::{command_origin, now_of, open};
use crate::cli::followed::Followed;
use crate::cli::output::{CommandResult, now, out, print_message};
use crate::cli::serve;
use crate::cli::signals::Signals;
use crate::config::Config;
use crate::delivery;
use crate::domain::attempt::Outcome;
use crate::domain::code::Code;
use crate::domain::message::{Channel, Envelope, Language};
use crate::domain::otp::Otp;
use crate::domain::purpose::Purpose;
use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::service::{inbox, recipients};

/// Poll interval of `--follow`.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

#[derive(Subcommand)]
pub(super) enum RecipientCommand {
    /// Reset the failed attempts and limits of a recipient
    #[command(after_help = "Example:\n  otpd recipient reset 09123456789")]
    Reset {
        /// Mobile number or e-mail address
        #[arg(value_parser = recipient)]
        recipient: Recipient,
    },
}

/// Parses a mobile number or an e-mail address.
pub(super) fn recipient(text: &str) -> Result<Recipient, &'static str> {
    match (MobileNumber::parse(text), EmailAddress::parse(text)) {
        (Ok(number), _) => Ok(Recipient::Mobile(number)),
        (_, Ok(address)) => Ok(Recipient::Email(address)),
        _ => Err("give a mobile number such as 09123456789, or an e-mail address"),
    }
}

pub(super) async fn recipient_command(config: &Config, command: RecipientCommand) -> CommandResult {
    let store = open(config)?;
    let RecipientCommand::Reset { recipient } = command;
    let changed = recipients::reset(&store, command_origin(), recipient, now_of(&store)).await?;
    print_message(if changed { "the recipient is unlocked" } else { "there was nothing to unlock" });
    Ok(())
}

/// Refuses an empty development inbox if it is disabled, because no message ever arrives there then. The command may not
/// have the environment of the server that stored the messages, so stored messages are always shown.
fn require_inbox(config: &Config) -> Result<(), String> {
    if config.delivery.has_inbox() {
        return Ok(());
    }
    let words = "the development inbox is disabled; set delivery.allow_inbox = true";
    Err(match config.file() {
        Some(file) => format!("{words} in {}", file.display()),
        None => format!("{words} (no configuration file)"),
    })
}

/// Prints the messages in the development inbox. With `follow`, also prints new messages until a signal arrives.
///
/// # Errors
/// The inbox is empty and disabled, or the database can't be read.
pub(super) async fn show_inbox(config: &Config, follow: bool) -> CommandResult {
    let signals = if follow { Some(Signals::catch()?) } else { None };
    let store = open(config)?;
    let mut followed = Followed::new(0, store.file().is_some());
    let mut is_first = true;
    loop {
        let messages = inbox::list(&store, followed.floor()).await?;
        if is_first && messages.is_empty() {
            require_inbox(config)?;
        }
        is_first = false;
        let new = followed.note(messages.iter().map(|message| message.id), Instant::now());
        for message in messages.into_iter().filter(|message| new.contains(&message.id)) {
            let subject = message.subject.map_or_else(String::new, |subject| format!("{subject}\n"));
            let (moment, to) = (message.created_at, message.recipient);
            out(&format!("{moment} {} to {to}\n{subject}{}\n\n", message.channel.as_str(), message.text))?;
        }
        let Some(signals) = &signals else { return Ok(()) };
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = signals.first() => return Ok(()),
        }
    }
}

/// Sends one real message with a code that is not stored, and prints the result of each provider.
pub(super) async fn send_test(
    config: &Config,
    recipient: Recipient,
    language: Option<Language>,
    channel: Option<Channel>,
) -> CommandResult {
    let store = open(config)?;
    let settings = serve::service_settings(config, &store)?;
    settings.delivery.require_reachable(&recipient, channel.as_slice())?;
    let code = Code::generate(&mut UnwrapErr(SysRng), config.policy.code_length);
    let channel = channel.unwrap_or_else(|| Channel::for_recipient(&recipient));
    let chain = settings.delivery.chain(channel);
    let otp = Otp::issued(code, recipient, Purpose::default(), now(), &config.policy);
    let language = language.unwrap_or(settings.delivery.language);
    let envelope = Envelope { reference: delivery::new_reference(), channel, language };
    let message = settings.delivery.message(&otp, envelope, now());
    for provider in chain.iter() {
        let report = provider.send(&message).await;
        provider.close().await;
        let id = report.provider_message_id.map_or_else(String::new, |id| format!(", message id {id}"));
        print_message(&match (report.outcome, report.error) {
            (Outcome::Sent, _) => format!("{}: accepted the message{id}", provider.name()),
            (outcome, error) => {
                format!("{}: {}: {}", provider.name(), outcome.as_str(), error.unwrap_or_default())
            }
        });
        match report.outcome {
            Outcome::Sent => return Ok(()),
            Outcome::Unknown => return Err("the message may have been sent; ask the recipient".into()),
            Outcome::Retry | Outcome::Next | Outcome::BadRecipient | Outcome::Misconfigured | Outcome::Interrupted => {}
        }
    }
    Err("no provider accepted the message".into())
}
