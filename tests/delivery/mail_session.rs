//! One connection to the fake mail server.

use std::sync::{Arc, LazyLock, Mutex};

use otpd::delivery::Security;
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::fake_mail_server::{Action, Log, Login, Script};

/// The certificate of all fake mail servers, as PEM, and the TLS acceptor that uses it.
static TLS: LazyLock<(String, TlsAcceptor)> = LazyLock::new(|| {
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(ring).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    (cert.pem(), TlsAcceptor::from(Arc::new(config)))
});

pub fn certificate() -> &'static str {
    &TLS.0
}

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

pub struct Session {
    number: usize,
    security: Security,
    login: Option<Login>,
    script: Script,
    log: Log,
    mails: Arc<Mutex<Vec<String>>>,
    is_encrypted: bool,
    is_logged_in: bool,
}

impl Session {
    pub fn new(
        number: usize,
        security: Security,
        login: Option<Login>,
        script: Script,
        log: Log,
        mails: Arc<Mutex<Vec<String>>>,
    ) -> Self {
        Self { number, security, login, script, log, mails, is_encrypted: false, is_logged_in: false }
    }

    /// Serves the connection to its end.
    pub async fn serve(mut self, tcp: TcpStream) {
        let tcp = match self.security {
            Security::Tls => Some(tcp),
            Security::StartTls | Security::Plain => self.exchange(tcp, true).await,
        };
        // A client that does not trust the certificate ends the handshake.
        if let Some(tcp) = tcp
            && let Ok(stream) = TLS.1.accept(tcp).await
        {
            self.is_encrypted = true;
            self.exchange(stream, self.security == Security::Tls).await;
        }
    }

    /// Replies to commands until the connection ends. Returns the connection if the client starts TLS.
    async fn exchange<S: Stream>(&mut self, stream: S, greets: bool) -> Option<S> {
        let mut stream = BufReader::new(stream);
        if greets {
            write_reply(&mut stream, "220 mail.example.com").await?;
        }
        let mut mail = None;
        while let Some(line) = read_line(&mut stream).await {
            if let Some(content) = mail.as_mut().filter(|_| line != ".") {
                // RFC 5321, section 4.5.2.
                *content = format!("{content}{}\n", line.strip_prefix('.').unwrap_or(&line));
                continue;
            }
            self.log.lock().unwrap().push((self.number, line.clone()));
            let action = match (self.script)(self.number, &line) {
                Some(action) => action,
                None if line.starts_with("AUTH ") && self.login.is_some() => self.log_in(&mut stream, &line).await?,
                None => self.default_action(&line),
            };
            let answer = match action {
                Action::Reply(answer) | Action::ReplyAndClose(answer) | Action::ReplyAndReset(answer) => answer,
                Action::Close | Action::Reset | Action::Ignore => "",
            };
            if answer.starts_with("354") {
                mail = Some(String::new());
            } else if let Some(content) = mail.take().filter(|_| answer.starts_with("250")) {
                self.mails.lock().unwrap().push(content);
            }
            if !answer.is_empty() {
                write_reply(&mut stream, answer).await?;
            }
            match action {
                Action::Reply(answer) if line == "STARTTLS" && answer.starts_with("220") => {
                    return Some(stream.into_inner());
                }
                Action::Reply(_) | Action::Ignore => {}
                Action::ReplyAndClose(_) | Action::Close => {
                    // The client may have closed it already.
                    let _ = stream.shutdown().await;
                    return None;
                }
                Action::ReplyAndReset(_) | Action::Reset => {
                    stream.get_ref().tcp().set_zero_linger().unwrap();
                    return None;
                }
            }
        }
        None
    }

    fn default_action(&self, line: &str) -> Action {
        let needs_tls = self.security == Security::StartTls && !self.is_encrypted;
        let login = self.login.filter(|_| !self.is_logged_in);
        match line.split(' ').next().unwrap() {
            "EHLO" if needs_tls => Action::Reply("250-mail.example.com\r\n250 STARTTLS"),
            "EHLO" => Action::Reply(match login.map(|login| login.mechanism) {
                None => "250-mail.example.com\r\n250 8BITMIME",
                Some("PLAIN") => "250-mail.example.com\r\n250-8BITMIME\r\n250 AUTH PLAIN",
                Some("LOGIN") => "250-mail.example.com\r\n250-8BITMIME\r\n250 AUTH LOGIN",
                Some(other) => panic!("{other} is not implemented"),
            }),
            "STARTTLS" if needs_tls => Action::Reply("220 ready for TLS"),
            "STARTTLS" | "AUTH" => Action::Reply("503 5.5.1 not now"),
            "MAIL" if needs_tls => Action::Reply("530 5.7.0 STARTTLS is needed first"),
            "MAIL" if login.is_some() => Action::Reply("530 5.7.0 a login is needed first"),
            "DATA" => Action::Reply("354 go on"),
            "QUIT" => Action::ReplyAndClose("221 bye"),
            _ => Action::Reply("250 OK"),
        }
    }

    /// Reads the rest of a login; `None` at the end of the connection.
    async fn log_in<S: Stream>(&mut self, stream: &mut BufReader<S>, line: &str) -> Option<Action> {
        let login = self.login?;
        let mut words = line.split(' ').skip(1).map(str::to_owned);
        let is_known = words.next().as_deref() == Some(login.mechanism);
        let mut secrets: Vec<String> = words.collect();
        // `Username:` and `Password:`.
        for challenge in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
            if secrets.len() < login.secrets.len() {
                write_reply(stream, challenge).await?;
                secrets.push(read_line(stream).await?);
            }
        }
        self.is_logged_in = is_known && secrets == login.secrets;
        Some(Action::Reply(if self.is_logged_in { "235 2.7.0 welcome" } else { "535 5.7.8 wrong user or password" }))
    }
}

async fn write_reply<S: Stream>(stream: &mut BufReader<S>, answer: &str) -> Option<()> {
    stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

/// `None` at the end of the connection.
async fn read_line<S: Stream>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    let length = stream.read_line(&mut line).await.ok()?;
    (length > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}
