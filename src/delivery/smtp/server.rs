//! Connections to a mail server: TCP, TLS and login.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::delivery::provider::innermost;
use crate::delivery::smtp::session::{Session, quit};
use crate::delivery::smtp::settings::{Security, Smtp};
use crate::delivery::smtp::stream::{Encrypted, Watched};
use crate::delivery::tcp::{self, TcpProxy};
use crate::domain::attempt::{Outcome, Report};
use crate::domain::host::ascii_domain;

/// Upper limit for connecting and logging in. It is shorter than the wait at shutdown, so an unfinished login is
/// reported as not sent.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Top-level domains that are valid only in a local network.
const PRIVATE: [&str; 3] = ["local", "localdomain", "localhost"];

pub(super) struct Server {
    host: String,
    port: u16,
    proxy: Option<TcpProxy>,
    protection: Protection,
    credentials: Option<Credentials>,
    hello: ClientId,
    login_timeout: Duration,
    /// Timeout for the envelope of a mail, and for its content.
    timeout: Duration,
}

enum Protection {
    StartTls(TlsParameters),
    Tls(TlsConnector, ServerName<'static>),
    Plain,
}

impl Server {
    /// # Errors
    /// A description of the invalid certificate, host or proxy.
    pub(super) fn new(smtp: Smtp) -> Result<Self, String> {
        Ok(Self {
            proxy: smtp.proxy.as_ref().map(TcpProxy::parse).transpose()?,
            protection: Protection::new(&smtp).map_err(|cause| format!("TLS can't be set up: {cause}"))?,
            credentials: smtp.login.map(|(user, password)| Credentials::new(user, password.reveal().to_owned())),
            hello: smtp.hello.unwrap_or_else(|| default_hello(&ClientId::default(), smtp.from.domain())),
            host: smtp.host,
            port: smtp.port,
            login_timeout: smtp.timeout.min(LOGIN_TIMEOUT),
            timeout: smtp.timeout,
        })
    }

    pub(super) fn has_login(&self) -> bool {
        self.credentials.is_some()
    }

    /// Opens a session that is ready to accept mail.
    ///
    /// # Errors
    /// The report of the failure. No mail was sent.
    pub(super) async fn connect(&self) -> Result<Session, Report> {
        let connected = tokio::time::timeout(self.login_timeout, self.log_in()).await;
        connected.unwrap_or_else(|_| Err(Report::not_sent(Outcome::Retry, "the login timed out")))
    }

    async fn log_in(&self) -> Result<Session, Report> {
        let tcp = self.reach().await.map_err(|cause| Report::not_sent(Outcome::Retry, cause))?;
        let (tcp, write_failure) = Watched::new(tcp);
        let stream: Box<dyn AsyncTokioStream> = match &self.protection {
            Protection::Tls(connector, name) => {
                let encrypted = connector.connect(name.clone(), tcp).await;
                Box::new(Encrypted(encrypted.map_err(|cause| disconnected(&cause))?))
            }
            Protection::StartTls(_) | Protection::Plain => Box::new(tcp),
        };
        let greeted = AsyncSmtpConnection::connect_with_transport(stream, &self.hello).await;
        let mut connection = greeted.map_err(|cause| refused(&cause))?;
        match self.authenticate(&mut connection).await {
            Ok(()) => Ok(Session::new(connection, write_failure, self.timeout)),
            Err(report) => {
                tokio::spawn(quit(connection));
                Err(report)
            }
        }
    }

    /// Performs STARTTLS and the login if they are configured.
    async fn authenticate(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Report> {
        if let Protection::StartTls(parameters) = &self.protection {
            if !connection.can_starttls() {
                let words = "the server does not support STARTTLS; does it use security = \"tls\" on another port?";
                return Err(Report::not_sent(Outcome::Misconfigured, words));
            }
            connection.starttls(parameters.clone(), &self.hello).await.map_err(|cause| refused(&cause))?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(|cause| refused(&cause))?;
        }
        Ok(())
    }

    async fn reach(&self) -> Result<TcpStream, String> {
        match &self.proxy {
            Some(proxy) => proxy.connect(&self.host, self.port, self.login_timeout).await,
            None => tcp::connect(&self.host, self.port, self.login_timeout).await,
        }
    }
}

/// Returns the name for EHLO: the host name if it is fully qualified, as required by RFC 5321, 4.1.1.1, else the domain
/// of the sender.
fn default_hello(machine: &ClientId, sender: &str) -> ClientId {
    let full_name = |name: &str| {
        let (_, top) = name.rsplit_once('.')?;
        let is_public = !PRIVATE.contains(&top) && !top.bytes().all(|b| b.is_ascii_digit());
        is_public.then(|| name.to_owned())
    };
    let machine = match machine {
        ClientId::Domain(name) => ascii_domain(name),
        _ => None,
    };
    ClientId::Domain(machine.as_deref().and_then(full_name).unwrap_or_else(|| sender.to_owned()))
}

impl Protection {
    fn new(smtp: &Smtp) -> Result<Self, Box<dyn Error>> {
        Ok(match smtp.security {
            Security::StartTls => {
                let mut parameters = TlsParameters::builder(smtp.host.clone());
                if let Some(pem) = &smtp.ca {
                    parameters = parameters.add_root_certificate(Certificate::from_pem(pem.as_bytes())?);
                }
                Self::StartTls(parameters.build()?)
            }
            Security::Tls => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if let Some(pem) = &smtp.ca {
                    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                        roots.add(certificate?)?;
                    }
                }
                let ring = Arc::new(rustls::crypto::ring::default_provider());
                let config = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions()?;
                let config = config.with_root_certificates(roots).with_no_client_auth();
                Self::Tls(Arc::new(config).into(), ServerName::try_from(smtp.host.clone())?)
            }
            Security::Plain => Self::Plain,
        })
    }
}

/// Returns the report for an error during greeting, STARTTLS or login.
fn refused(cause: &SmtpError) -> Report {
    match cause.status() {
        Some(code) if cause.is_permanent() => {
            Report::not_sent(Outcome::Misconfigured, format!("{code}: the server rejected the login"))
        }
        Some(code) => Report::not_sent(Outcome::Retry, format!("{code}: the server accepts no connections at present")),
        None if cause.is_client() => {
            Report::not_sent(Outcome::Misconfigured, "the server supports neither PLAIN nor LOGIN authentication")
        }
        None => disconnected(cause),
    }
}

/// Returns the report for a broken connection.
fn disconnected(cause: &(dyn Error + 'static)) -> Report {
    match tls_fault(cause) {
        Some(fault) => {
            Report::not_sent(Outcome::Misconfigured, format!("TLS failed; check `host` and `security`: {fault}"))
        }
        None => Report::not_sent(Outcome::Retry, format!("the connection broke: {}", innermost(cause))),
    }
}

/// Finds a rustls error in the chain of causes.
fn tls_fault<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let wrapped = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    let inner = wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| cause.source());
    cause.downcast_ref().or_else(|| inner.and_then(tls_fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_qualified_name_uses_the_domain_of_the_sender() {
        for (machine, hello) in [
            ("otp.example.com", "otp.example.com"),
            ("OTP.München.example", "otp.xn--mnchen-3ya.example"),
            ("3f2a9b0c1d2e", "shop.example"),
            ("localhost", "shop.example"),
            ("localhost.localdomain", "shop.example"),
            ("laptop.local", "shop.example"),
            ("10.0.0.7", "shop.example"),
            ("my_machine.example.com", "shop.example"),
            ("", "shop.example"),
        ] {
            let found = default_hello(&ClientId::Domain(machine.to_owned()), "shop.example");
            assert_eq!(found, ClientId::Domain(hello.to_owned()), "{machine}");
        }
        let address = ClientId::Ipv4([127, 0, 0, 1].into());
        assert_eq!(default_hello(&address, "shop.example"), ClientId::Domain("shop.example".to_owned()));
    }
}
