//! SMTP without TLS, with STARTTLS and with TLS, against a small server. `tests/peers` repeats it with aiosmtpd.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use otpd::delivery::{Chain, Security, Smtp};
use otpd::domain::attempt::Outcome;
use tokio::time::timeout;

use crate::fake_mail_server::{Action, FakeMailServer, LOGIN, Login, PLAIN, Script};
use crate::{check, message, mime, no_inbox, send};

/// User and password of [`PLAIN`] and [`LOGIN`].
const USER: Option<(&str, &str)> = Some(("user", "pass word"));

/// Returns the settings after `change`.
fn with(mut settings: Smtp, change: impl FnOnce(&mut Smtp)) -> Smtp {
    change(&mut settings);
    settings
}

/// The commands for one mail.
fn commands(security: Security, login: Option<Login>) -> Vec<String> {
    let ehlo = ["EHLO otp.example.com"];
    let starttls: &[&str] = if security == Security::StartTls { &["STARTTLS", "EHLO otp.example.com"] } else { &[] };
    let auth = login.map(|login| match login.mechanism {
        "PLAIN" => "AUTH PLAIN AHVzZXIAcGFzcyB3b3Jk",
        _ => "AUTH LOGIN",
    });
    let mail = ["MAIL FROM:<noreply@example.com>", "RCPT TO:<Some@example.com>", "DATA", "."];
    let commands = ehlo.iter().chain(starttls).chain(auth.iter()).chain(&mail);
    commands.map(|command| (*command).to_owned()).collect()
}

#[tokio::test]
async fn mail_with_text_and_html_arrives_with_every_encryption_and_login() {
    for (security, login) in [
        (Security::Plain, None),
        (Security::StartTls, Some(PLAIN)),
        (Security::StartTls, Some(LOGIN)),
        (Security::Tls, None),
        (Security::Tls, Some(PLAIN)),
        (Security::Tls, Some(LOGIN)),
    ] {
        let what = format!("{security:?} {login:?}");
        let server = FakeMailServer::start_with(security, login, |_, _| None).await;
        let settings = server.trusted(security, login.and(USER));
        let well = login.map_or("connected; no username is configured", |_| "connected and logged in");
        assert_eq!(check(settings.clone()).await, Ok(well.to_owned()), "{what}");
        let report = send(settings, &message("Some@example.com", "login")).await;
        assert_eq!((report.outcome, &report.error), (Outcome::Sent, &None), "{what}");
        assert_eq!(server.commands(1)[..commands(security, login).len()], commands(security, login), "{what}");
        let mails = server.mails();
        assert_eq!(mails.len(), 1, "{what}");
        let id = format!("Message-ID: {}", report.provider_message_id.unwrap());
        for header in
            ["From: otpd <noreply@example.com>", "To: Some@example.com", "Auto-Submitted: auto-generated", &id]
        {
            assert!(mails[0].lines().any(|line| line == header), "{what}: {header} is not in {}", mails[0]);
        }
        assert!(mails[0].contains("\nContent-Type: multipart/alternative;"), "{what}: {}", mails[0]);
        assert_eq!(mime::encoded_header(&mails[0], "Subject"), "کد تأیید", "{what}");
        let parts = [
            ("text/plain; charset=utf-8".to_owned(), "کد: 255315\n\"{code}\" & more".to_owned()),
            ("text/html; charset=utf-8".to_owned(), "<p dir=\"rtl\">255315</p>".to_owned()),
        ];
        assert_eq!(mime::parts(&mails[0]), parts, "{what}");
    }
}

#[tokio::test]
async fn each_server_failure_has_the_expected_outcome() {
    let cases: [(Script, Outcome, &str); 7] = [
        (
            |_, line| line.starts_with("RCPT").then_some(Action::Reply("550 5.1.1 no such user here: a@example.com")),
            Outcome::BadRecipient,
            "550: the server rejected the recipient",
        ),
        (
            |_, line| line.starts_with("RCPT").then_some(Action::Reply("550 5.7.1 you may not send to a@example.com")),
            Outcome::Next,
            "550: the server rejected the message",
        ),
        (
            |_, line| line.starts_with("RCPT").then_some(Action::Reply("451 4.7.1 greylisted, try later")),
            Outcome::Retry,
            "451: not now",
        ),
        (
            |_, line| line.starts_with("RCPT").then_some(Action::Ignore),
            Outcome::Retry,
            "the server did not accept sender and recipient in time",
        ),
        (
            |_, line| line.starts_with("RCPT").then_some(Action::Reset),
            Outcome::Retry,
            "the connection broke before the message was sent",
        ),
        (
            |_, line| (line == ".").then_some(Action::Reset),
            Outcome::Unknown,
            "the connection broke while the message was sent",
        ),
        (
            |_, line| (line == ".").then_some(Action::Ignore),
            Outcome::Unknown,
            "the message was sent, but no response arrived in time",
        ),
    ];
    let all = cases.map(|(script, outcome, error)| async move {
        let server = FakeMailServer::start(script).await;
        let settings = with(server.trusted(Security::Plain, None), |smtp| smtp.timeout = Duration::from_secs(2));
        let report = send(settings, &message("a@example.com", "login")).await;
        assert_eq!((report.outcome, report.error.as_deref()), (outcome, Some(error)));
        assert_eq!(server.mails().len(), 0, "{error}");
    });
    join_all(all).await;
}

#[tokio::test]
async fn international_domains_are_sent_in_ascii_without_a_server_extension() {
    let server = FakeMailServer::start(|_, _| None).await;
    let report = send(server.trusted(Security::Plain, None), &message("some@مثال.ایران", "login")).await;
    assert_eq!((report.outcome, report.error), (Outcome::Sent, None));
    let mail = server.mails().remove(0);
    assert!(mail.contains("\nTo: some@xn--mgbh0fb.xn--mgba3a4f16a\n"), "{mail}");
    assert!(server.commands(0).contains(&"RCPT TO:<some@xn--mgbh0fb.xn--mgba3a4f16a>".to_owned()));
}

#[tokio::test]
async fn a_wrong_password_sends_nothing_and_is_reported() {
    for (login, user, password) in [(PLAIN, "user", "wrong"), (LOGIN, "user", "wrong"), (LOGIN, "other", "pass word")] {
        let server = FakeMailServer::start_with(Security::StartTls, Some(login), |_, _| None).await;
        let wrong = server.trusted(Security::StartTls, Some((user, password)));
        let report = send(wrong.clone(), &message("a@example.com", "login")).await;
        let expected = (Outcome::Misconfigured, Some("535: the server rejected the login"));
        assert_eq!((report.outcome, report.error.as_deref()), expected, "{login:?}");
        assert_eq!(check(wrong).await, Err("535: the server rejected the login".to_owned()), "{login:?}");
        assert!(!server.commands(0).iter().any(|line| line.starts_with("MAIL")), "{login:?}: {:?}", server.commands(0));
    }
}

#[tokio::test]
async fn nothing_is_sent_if_a_required_login_is_not_configured() {
    let server = FakeMailServer::start_with(Security::Tls, Some(PLAIN), |_, _| None).await;
    let report = send(server.trusted(Security::Tls, None), &message("a@example.com", "login")).await;
    assert_eq!(
        (report.outcome, report.error.as_deref()),
        (Outcome::Misconfigured, Some("530: authentication is required"))
    );
    assert_eq!(server.mails().len(), 0);
}

#[tokio::test]
async fn a_server_without_a_supported_login_mechanism_gets_no_password() {
    let script: Script =
        |_, line| line.starts_with("EHLO").then_some(Action::Reply("250-mail.example.com\r\n250 AUTH CRAM-MD5"));
    let server = FakeMailServer::start_with(Security::Tls, Some(PLAIN), script).await;
    let report = send(server.trusted(Security::Tls, USER), &message("a@example.com", "login")).await;
    let error = "the server supports neither PLAIN nor LOGIN authentication";
    assert_eq!((report.outcome, report.error.as_deref()), (Outcome::Misconfigured, Some(error)));
    assert!(!server.commands(0).iter().any(|line| line.starts_with("AUTH")), "{:?}", server.commands(0));
}

#[tokio::test]
async fn a_server_without_starttls_gets_no_password() {
    let server = FakeMailServer::start(|_, _| None).await;
    let report = send(server.trusted(Security::StartTls, USER), &message("a@example.com", "login")).await;
    let error = "the server does not support STARTTLS; does it use security = \"tls\" on another port?";
    assert_eq!((report.outcome, report.error.as_deref()), (Outcome::Misconfigured, Some(error)));
    assert_eq!(server.commands(0)[0], "EHLO otp.example.com");
    assert!(server.commands(0)[1..].iter().all(|line| line == "QUIT" || line == "closed"), "{:?}", server.commands(0));
}

#[tokio::test]
async fn a_closed_port_is_reported() {
    let server = FakeMailServer::start(|_, _| None).await;
    // The port is free again.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = with(server.trusted(Security::Plain, None), |smtp| smtp.port = port);
    let report = send(settings, &message("a@example.com", "login")).await;
    let expected = (Outcome::Retry, Some("unreachable: Connection refused (os error 111)"));
    assert_eq!((report.outcome, report.error.as_deref()), expected);
}

#[tokio::test]
async fn a_silent_server_causes_a_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let server = FakeMailServer::start(|_, _| None).await;
    let all = [Security::Plain, Security::StartTls, Security::Tls].map(|security| {
        let settings = with(server.trusted(security, None), |smtp| {
            (smtp.port, smtp.timeout) = (port, Duration::from_secs(2));
        });
        async move {
            let mail = message("a@example.com", "login");
            let report = timeout(Duration::from_secs(60), send(settings, &mail)).await.unwrap();
            let expected = (Outcome::Retry, Some("the login timed out"));
            assert_eq!((report.outcome, report.error.as_deref()), expected, "{security:?}");
        }
    });
    join_all(all).await;
}

#[tokio::test]
async fn a_server_with_an_untrusted_certificate_gets_no_mail() {
    for security in [Security::StartTls, Security::Tls] {
        let server = FakeMailServer::start_with(security, None, |_, _| None).await;
        let settings = with(server.trusted(security, None), |smtp| smtp.ca = None);
        let report = send(settings, &message("a@example.com", "login")).await;
        let error = "TLS failed; check `host` and `security`: invalid peer certificate: UnknownIssuer";
        assert_eq!((report.outcome, report.error.as_deref()), (Outcome::Misconfigured, Some(error)), "{security:?}");
        assert_eq!(server.mails().len(), 0);
    }
}

#[tokio::test]
async fn an_encrypted_session_is_reused_until_the_server_closes_it() {
    static MAILS: AtomicUsize = AtomicUsize::new(0);
    let script: Script = |_, line| {
        let is_third = line == "." && MAILS.fetch_add(1, Ordering::Relaxed) == 2;
        is_third.then_some(Action::ReplyAndClose("250 OK"))
    };
    let server = FakeMailServer::start_with(Security::Tls, Some(PLAIN), script).await;
    let chain = Chain::build(&[server.trusted(Security::Tls, USER).into()], &no_inbox()).unwrap();
    for recipient in ["one@example.com", "two@example.com", "three@example.com", "four@example.com"] {
        let report = chain.get(0).unwrap().send(&message(recipient, "login")).await;
        assert_eq!((report.outcome, report.error), (Outcome::Sent, None), "{recipient}");
    }
    let recipients = |connection| {
        let said = server.commands(connection);
        said.iter().filter_map(|line| line.strip_prefix("RCPT TO:").map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(recipients(0), ["<one@example.com>", "<two@example.com>", "<three@example.com>"]);
    assert_eq!(recipients(1), ["<four@example.com>"]);
}
