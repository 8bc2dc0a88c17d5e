//! A session with a mail server, after the login.

use std::time::Duration;

use lettre::Message as Mail;
use lettre::address::Envelope;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::response::Category;
use tokio::time::timeout;

use crate::delivery::provider::innermost;
use crate::delivery::smtp::stream::WriteFailure;
use crate::domain::attempt::{Outcome, Report};

/// Timeout for the answer to QUIT. The answer is ignored.
const QUIT_WITHIN: Duration = Duration::from_secs(1);
/// Timeout for the check of an idle session. After that a new session is opened.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// `421`: the server closes the connection (RFC 5321, 3.8).
const CLOSING: &str = "421";

pub(super) struct Session {
    connection: AsyncSmtpConnection,
    write_failure: WriteFailure,
    /// Timeout for the envelope of a mail, and for its content.
    timeout: Duration,
}

/// The reason why a mail was not sent, and the state of the session.
pub(super) enum Failure {
    /// The server answered and expects the next command.
    Refused(Report),
    /// The session ended before the mail was sent. Another session may send the mail immediately.
    Gone(Report),
    /// An answer is missing, so the session is no longer usable.
    Lost(Report),
}

impl Session {
    pub(super) fn new(connection: AsyncSmtpConnection, write_failure: WriteFailure, timeout: Duration) -> Self {
        Self { connection, write_failure, timeout }
    }

    /// Returns whether the server still answers.
    pub(super) async fn answers(&mut self) -> bool {
        timeout(ANSWER_WITHIN.min(self.timeout), self.connection.test_connected()).await == Ok(true)
    }

    /// Sends a mail. The mail is certainly not sent if a failure occurs before the server has all of it.
    ///
    /// # Errors
    /// The reason why the server did not accept the mail, or why its acceptance is unknown.
    pub(super) async fn transfer(&mut self, mail: &Mail) -> Result<(), Failure> {
        match timeout(self.timeout, announce(&mut self.connection, mail.envelope())).await {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => {
                let report = rejected(&cause, Outcome::Retry, "the connection broke before the message was sent");
                return Err(if is_gone(&cause) { Failure::Gone(report) } else { Failure::Refused(report) });
            }
            Err(_) => {
                let words = "the server did not accept sender and recipient in time";
                return Err(Failure::Lost(Report::not_sent(Outcome::Retry, words)));
            }
        }
        match timeout(self.timeout, self.connection.message(&mail.formatted())).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(cause)) if cause.status().is_some() => Err(Failure::Refused(rejected(&cause, Outcome::Unknown, ""))),
            Ok(Err(_)) if self.write_failure.has_happened() => {
                let words = "the connection broke before the whole message was sent";
                Err(Failure::Gone(Report::not_sent(Outcome::Retry, words)))
            }
            Ok(Err(_)) => {
                let words = "the connection broke while the message was sent";
                Err(Failure::Lost(Report::not_sent(Outcome::Unknown, words)))
            }
            Err(_) => {
                let words = "the message was sent, but no response arrived in time";
                Err(Failure::Lost(Report::not_sent(Outcome::Unknown, words)))
            }
        }
    }

    /// Ends the session with QUIT, within one second.
    pub(super) async fn quit(self) {
        quit(self.connection).await;
    }
}

/// Sends QUIT and closes the connection, within one second.
pub(super) async fn quit(mut connection: AsyncSmtpConnection) {
    // The connection is closed even if the server does not answer.
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

/// Returns the report for a mail that the server did not accept (RFC 5321, 4.2). Without an answer of the server, the
/// outcome is `broken` and the text is `how`.
///
/// Codes such as 550 also reject senders and policy violations. Only an enhanced status code (RFC 3463) about the
/// recipient ends the chain. Without one the next provider is tried.
fn rejected(cause: &SmtpError, broken: Outcome, how: &str) -> Report {
    let Some(code) = cause.status() else { return Report::not_sent(broken, how) };
    let words = innermost(cause);
    let status = words.split_whitespace().next().unwrap_or_default();
    let (outcome, meaning) = match (cause.is_permanent(), code.category) {
        (false, _) => (Outcome::Retry, "not now"),
        (true, _) if is_of_recipient(status) => (Outcome::BadRecipient, "the server rejected the recipient"),
        (true, Category::Unspecified3) => (Outcome::Misconfigured, "authentication is required"),
        (true, _) => (Outcome::Next, "the server rejected the message"),
    };
    Report::not_sent(outcome, format!("{code}: {meaning}"))
}

/// Returns whether an enhanced status code is about the recipient: a bad mailbox or system, a moved mailbox, or the
/// status of the mailbox.
fn is_of_recipient(status: &str) -> bool {
    matches!(status, "5.1.1" | "5.1.2" | "5.1.3" | "5.1.6" | "5.1.10") || status.starts_with("5.2.")
}
