//! E-mail by SMTP, over connections that are kept for the next message.

mod encrypted;
mod server;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::response::Category;
use lettre::{Address, Message as Mail};
use reqwest::Url;
use tokio::time::timeout;

use crate::delivery::smtp::server::Server;
use crate::delivery::{Provider, innermost};
use crate::domain::message::Message;
use crate::domain::outbox::{Outcome, Report};
use crate::domain::secret::Secret;

/// So that nobody's holiday answers it (RFC 3834).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");
/// Less than a stop waits for: what has not been let in by then was certainly not sent, and says so itself.
const LET_IN_WITHIN: Duration = Duration::from_secs(5);
/// How long a connection is kept for the next mail.
const IDLE: Duration = Duration::from_secs(30);

/// `[[delivery.email]]` with `type = "smtp"`.
#[derive(Clone, Debug)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub login: Option<(String, Secret)>,
    /// Who the mail is from: an address, or `Name <address>`.
    pub from: Mailbox,
    /// For the login, and for each mail.
    pub timeout: Duration,
    /// An HTTP or SOCKS5 proxy that connections go out through.
    pub proxy: Option<Secret>,
    /// PEM of a certificate to trust beside the system's.
    pub ca: Option<String>,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Begins in the clear and must turn to TLS.
    StartTls,
    Tls,
    /// In the clear throughout: for a mail server on this machine.
    Plain,
}

pub(super) struct SmtpProvider {
    name: String,
    from: Mailbox,
    timeout: Duration,
    server: Server,
    /// Connections that wait for the next mail, and since when.
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl SmtpProvider {
    /// # Errors
    /// What is wrong with the certificate, the host or the proxy.
    pub(super) fn new(name: String, smtp: Smtp) -> Result<Self, String> {
        Ok(Self {
            from: smtp.from.clone(),
            timeout: smtp.timeout,
            server: Server::new(smtp).map_err(|cause| format!("{name}: {cause}"))?,
            idle: Mutex::default(),
            name,
        })
    }

    fn mail(&self, message: &Message) -> Result<Mail, String> {
        let to = in_ascii(message.recipient.as_str()).ok_or("the address can't stand in a mail")?;
        let text = &message.text;
        let mail = Mail::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(text.subject.clone().unwrap_or_default())
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
            .message_id(None);
        let built = match &text.html {
            Some(html) => mail.multipart(MultiPart::alternative_plain_html(text.plain.clone(), html.clone())),
            None => mail.singlepart(SinglePart::plain(text.plain.clone())),
        };
        built.map_err(|_| "the mail can't be put together".to_owned())
    }

    async fn hand_over(&self, message: &Message) -> Report {
        let mail = match self.mail(message) {
            Ok(mail) => mail,
            Err(cause) => return Report::not_sent(Outcome::BadRecipient, cause),
        };
        let mut connection = match self.connection().await {
            Ok(connection) => connection,
            Err(report) => return report,
        };
        let id = mail.headers().get_raw("Message-ID").map(str::to_owned);
        match self.transfer(&mut connection, &mail).await {
            Ok(()) => {
                self.keep(connection);
                Report::sent(id)
            }
            Err(report) => report,
        }
    }

    /// Step by step: what fails before the mail itself goes out was certainly not sent.
    async fn transfer(&self, connection: &mut AsyncSmtpConnection, mail: &Mail) -> Result<(), Report> {
        let envelope = mail.envelope();
        let announced = timeout(self.timeout, async {
            connection.command(MailFrom::new(envelope.from().cloned(), Vec::new())).await?;
            for to in envelope.to() {
                connection.command(Rcpt::new(to.clone(), Vec::new())).await?;
            }
            connection.command(Data).await
        });
        match announced.await {
            Ok(Ok(_)) => {}
            Ok(Err(cause)) => {
                return Err(not_taken(&cause, Outcome::Retry, "the connection broke before the mail went out"));
            }
            Err(_) => return Err(Report::not_sent(Outcome::Retry, "it did not take sender and recipient in time")),
        }
        match timeout(self.timeout, connection.message(&mail.formatted())).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(cause)) => Err(not_taken(&cause, Outcome::Unknown, "the connection broke while it took the mail")),
            Err(_) => Err(Report::not_sent(Outcome::Unknown, "it took the mail and did not answer in time")),
        }
    }

    /// One that was kept and still answers, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, Report> {
        while let Some((mut connection, since)) = self.take() {
            let wait = self.timeout.min(LET_IN_WITHIN);
            if since.elapsed() < IDLE && timeout(wait, connection.test_connected()).await == Ok(true) {
                return Ok(connection);
            }
        }
        self.server.connect().await
    }

    fn take(&self) -> Option<(AsyncSmtpConnection, Instant)> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, Instant::now()));
    }
}

impl Provider for SmtpProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Report> {
        Box::pin(self.hand_over(message))
    }

    fn check(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async {
            match self.server.connect().await {
                Ok(_) if self.server.logs_in() => Ok("connected and logged in".to_owned()),
                Ok(_) => Ok("connected; there is no username to log in with".to_owned()),
                Err(report) => Err(report.error.unwrap_or_default()),
            }
        })
    }
}

/// An address as every mail server can take it: the local part is ASCII, an international domain becomes so.
fn in_ascii(address: &str) -> Option<Address> {
    let (local, domain) = address.rsplit_once('@')?;
    if domain.is_ascii() {
        return address.parse().ok();
    }
    let url = Url::parse(&format!("http://{domain}")).ok()?;
    Address::new(local, url.host_str()?).ok()
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
