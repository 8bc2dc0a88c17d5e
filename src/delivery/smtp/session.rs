//! A session with a mail server that has let otpd in.

use std::time::Duration;

use lettre::Message as Mail;
use lettre::address::Envelope;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::response::Category;
use tokio::time::timeout;

use crate::delivery::innermost;
use crate::delivery::smtp::stream::WriteFailure;
use crate::domain::outbox::{Outcome, Report};

/// How long a server is given to answer QUIT. Its answer changes nothing.
const QUIT_WITHIN: Duration = Duration::from_secs(1);
/// How long a session that was kept is given to show that it still works. After that a new one is made.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// `421`: the server closes the connection (RFC 5321, 3.8).
const CLOSING: &str = "421";

pub(super) struct Session {
    connection: AsyncSmtpConnection,
    write_failure: WriteFailure,
    /// For the announcement of a mail, and for the mail.
    timeout: Duration,
}

/// Why a session did not take a mail, and what it is good for now.
pub(super) enum Failure {
    /// The server answered and expects the next command.
    Refused(Report),
    /// The session ended before the mail was sent; another one may take the mail at once.
    Gone(Report),
    /// An answer is missing, so the session can't be used any more.
    Lost(Report),
}

impl Session {
    pub(super) fn new(connection: AsyncSmtpConnection, write_failure: WriteFailure, timeout: Duration) -> Self {
        Self { connection, write_failure, timeout }
    }

    /// Whether the server still answers.
    pub(super) async fn answers(&mut self) -> bool {
        timeout(ANSWER_WITHIN.min(self.timeout), self.connection.test_connected()).await == Ok(true)
    }

    /// Hands a mail over. What fails before the server has the whole mail was certainly not sent.
    ///
    /// # Errors
    /// Why the server does not have the mail, or may not have it.
    pub(super) async fn transfer(&mut self, mail: &Mail) -> Result<(), Failure> {
        match timeout(self.timeout, announce(&mut self.connection, mail.envelope())).await {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => {
                let report = not_taken(&cause, Outcome::Retry, "the connection broke before the mail went out");
                return Err(if is_gone(&cause) { Failure::Gone(report) } else { Failure::Refused(report) });
            }
            Err(_) => {
                let words = "it did not take sender and recipient in time";
                return Err(Failure::Lost(Report::not_sent(Outcome::Retry, words)));
            }
        }
        match timeout(self.timeout, self.connection.message(&mail.formatted())).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(cause)) if cause.status().is_some() => {
                Err(Failure::Refused(not_taken(&cause, Outcome::Unknown, "")))
            }
            Ok(Err(_)) if self.write_failure.has_happened() => {
                let words = "the connection broke before the whole mail went out";
                Err(Failure::Gone(Report::not_sent(Outcome::Retry, words)))
            }
            Ok(Err(_)) => {
                let words = "the connection broke while it took the mail";
                Err(Failure::Lost(Report::not_sent(Outcome::Unknown, words)))
            }
            Err(_) => {
                let words = "it took the mail and did not answer in time";
                Err(Failure::Lost(Report::not_sent(Outcome::Unknown, words)))
            }
        }
    }

    /// Ends the session in good order, within a second.
    pub(super) async fn quit(self) {
        quit(self.connection).await;
    }
}

/// Says QUIT and closes the connection, within a second.
pub(super) async fn quit(mut connection: AsyncSmtpConnection) {
    // A server that does not answer is left without an answer.
    let _ = timeout(QUIT_WITHIN, connection.abort()).await;
}

async fn announce(connection: &mut AsyncSmtpConnection, envelope: &Envelope) -> Result<(), SmtpError> {
    connection.command(MailFrom::new(envelope.from().cloned(), Vec::new())).await?;
    for to in envelope.to() {
        connection.command(Rcpt::new(to.clone(), Vec::new())).await?;
    }
    connection.command(Data).await.map(drop)
}

fn is_gone(cause: &SmtpError) -> bool {
    cause.status().is_none_or(|code| code.to_string() == CLOSING)
}

/// What the server's answer means (RFC 5321, 4.2); without one, `broken`.
///
/// 550 and its like are said of senders and of policies too. Only an enhanced status (RFC 3463) that names the recipient ends
/// the chain; without one the next provider is asked.
fn not_taken(cause: &SmtpError, broken: Outcome, how: &str) -> Report {
    let Some(code) = cause.status() else { return Report::not_sent(broken, how) };
    let words = innermost(cause);
    let status = words.split_whitespace().next().unwrap_or_default();
    let (outcome, meaning) = match (cause.is_permanent(), code.category) {
        (false, _) => (Outcome::Retry, "not now"),
        (true, _) if is_of_recipient(status) => (Outcome::BadRecipient, "it refuses the recipient"),
        (true, Category::Unspecified3) => (Outcome::Misconfigured, "it wants us to log in"),
        (true, _) => (Outcome::Next, "it refuses the mail"),
    };
    Report::not_sent(outcome, format!("{code}: {meaning}"))
}

/// Bad destination mailboxes and systems, mailboxes that moved, and anything about the mailbox itself.
fn is_of_recipient(status: &str) -> bool {
    matches!(status, "5.1.1" | "5.1.2" | "5.1.3" | "5.1.6" | "5.1.10") || status.starts_with("5.2.")
}
