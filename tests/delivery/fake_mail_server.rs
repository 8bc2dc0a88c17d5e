//! A scripted mail server, with or without TLS. It runs in the runtime of its test.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lettre::transport::smtp::extension::ClientId;
use otpd::delivery::{Chain, Security, Smtp};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::helpers::{no_inbox, secret};
use crate::mail_session::{Session, certificate};

/// What the server does after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Reply(&'static str),
    /// Replies, then closes the connection normally.
    ReplyAndClose(&'static str),
    /// Replies, then resets the connection.
    ReplyAndReset(&'static str),
    Close,
    Reset,
    Ignore,
}

/// Chooses the action for a command, given the number of the connection. `None` means the usual action of a mail
/// server. The end of a mail is the command `.`.
pub type Script = fn(usize, &str) -> Option<Action>;

/// The login that the server accepts, as the client sends it (RFC 4616 and the expired draft of LOGIN).
#[derive(Clone, Copy, Debug)]
pub struct Login {
    pub mechanism: &'static str,
    /// What the client sends, in Base64: `\0user\0password` for PLAIN, user and password for LOGIN.
    pub secrets: &'static [&'static str],
}

/// `user` with the password `pass word`.
pub const PLAIN: Login = Login { mechanism: "PLAIN", secrets: &["AHVzZXIAcGFzcyB3b3Jk"] };
pub const LOGIN: Login = Login { mechanism: "LOGIN", secrets: &["dXNlcg==", "cGFzcyB3b3Jk"] };

/// Commands with the number of their connection. The end of a connection is logged as `closed`.
pub type Log = Arc<Mutex<Vec<(usize, String)>>>;

pub struct FakeMailServer {
    pub port: u16,
    log: Log,
    mails: Arc<Mutex<Vec<String>>>,
}

impl FakeMailServer {
    /// Starts a server without TLS and without a login.
    pub async fn start(script: Script) -> Self {
        Self::start_with(Security::Plain, None, script).await
    }

    /// Starts a server that accepts mail only with this encryption and after this login.
    pub async fn start_with(security: Security, login: Option<Login>, script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (log, mails) = (Log::default(), Arc::default());
        let server = Self { port, log: Arc::clone(&log), mails: Arc::clone(&mails) };
        tokio::spawn(async move {
            for number in 0.. {
                let (tcp, _) = listener.accept().await.unwrap();
                let (log, mails) = (Arc::clone(&log), Arc::clone(&mails));
                tokio::spawn(async move {
                    Session::new(number, security, login, script, Arc::clone(&log), mails).serve(tcp).await;
                    log.lock().unwrap().push((number, "closed".to_owned()));
                });
            }
        });
        server
    }

    /// Settings without TLS and without a login.
    pub fn settings(&self, idle: Duration) -> Smtp {
        Smtp {
            name: "mail".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: self.port,
            security: Security::Plain,
            login: None,
            from: "otpd <noreply@münchen.example>".parse().unwrap(),
            hello: None,
            timeout: Duration::from_secs(5),
            idle,
            proxy: None,
            ca: None,
        }
    }

    /// Settings that trust the server's certificate.
    pub fn trusted(&self, security: Security, login: Option<(&str, &str)>) -> Smtp {
        Smtp {
            name: "mail".to_owned(),
            host: "localhost".to_owned(),
            port: self.port,
            security,
            login: login.map(|(user, password)| (user.to_owned(), secret(password))),
            from: "otpd <noreply@example.com>".parse().unwrap(),
            hello: Some(ClientId::Domain("otp.example.com".to_owned())),
            timeout: Duration::from_secs(5),
            idle: Smtp::IDLE,
            proxy: None,
            ca: Some(certificate().to_owned()),
        }
    }

    pub fn chain(&self, idle: Duration) -> Chain {
        Chain::build(&[self.settings(idle).into()], &no_inbox()).unwrap()
    }

    /// The commands received on a connection.
    pub fn commands(&self, number: usize) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().filter(|(connection, _)| *connection == number).map(|(_, line)| line.clone()).collect()
    }

    pub fn count(&self, line: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|(_, said)| said == line).count()
    }

    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }

    /// Waits until this many connections have been closed.
    pub async fn until_closed(&self, connections: usize) {
        let deadline = Instant::now() + Duration::from_secs(120);
        while self.count("closed") < connections {
            assert!(Instant::now() < deadline, "{:?}", self.log.lock().unwrap());
            sleep(Duration::from_millis(5)).await;
        }
    }
}
