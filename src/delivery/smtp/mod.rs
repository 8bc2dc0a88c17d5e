//! E-mail over SMTP. Sessions are reused for further messages.

mod idle;
mod mail;
mod server;
mod session;
mod settings;
mod stream;

use futures_util::future::BoxFuture;
use lettre::Message as Mail;

use crate::delivery::common::exposure;
use crate::delivery::provider::Provider;
use crate::delivery::settings::ProviderSettings;
use crate::delivery::smtp::idle::Idle;
pub use crate::delivery::smtp::mail::Sender;
use crate::delivery::smtp::mail::mail;
use crate::delivery::smtp::server::Server;
use crate::delivery::smtp::session::{Failure, Session};
pub(super) use crate::delivery::smtp::settings::read;
pub use crate::delivery::smtp::settings::{Security, Smtp};
use crate::domain::attempt::Report;
use crate::domain::message::Message;

/// The type name in the configuration.
pub const TYPE: &str = "smtp";

impl From<Smtp> for ProviderSettings {
    fn from(smtp: Smtp) -> Self {
        let is_exposed = smtp.security == Security::Plain && smtp.login.is_some();
        let exposure = is_exposed.then(|| exposure(&smtp.name, "password", &smtp.host)).flatten();
        Self {
            name: smtp.name.clone(),
            is_inbox: false,
            warnings: exposure.into_iter().chain(smtp.unusual_port()).collect(),
            build: Box::new(move |_| Ok(Box::new(SmtpProvider::new(smtp.clone())?))),
        }
    }
}

struct SmtpProvider {
    name: String,
    from: Sender,
    server: Server,
    idle: Idle,
}

impl SmtpProvider {
    fn new(smtp: Smtp) -> Result<Self, String> {
        let (name, from, idle) = (smtp.name.clone(), smtp.from.clone(), Idle::new(smtp.idle));
        let server = Server::new(smtp).map_err(|cause| format!("{name}: {cause}"))?;
        Ok(Self { name, from, server, idle })
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

    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Report> {
        Box::pin(self.hand_over(message))
    }

    fn check(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async {
            let session = self.server.connect().await.map_err(|report| report.error.unwrap_or_default())?;
            session.quit().await;
            if self.server.has_login() {
                Ok("connected and logged in".to_owned())
            } else {
                Ok("connected; no username is configured".to_owned())
            }
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.idle.close())
    }
}
