//! E-mail over SMTP. Sessions are reused for further messages.

mod idle;
mod mail;
mod server;
mod session;
mod stream;

use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::Message as Mail;
use lettre::transport::smtp::extension::ClientId;

use crate::delivery::Provider;
use crate::delivery::smtp::idle::Idle;
pub use crate::delivery::smtp::mail::Sender;
use crate::delivery::smtp::mail::mail;
use crate::delivery::smtp::server::Server;
use crate::delivery::smtp::session::{Failure, Session};
use crate::domain::attempt::Report;
use crate::domain::message::Message;
use crate::domain::secret::Secret;

/// Upper limit for connecting and logging in. It is shorter than the wait at shutdown, so an unfinished login is
/// reported as not sent.
const LET_IN_WITHIN: Duration = Duration::from_secs(5);

/// `[[delivery.email]]` with `type = "smtp"`. All domains are in ASCII form.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// A host name, or an IP address without brackets.
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub login: Option<(String, Secret)>,
    pub from: Sender,
    /// The name in EHLO. `None`: the host name if it is fully qualified, else the domain of the sender.
    pub hello: Option<ClientId>,
    /// Timeout for the login, and for each mail.
    pub timeout: Duration,
    /// Idle timeout of a session.
    pub idle: Duration,
    /// An HTTP or SOCKS5 proxy for outgoing connections.
    pub proxy: Option<Secret>,
    /// A trusted certificate in PEM, in addition to those of the system.
    pub ca: Option<String>,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Starts unencrypted and must switch to TLS.
    StartTls,
    Tls,
    /// Unencrypted, for a mail server on the same host.
    Plain,
}

impl Smtp {
    /// Default idle timeout of a session. Tests use other values. Mail servers wait for minutes (RFC 5321, 4.5.3.2.7).
    pub const IDLE: Duration = Duration::from_secs(30);
}

pub(super) struct SmtpProvider {
    name: String,
    from: Sender,
    server: Server,
    idle: Idle,
}

impl SmtpProvider {
    /// # Errors
    /// A description of the invalid certificate, host or proxy.
    pub(super) fn new(name: String, smtp: Smtp) -> Result<Self, String> {
        Ok(Self {
            from: smtp.from.clone(),
            idle: Idle::new(smtp.idle),
            server: Server::new(smtp).map_err(|cause| format!("{name}: {cause}"))?,
            name,
        })
    }

    async fn hand_over(&self, message: &Message) -> Report {
        let mail = match mail(&self.from, message) {
            Ok(mail) => mail,
            Err(report) => return report,
        };
        // If an idle session is broken, a new session sends the mail.
        if let Some(session) = self.idle.take().await
            && let Ok(report) = self.hand_over_in(session, &mail).await
        {
            return report;
        }
        match self.server.connect().await {
            Ok(session) => self.hand_over_in(session, &mail).await.unwrap_or_else(|gone| gone),
            Err(report) => report,
        }
    }

    /// Sends a mail in a session and returns the report.
    ///
    /// # Errors
    /// The report of a session that ended before the mail was sent. Another session may send the mail.
    async fn hand_over_in(&self, mut session: Session, mail: &Mail) -> Result<Report, Report> {
        match session.transfer(mail).await {
            Ok(()) => {
                self.idle.keep(session);
                Ok(Report::sent(mail.headers().get_raw("Message-ID").map(str::to_owned)))
            }
            // Servers differ in the commands that they expect after a rejection, so the session is not reused.
            Err(Failure::Refused(report)) => {
                self.idle.end(session);
                Ok(report)
            }
            Err(Failure::Gone(report)) => Err(report),
            Err(Failure::Lost(report)) => Ok(report),
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
            let session = self.server.connect().await.map_err(|report| report.error.unwrap_or_default())?;
            session.quit().await;
            if self.server.logs_in() {
                Ok("connected and logged in".to_owned())
            } else {
                Ok("connected; there is no username to log in with".to_owned())
            }
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.idle.close())
    }
}
