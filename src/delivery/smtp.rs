//! E-mail by SMTP, over connections that are kept for the next message.

use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::response::{Category, Detail};
use lettre::transport::smtp::{Error as SmtpError, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};

use crate::delivery::{Provider, innermost};
use crate::domain::message::Message;
use crate::domain::outbox::{Outcome, Report};
use crate::domain::secret::Secret;

/// Connections that are open at once.
const CONNECTIONS: u32 = 8;

/// `[[delivery.email]]` with `type = "smtp"`.
#[derive(Clone, Debug)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub login: Option<(String, Secret)>,
    /// Who the mail is from: an address, or `Name <address>`.
    pub from: Mailbox,
    pub timeout: Duration,
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

pub struct SmtpProvider {
    name: String,
    from: Mailbox,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl SmtpProvider {
    /// # Errors
    /// Where the certificate can't be used.
    pub fn new(name: String, smtp: Smtp) -> Result<Self, String> {
        let tls = || {
            let mut parameters = TlsParameters::builder(smtp.host.clone());
            if let Some(pem) = &smtp.ca {
                parameters = parameters.add_root_certificate(Certificate::from_pem(pem.as_bytes())?);
            }
            parameters.build()
        };
        let failed = |cause: SmtpError| format!("{name}: TLS can't be set up: {cause}");
        let tls = match smtp.security {
            Security::StartTls => Tls::Required(tls().map_err(failed)?),
            Security::Tls => Tls::Wrapper(tls().map_err(failed)?),
            Security::Plain => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
            .port(smtp.port)
            .tls(tls)
            .timeout(Some(smtp.timeout))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS));
        if let Some((user, password)) = smtp.login {
            transport = transport.credentials(Credentials::new(user, password.reveal().to_owned()));
        }
        Ok(Self { name, from: smtp.from, transport: transport.build() })
    }

    fn mail(&self, message: &Message) -> Result<Mail, String> {
        let to = message.recipient.as_str().parse().map_err(|_| "the address can't stand in a mail".to_owned())?;
        let text = &message.text;
        let mail = Mail::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(text.subject.clone().unwrap_or_default())
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
        // What fails here fails before the mail: it was certainly not sent.
        if let Err(cause) = self.transport.test_connection().await {
            return not_connected(&cause);
        }
        let id = mail.headers().get_raw("Message-ID").map(str::to_owned);
        match self.transport.send(mail).await {
            Ok(_) => Report::sent(id),
            Err(cause) => not_taken(&cause),
        }
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
            match self.transport.test_connection().await {
                Ok(true) => Ok("connected and logged in".to_owned()),
                Ok(false) => Err("it let us in and does not answer".to_owned()),
                Err(cause) => Err(not_connected(&cause).error.unwrap_or_default()),
            }
        })
    }
}

/// Greeting, TLS or login failed.
fn not_connected(cause: &SmtpError) -> Report {
    match cause.status() {
        Some(code) if cause.is_permanent() => {
            Report::not_sent(Outcome::Misconfigured, format!("{code}: it does not let us in"))
        }
        Some(code) => Report::not_sent(Outcome::Retry, format!("{code}: it lets nobody in at the moment")),
        None if cause.is_tls() => Report::not_sent(Outcome::Misconfigured, "TLS failed; is `security` right?"),
        None if cause.is_client() => {
            Report::not_sent(Outcome::Misconfigured, "it offers no way to log in that we know, or no TLS")
        }
        None => Report::not_sent(Outcome::Retry, format!("it can't be reached: {}", innermost(cause))),
    }
}

/// The server was asked to take the mail. A code is its answer; without one nobody knows (RFC 5321, 4.2; RFC 3463 for what
/// the second digit says).
fn not_taken(cause: &SmtpError) -> Report {
    let Some(code) = cause.status() else {
        return Report::not_sent(Outcome::Unknown, "the connection broke while it took the mail");
    };
    let (outcome, meaning) = match (cause.is_permanent(), code.category, code.detail) {
        (false, _, _) => (Outcome::Retry, "not now"),
        (true, Category::MailSystem, Detail::Zero | Detail::One | Detail::Three) => {
            (Outcome::BadRecipient, "it refuses the recipient")
        }
        (true, Category::Connections | Category::Unspecified3, _) => (Outcome::Misconfigured, "it wants us to log in"),
        (true, _, _) => (Outcome::Next, "it refuses the mail"),
    };
    Report::not_sent(outcome, format!("{code}: {meaning}"))
}
