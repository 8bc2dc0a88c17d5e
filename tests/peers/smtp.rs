//! SMTP against aiosmtpd, which is installed in a Python environment in target/.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use otpd::delivery::{Chain, Security, Smtp};
use otpd::domain::attempt::Outcome;

use crate::helpers::{check, message, no_inbox, secret, send};
use crate::python::with_package;

/// Returns a Python interpreter that has aiosmtpd.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| with_package("aiosmtpd", "aiosmtpd==1.4.6"))
}

/// A running mail server. It is killed on drop.
pub struct MailServer {
    child: Child,
    pub port: u16,
    folder: tempfile::TempDir,
}

impl MailServer {
    pub fn start(security: &str, login: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certify = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=a test of otpd"])
            .args([
                "-addext",
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-keyout",
                "key.pem",
                "-out",
                "cert.pem",
            ])
            .current_dir(folder.path())
            .stderr(Stdio::null())
            .status();
        assert!(certify.unwrap().success());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/mail_server.py");
        let mut child = Command::new(python())
            .arg(script)
            .arg(folder.path())
            .arg(security)
            .args(login)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().unwrap(), folder }
    }

    pub fn settings(&self, security: Security, login: Option<(&str, &str)>) -> Smtp {
        Smtp {
            name: "mail".to_owned(),
            host: "localhost".to_owned(),
            port: self.port,
            security,
            login: login.map(|(user, password)| (user.to_owned(), secret(password))),
            from: "otpd <noreply@example.com>".parse().unwrap(),
            hello: None,
            timeout: Duration::from_secs(2),
            idle: Smtp::IDLE,
            proxy: None,
            ca: Some(fs::read_to_string(self.folder.path().join("cert.pem")).unwrap()),
        }
    }

    /// The files of the received mails in order of arrival: `TIME-PORT.eml`, with the client's port.
    fn files(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        let is_mail = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "eml");
        let mut mails: Vec<_> = files.filter(is_mail).collect();
        mails.sort();
        mails
    }

    pub fn mails(&self) -> Vec<String> {
        self.files().iter().map(|path| fs::read_to_string(path).unwrap()).collect()
    }
}

fn client_port(path: &Path) -> u16 {
    path.file_stem().unwrap().to_str().unwrap().split_once('-').unwrap().1.parse().unwrap()
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn mail_with_text_and_html_arrives_with_every_encryption() {
    for (name, security, login) in [
        ("none", Security::Plain, None),
        ("starttls", Security::StartTls, Some(("user", "pass word"))),
        ("tls", Security::Tls, Some(("user", "pass word"))),
    ] {
        let logins = login.map_or(Vec::new(), |(user, password)| vec![user, password]);
        let server = MailServer::start(name, &logins);
        let settings = server.settings(security, login);
        let well = login.map_or("connected; no username is configured", |_| "connected and logged in");
        assert_eq!(check(settings.clone()).await, Ok(well.to_owned()), "{name}");
        let report = send(settings, &message("Some@example.com", "login")).await;
        assert_eq!((report.outcome, &report.error), (Outcome::Sent, &None), "{name}");
        let mails = server.mails();
        assert_eq!(mails.len(), 1, "{name}");
        let mail = &mails[0];
        for part in [
            "From: otpd <noreply@example.com>",
            "To: Some@example.com",
            "Subject: =?utf-8?b?",
            "Auto-Submitted: auto-generated",
            "multipart/alternative",
            "text/plain; charset=utf-8",
            "text/html; charset=utf-8",
        ] {
            assert!(mail.contains(part), "{name}: {part} is not in {mail}");
        }
        assert!(mail.contains(&format!("Message-ID: {}", report.provider_message_id.unwrap())), "{mail}");
    }
}

#[tokio::test]
async fn each_server_failure_has_the_expected_outcome() {
    let server = MailServer::start("none", &[]);
    for (recipient, outcome, error) in [
        ("unknown@example.com", Outcome::BadRecipient, "550: the server rejected the recipient"),
        ("policy@example.com", Outcome::Next, "550: the server rejected the message"),
        ("later@example.com", Outcome::Retry, "451: not now"),
        ("tarpit@example.com", Outcome::Retry, "the server did not accept sender and recipient in time"),
        ("drop@example.com", Outcome::Retry, "the connection broke before the message was sent"),
        ("lost@example.com", Outcome::Unknown, "the connection broke while the message was sent"),
        ("slow@example.com", Outcome::Unknown, "the message was sent, but no response arrived in time"),
    ] {
        let report = send(server.settings(Security::Plain, None), &message(recipient, "login")).await;
        assert_eq!((report.outcome, report.error.as_deref()), (outcome, Some(error)), "{recipient}");
    }
    assert_eq!(server.mails().len(), 0);
}

#[tokio::test]
async fn an_international_domain_is_sent_in_ascii() {
    let server = MailServer::start("none", &[]);
    let report = send(server.settings(Security::Plain, None), &message("some@مثال.ایران", "login")).await;
    assert_eq!((report.outcome, report.error), (Outcome::Sent, None));
    assert!(server.mails()[0].contains("To: some@xn--mgbh0fb.xn--mgba3a4f16a\r\n"), "{}", server.mails()[0]);
}

#[tokio::test]
async fn a_wrong_password_sends_nothing_and_is_reported() {
    let server = MailServer::start("starttls", &["user", "right"]);
    let wrong = server.settings(Security::StartTls, Some(("user", "wrong")));
    let report = send(wrong.clone(), &message("a@example.com", "login")).await;
    assert_eq!(
        (report.outcome, report.error.as_deref()),
        (Outcome::Misconfigured, Some("535: the server rejected the login"))
    );
    assert_eq!(check(wrong).await, Err("535: the server rejected the login".to_owned()));
    assert_eq!(server.mails().len(), 0);
}

#[tokio::test]
async fn a_session_is_reused_until_the_server_closes_it() {
    let server = MailServer::start("tls", &["user", "pass"]);
    let settings = server.settings(Security::Tls, Some(("user", "pass")));
    let chain = Chain::build(&[settings.into()], &no_inbox()).unwrap();
    for recipient in ["one@example.com", "two@example.com", "bye@example.com", "next@example.com"] {
        let report = chain.get(0).unwrap().send(&message(recipient, "login")).await;
        assert_eq!((report.outcome, report.error), (Outcome::Sent, None), "{recipient}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let peers: Vec<_> = server.files().iter().map(|path| client_port(path)).collect();
    assert_eq!(peers.len(), 4);
    assert_eq!((peers[1], peers[2]), (peers[0], peers[0]));
    assert_ne!(peers[3], peers[0]);
}
