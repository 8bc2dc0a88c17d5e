use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use crate::gateway::{Gateway, Reply};
use crate::helpers::{Server, all_at_once, complete, fail, folder, otpd, run, succeed, text, with_database};
use crate::program::LIMIT;
use crate::signals::stopping;

const TO: &str = r#"{"mobile_number":"09123456789"}"#;

pub fn configure(folder: &Path, toml: &str) {
    let path = folder.join("otp.toml");
    fs::write(&path, toml).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn with_inbox(folder: &Path, arguments: &[&str]) -> Output {
    complete(otpd(folder).args(arguments).env("OTPD_DELIVERY__ALLOW_INBOX", "true"))
}

/// Returns the first word of six digits.
fn code_in(text: &str) -> String {
    let digits = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
    text.split_whitespace().find(digits).unwrap().to_owned()
}

#[test]
fn codes_can_be_sent_and_verified_with_the_inbox() {
    let folder = folder();
    let server = Server::spawn(otpd(folder.path()).env("OTPD_DELIVERY__ALLOW_INBOX", "true"));
    let arguments = ["user", "add", "shop", "--role", "staff", "--permission", "send,verify"];
    let token = succeed(folder.path(), &arguments).trim_end().to_owned();
    let (status, sent) = server.send("POST", "/api/notifications/otp/send", &token, TO);
    assert_eq!(status, 202, "{sent}");
    let deadline = Instant::now() + LIMIT;
    let shown = loop {
        let shown = text(with_inbox(folder.path(), &["inbox"]).stdout);
        if !shown.is_empty() {
            break shown;
        }
        assert!(Instant::now() < deadline, "nothing came");
        thread::sleep(Duration::from_millis(20));
    };
    assert!(shown.lines().next().unwrap().ends_with("Z sms to 09123456789"), "{shown}");
    // Stored messages are shown without the variable of the server.
    assert_eq!(succeed(folder.path(), &["inbox"]), shown);
    let body = format!(r#"{{"mobile_number":"09123456789","code":"{}"}}"#, code_in(&shown));
    let (status, verified) = server.send("POST", "/api/notifications/otp/verify", &token, &body);
    assert_eq!((status, verified.as_str()), (200, r#"{"verified":true,"id":1,"recipient":"09123456789"}"#));
    // The inbox over HTTP needs the permission to view codes.
    let (status, _) = server.send("GET", "/dev/inbox", &token, "");
    assert_eq!(status, 403);
    let admin = fs::read_to_string(folder.path().join("admin.token")).unwrap();
    let (status, inbox) = server.send("GET", "/dev/inbox", admin.trim_end(), "");
    assert_eq!(status, 200);
    let inbox: serde_json::Value = serde_json::from_str(&inbox).unwrap();
    assert_eq!((inbox[0]["channel"].as_str(), inbox[0]["recipient"].as_str()), (Some("sms"), Some("09123456789")));
    // The greeting at the start contains an example number, so it is skipped.
    let log = server.stderr();
    let (_, log) = log.split_once(" listens on ").unwrap();
    for secret in ["09123456789", &code_in(&shown), &token] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn the_inbox_must_be_allowed_in_the_settings() {
    let folder = folder();
    configure(folder.path(), "[[delivery.sms]]\ntype = \"inbox\"\n");
    let line = fail(run(folder.path(), &["config", "check"]));
    let refusal = "otpd: otp.toml: delivery.sms[0].type is not valid: inbox requires \
                   delivery.allow_inbox = true, because it delivers no messages";
    assert_eq!(line, refusal);
    assert!(with_inbox(folder.path(), &["config", "check"]).status.success());
}

#[test]
fn a_disabled_inbox_is_reported_with_the_setting_that_enables_it() {
    let folder = with_database();
    let line = "otpd: the development inbox is disabled; set delivery.allow_inbox = true";
    for arguments in [&["inbox"][..], &["inbox", "--follow"]] {
        assert_eq!(fail(run(folder.path(), arguments)), format!("{line} (no configuration file)"));
    }
    configure(folder.path(), "[otp]\nexpiration = \"6m\"\n");
    assert_eq!(fail(run(folder.path(), &["inbox"])), format!("{line} in otp.toml"));
    fs::rename(folder.path().join("otp.toml"), folder.path().join("other.toml")).unwrap();
    assert_eq!(fail(run(folder.path(), &["--config", "other.toml", "inbox"])), format!("{line} in other.toml"));
    // A mistake in the provider does not matter.
    configure(folder.path(), "[delivery]\nallow_inbox = true\n[[delivery.sms]]\ntype = \"smsir\"\n");
    assert_eq!(succeed(folder.path(), &["inbox"]), "");
}

#[test]
fn a_real_message_can_be_sent_for_a_test() {
    let folder = with_database();
    let refusing = Gateway::start(vec![Reply::from((403, "{}"))]);
    let taking = Gateway::start(Vec::new());
    let provider = |name: &str, url: &str| {
        format!(
            "[[delivery.sms]]\ntype = \"http\"\nname = \"{name}\"\nurl = \"{url}/?k=Sup3rSecret&to={{recipient}}&c={{code}}\"\n"
        )
    };
    configure(folder.path(), &(provider("one", &refusing.url) + &provider("two", &taking.url)));
    let output = run(folder.path(), &["send-test", "0912 345 6789"]);
    assert!(output.status.success());
    let said = text(output.stderr);
    assert_eq!(said, "one: misconfigured: 403: the key was rejected\ntwo: accepted the message\n");
    let asked = taking.requests().remove(0).0;
    let code = asked.strip_prefix("POST /?k=Sup3rSecret&to=09123456789&c=").unwrap();
    assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()), "{asked}");
    let line = fail(run(folder.path(), &["send-test", "a@b.com"]));
    assert_eq!(line, "otpd: email: Messages can not be sent there: no provider is configured.");
    assert_eq!(run(folder.path(), &["send-test", "x"]).status.code(), Some(2));
}

#[test]
fn staff_resets_a_recipient_from_the_command_line() {
    let folder = folder();
    let server = Server::spawn(otpd(folder.path()).env("OTPD_OTP__MAX_CONSECUTIVE_FAILURES", "2"));
    let token = fs::read_to_string(folder.path().join("admin.token")).unwrap().trim_end().to_owned();
    let verify = || server.send("POST", "/api/notifications/otp/verify", &token, r#"{"email":"a@b.com","code":1}"#).0;
    assert_eq!([verify(), verify(), verify()], [400, 400, 429]);
    let reset = || text(run(folder.path(), &["recipient", "reset", "A@b.com"]).stderr);
    assert_eq!(reset(), "the recipient is unlocked\n");
    assert_eq!(verify(), 400);
    assert_eq!(reset(), "the recipient is unlocked\n");
    assert_eq!(reset(), "there was nothing to unlock\n");
}

#[test]
fn a_stop_finishes_the_current_delivery_and_it_is_not_repeated() {
    all_at_once(stopping(), |signal| {
        is_sent_once(signal);
    });
}

fn is_sent_once(signal: &str) {
    let folder = folder();
    let taken = crate::gateway::ACCEPTED.to_owned();
    let gateway = Gateway::start(vec![Reply { after: Duration::from_millis(700), answer: Some((200, taken)) }]);
    configure(
        folder.path(),
        &format!("[[delivery.sms]]\ntype = \"http\"\nurl = \"{}/?to={{recipient}}&c={{code}}\"\n", gateway.url),
    );
    let mut server = Server::start(folder.path());
    let token = fs::read_to_string(folder.path().join("admin.token")).unwrap().trim_end().to_owned();
    assert_eq!(server.send("POST", "/api/notifications/otp/send", &token, TO).0, 202);
    let deadline = Instant::now() + LIMIT;
    while gateway.requests().is_empty() {
        assert!(Instant::now() < deadline, "nothing was sent");
        thread::sleep(Duration::from_millis(5));
    }
    server.signal(signal);
    let (status, log) = server.wait();
    assert!(status.success(), "{signal}: {log}");
    assert!(log.contains("message 1: accepted by http"), "{log}");
    let server = Server::start(folder.path());
    let (_, deliveries) = server.send("GET", "/api/notifications/otp/1/deliveries", &token, "");
    assert!(deliveries.contains(r#""state":"sent""#), "{deliveries}");
    assert_eq!(gateway.requests().len(), 1, "{signal}");
}
