//! Sessions with a mail server are reused for the next mail: when they end, and that no mail is lost then.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use otpd::delivery::{Chain, Smtp};
use otpd::domain::attempt::{Outcome, Report};

use crate::fake_mail_server::{Action, FakeMailServer, Script};
use crate::program::{Server, TOKEN, folder};
use crate::{check, message};

async fn send(chain: &Chain, recipient: &str) -> Report {
    chain.get(0).unwrap().send(&message(recipient, "login")).await
}

fn is_sent(report: &Report) -> bool {
    (report.outcome, &report.error) == (Outcome::Sent, &None)
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn an_idle_session_ends_with_quit_after_its_timeout() {
    let server = FakeMailServer::start(|_, _| None).await;
    let chain = server.chain(SHORT);
    for round in 1..=2 {
        let started = Instant::now();
        assert!(is_sent(&send(&chain, "a@example.com").await));
        server.until_closed(round).await;
        assert!(started.elapsed() >= SHORT);
        assert_eq!(server.commands(round - 1).split_off(4), [".", "QUIT", "closed"]);
    }
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn each_mail_renews_the_timeout_of_its_session() {
    let server = FakeMailServer::start(|_, _| None).await;
    let chain = server.chain(LONG);
    for recipient in ["a@example.com", "b@example.com", "c@example.com"] {
        assert!(is_sent(&send(&chain, recipient).await));
    }
    assert_eq!((server.count("NOOP"), server.count("QUIT"), server.count("closed")), (2, 0, 0));
    assert_eq!(server.commands(1), Vec::<String>::new(), "one session is enough");
}

#[tokio::test]
async fn all_sessions_end_with_quit_when_the_provider_is_closed_or_dropped() {
    let server = FakeMailServer::start(|_, _| None).await;
    let chain = server.chain(LONG);
    let recipients = ["a@example.com", "b@example.com", "c@example.com"];
    let reports = futures_util::future::join_all(recipients.map(|recipient| send(&chain, recipient))).await;
    assert!(reports.iter().all(is_sent), "{reports:?}");
    chain.close().await;
    assert_eq!(server.count("QUIT"), 3);
    server.until_closed(3).await;
    assert!(is_sent(&send(&chain, "d@example.com").await));
    drop(chain);
    server.until_closed(4).await;
    assert_eq!(server.count("QUIT"), 4);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_server_that_does_not_answer_quit() {
    let server = FakeMailServer::start(|_, line| (line == "QUIT").then_some(Action::Ignore)).await;
    let chain = server.chain(LONG);
    assert!(is_sent(&send(&chain, "a@example.com").await));
    tokio::time::timeout(Duration::from_secs(10), chain.close()).await.unwrap();
    server.until_closed(1).await;
}

#[tokio::test]
async fn no_mail_is_lost_if_the_server_closes_an_idle_session() {
    let scripts: [Script; 10] = [
        |n, line| (n == 0 && line == ".").then_some(Action::ReplyAndClose("250 OK")),
        |n, line| (n == 0 && line == ".").then_some(Action::ReplyAndReset("250 OK")),
        // Some servers send 421 before they close an idle connection.
        |n, line| (n == 0 && line == ".").then_some(Action::ReplyAndClose("250 OK\r\n421 4.4.2 idle for too long")),
        |n, line| (n == 0 && line == ".").then_some(Action::Reply("250 OK\r\n421 4.4.2 idle for too long")),
        |n, line| (n == 0 && line == "NOOP").then_some(Action::Close),
        |n, line| (n == 0 && line == "NOOP").then_some(Action::Reset),
        |n, line| (n == 0 && line == "NOOP").then_some(Action::Ignore),
        // The session ends between NOOP and the mail.
        |n, line| (n == 0 && line == "NOOP").then_some(Action::ReplyAndReset("250 OK")),
        |n, line| (n == 0 && line == "NOOP").then_some(Action::ReplyAndClose("250 OK\r\n421 4.4.2 idle for too long")),
        |n, line| (n == 0 && line == "NOOP").then_some(Action::ReplyAndClose("250 OK")),
    ];
    for (case, script) in scripts.into_iter().enumerate() {
        let server = FakeMailServer::start(script).await;
        let chain = server.chain(LONG);
        for recipient in ["a@example.com", "b@example.com", "c@example.com"] {
            let report = send(&chain, recipient).await;
            assert!(is_sent(&report), "case {case}: {recipient}: {report:?}");
        }
        assert_eq!(server.mails().len(), 3, "case {case}");
    }
}

#[tokio::test]
async fn a_session_ends_with_quit_after_a_rejection_and_is_not_reused() {
    let scripts: [(Script, Outcome, &str); 4] = [
        (
            |n, line| (n == 0 && line.starts_with("MAIL")).then_some(Action::Reply("550 5.7.1 not this sender")),
            Outcome::Next,
            "550: the server rejected the message",
        ),
        (
            |n, line| (n == 0 && line.starts_with("RCPT")).then_some(Action::Reply("451 4.7.1 greylisted")),
            Outcome::Retry,
            "451: not now",
        ),
        (
            |n, line| (n == 0 && line == "DATA").then_some(Action::Reply("554 5.5.1 no valid recipients")),
            Outcome::Next,
            "554: the server rejected the message",
        ),
        (
            |n, line| (n == 0 && line == ".").then_some(Action::Reply("554 5.6.0 not this content")),
            Outcome::Next,
            "554: the server rejected the message",
        ),
    ];
    for (script, outcome, error) in scripts {
        let server = FakeMailServer::start(script).await;
        let chain = server.chain(LONG);
        assert_eq!(send(&chain, "a@example.com").await, Report::not_sent(outcome, error));
        server.until_closed(1).await;
        assert_eq!(server.commands(0).split_off(server.commands(0).len() - 2), ["QUIT", "closed"]);
        assert!(is_sent(&send(&chain, "a@example.com").await));
        assert_eq!((server.mails().len(), server.count("NOOP")), (1, 0));
    }
}

#[tokio::test]
async fn a_mail_is_unknown_only_if_its_end_was_sent() {
    let server = FakeMailServer::start(|_, line| (line == "DATA").then_some(Action::ReplyAndReset("354 go on"))).await;
    let report = send(&server.chain(LONG), "a@example.com").await;
    assert_eq!(report, Report::not_sent(Outcome::Retry, "the connection broke before the whole message was sent"));
    let server = FakeMailServer::start(|_, line| (line == ".").then_some(Action::Close)).await;
    let report = send(&server.chain(LONG), "a@example.com").await;
    assert_eq!(report, Report::not_sent(Outcome::Unknown, "the connection broke while the message was sent"));
}

#[tokio::test]
async fn servers_get_ascii_domains_and_not_the_name_of_this_machine() {
    let server = FakeMailServer::start(|_, _| None).await;
    let hello = Some(lettre::transport::smtp::extension::ClientId::Domain("otp.example.com".to_owned()));
    let settings = Smtp { hello, ..server.settings(LONG) };
    let report = crate::send(settings, &message("a@example.com", "login")).await;
    assert!(is_sent(&report), "{report:?}");
    let said = server.commands(0);
    assert_eq!(said[..2], ["EHLO otp.example.com".to_owned(), "MAIL FROM:<noreply@xn--mnchen-3ya.example>".to_owned()]);
    let mail = server.mails().remove(0);
    assert!(mail.contains("From: otpd <noreply@xn--mnchen-3ya.example>\n"), "{mail}");
    let id = report.provider_message_id.unwrap();
    assert!(id.ends_with("@xn--mnchen-3ya.example>"), "{id}");
    assert!(mail.contains(&format!("Message-ID: {id}\n")), "{mail}");
}

/// Runs otpd until it has delivered one mail, and stops it.
fn deliver_and_stop(folder: &Path) {
    let mut otpd = Server::start(folder);
    let (status, answer) = otpd.send("POST", "/api/notifications/otp/send", TOKEN, r#"{"email":"a@example.com"}"#);
    assert_eq!(status, 202, "{answer}");
    let deadline = Instant::now() + Duration::from_secs(120);
    while !otpd.send("GET", "/api/notifications/otp/1/deliveries", TOKEN, "").1.contains(r#""state":"sent""#) {
        assert!(Instant::now() < deadline, "{}", otpd.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
    otpd.signal("TERM");
    let (status, log) = otpd.wait();
    assert!(status.success(), "{log}");
}

#[tokio::test]
async fn otpd_ends_its_sessions_with_quit_when_it_stops() {
    let server = FakeMailServer::start(|_, _| None).await;
    let folder = folder();
    let toml = format!(
        "[auth]\nbootstrap_token = \"{TOKEN}\"\n[[delivery.email]]\ntype = \"smtp\"\nhost = \"127.0.0.1\"\nport = {}\n\
         security = \"none\"\nfrom = \"noreply@münchen.example\"\nhello = \"otp.münchen.example\"\n",
        server.port
    );
    fs::write(folder.path().join("otp.toml"), toml).unwrap();
    tokio::task::spawn_blocking(move || deliver_and_stop(folder.path())).await.unwrap();
    server.until_closed(1).await;
    let expected = [
        "EHLO otp.xn--mnchen-3ya.example",
        "MAIL FROM:<noreply@xn--mnchen-3ya.example>",
        "RCPT TO:<a@example.com>",
        "DATA",
        ".",
        "QUIT",
        "closed",
    ];
    assert_eq!(server.commands(0), expected);
}

#[tokio::test]
async fn doctor_ends_its_session_with_quit() {
    let server = FakeMailServer::start(|_, _| None).await;
    assert_eq!(check(server.settings(LONG)).await, Ok("connected; no username is configured".to_owned()));
    server.until_closed(1).await;
    assert_eq!(server.commands(0).split_off(1), ["QUIT", "closed"]);
}
