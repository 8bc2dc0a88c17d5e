//! Endpoints of events in the configuration, and what `config check`, `doctor` and `restore` do with them.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;

use crate::gateway::{Gateway, Reply};
use crate::helpers::{Server, TOKEN, fail, folder, run, succeed, text, until, with_database};
use crate::sending::configure;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// An `[[events]]` table with these keys and a secret.
fn table(keys: &str) -> String {
    format!("[[events]]\nsecret = \"{SECRET}\"\n{keys}")
}

fn check(folder: &Path, toml: &str) -> String {
    configure(folder, toml);
    text(run(folder, &["config", "check"]).stderr)
}

#[test]
fn an_invalid_endpoint_is_reported_in_one_line_without_its_secrets() {
    let folder = folder();
    let url = "url = \"https://example.com/Sup3rSecret\"\n";
    let wrong_url = "events[0].url is not valid: expected a URL such as https://example.com/otpd, without user name and \
                     password";
    let wrong_secret = "events[0].secret is not valid: expected whsec_ and the Base64 form of 24 to 64 random bytes";
    let wrong_types = "events[0].types is not valid: expected a list of otp.sent, otp.delivered, otp.undelivered, \
                       otp.verified and otp.locked_out";
    for (toml, line) in [
        (table(""), "events[0].url is missing"),
        (format!("[[events]]\n{url}"), "events[0].secret is missing"),
        (table("url = \"example.com/Sup3rSecret\"\n"), wrong_url),
        (table("url = \"ftp://example.com/Sup3rSecret\"\n"), wrong_url),
        (table("url = \"https://user:Sup3rSecret@example.com\"\n"), wrong_url),
        (format!("[[events]]\n{url}secret = \"Sup3rSecret\"\n"), wrong_secret),
        (format!("[[events]]\n{url}secret = \"whsec_U3VwM3JTZWNyZXQ=\"\n"), wrong_secret),
        (table(&format!("{url}types = [\"otp.sent\", \"otp.read\"]\n")), wrong_types),
        (table(&format!("{url}types = \"otp.sent\"\n")), wrong_types),
        (table(&format!("{url}types = []\n")), wrong_types),
        (
            table(&format!("{url}include_recipient = \"yes\"\n")),
            "events[0].include_recipient is not valid: expected true or false",
        ),
        (
            table(&format!("{url}timeout = \"1h\"\n")),
            "events[0].timeout is not valid: expected a duration from 1s to 120s",
        ),
        (
            table(&format!("{url}type = []\n")),
            "there is no setting events[0].type; did you mean types? the known settings are include_recipient, secret, \
             secret_file, timeout, types, url, url_file",
        ),
        (table(url).repeat(2), "events[1].url is not valid: expected a URL that no other [[events]] table has"),
        (
            table(url).replace("[[events]]", "[events]"),
            "events is a list of tables; write [[events]] instead of [events]",
        ),
        ("events = [1]\n".to_owned(), "events is a list of tables; write each as [[events]]"),
    ] {
        configure(folder.path(), &toml);
        let said = fail(run(folder.path(), &["config", "check"]));
        assert_eq!(said, format!("otpd: otp.toml: {line}"));
    }
}

#[test]
fn the_url_and_the_secret_are_masked_and_a_readable_file_causes_a_warning() {
    let folder = folder();
    let keys = "url = \"https://example.com/Sup3rSecret\"\ntypes = [\"otp.sent\"]\ntimeout = \"5s\"\n";
    assert_eq!(check(folder.path(), &table(keys)), "the configuration is valid\n");
    let shown = succeed(folder.path(), &["config", "show"]);
    let line = "events = [{ secret = \"***\", timeout = \"5s\", types = [\"otp.sent\"], url = \"***\" }] # otp.toml\n";
    assert!(shown.contains(line), "{shown}");
    fs::set_permissions(folder.path().join("otp.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    let warned = text(run(folder.path(), &["config", "check"]).stderr);
    assert!(warned.contains("warning: otp.toml contains a secret, and other users can read it"), "{warned}");
}

#[test]
fn the_url_and_the_secret_can_be_read_from_files() {
    let folder = folder();
    for (name, content) in [("url", "https://example.com/Sup3rSecret\n"), ("secret", &format!("{SECRET}\n"))] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let toml = "[[events]]\nurl_file = \"url\"\nsecret_file = \"secret\"\n";
    assert_eq!(check(folder.path(), toml), "the configuration is valid\n");
    fs::set_permissions(folder.path().join("secret"), fs::Permissions::from_mode(0o644)).unwrap();
    let warned = check(folder.path(), toml);
    assert!(warned.contains("warning: secret contains a secret, and other users can read it"), "{warned}");
    let said = check(folder.path(), "[[events]]\nurl_file = \"url\"\nsecret_file = \"nowhere\"\n");
    assert_eq!(said, "otpd: otp.toml: events[0].secret_file = \"nowhere\": No such file or directory (os error 2)\n");
}

#[test]
fn an_endpoint_without_tls_on_another_machine_causes_a_warning() {
    let folder = folder();
    for (url, warning) in [
        (
            "http://example.com/Sup3rSecret?key=Sup3rSecret",
            "warning: events to example.com are sent unencrypted; use https\n",
        ),
        ("http://10.0.0.1:8000", "warning: events to 10.0.0.1:8000 are sent unencrypted; use https\n"),
        ("https://example.com", ""),
        ("http://localhost/hook", ""),
        ("http://127.0.0.1:8000", ""),
        ("http://[::1]:8000", ""),
    ] {
        let said = check(folder.path(), &table(&format!("url = \"{url}\"\n")));
        assert_eq!(said, format!("{warning}the configuration is valid\n"), "{url}");
    }
}

#[test]
fn doctor_reports_whether_the_host_of_an_endpoint_can_be_reached() {
    let folder = with_database();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    configure(folder.path(), &table(&format!("url = \"http://{address}/Sup3rSecret\"\n")));
    let said = succeed(folder.path(), &["doctor"]);
    let line = format!("ok    events to {address}: reachable; the secret is checked only by the endpoint\n");
    assert!(said.contains(&line), "{said}");
    drop(listener);
    let said = text(run(folder.path(), &["doctor"]).stdout);
    assert!(said.contains(&format!("error events to {address}: unreachable: ")), "{said}");
    assert!(!said.contains("Sup3rSecret"), "{said}");
}

#[test]
fn an_endpoint_that_fails_is_logged_once_without_its_path() {
    let (folder, endpoint) = (with_database(), Gateway::start(vec![Reply::from((500, ""))]));
    let url = format!("{}/Sup3rSecret?key=Sup3rSecret", endpoint.url);
    configure(folder.path(), &table(&format!("url = \"{url}\"\n")));
    let mut server = Server::start(folder.path());
    for n in 1..=3 {
        let body = format!(r#"{{"code":{n},"email":"a@b.com"}}"#);
        assert_eq!(server.send("POST", "/api/notifications/otp/", TOKEN, &body).0, 201);
        assert_eq!(server.send("POST", "/api/notifications/otp/verify", TOKEN, &body).0, 200);
    }
    until("each event is tried", || endpoint.requests().len() >= 3);
    server.signal("TERM");
    let (status, said) = server.wait();
    assert!(status.success(), "{said}");
    let host = endpoint.url.strip_prefix("http://").unwrap();
    let line = format!("events can't be delivered to {host}; they are sent again for a day: status 500\n");
    assert_eq!(said.matches(&line).count(), 1, "{said}");
    assert!(!said.contains("Sup3rSecret") && !said.contains("C2FVsBQI"), "{said}");
}

#[test]
fn events_that_wait_are_not_sent_after_a_restore() {
    let (folder, endpoint) = (with_database(), Gateway::start(vec![Reply::from((500, ""))]));
    configure(folder.path(), &table(&format!("url = \"{}\"\n", endpoint.url)));
    let mut server = Server::start(folder.path());
    let body = r#"{"code":255315,"email":"a@b.com"}"#;
    assert_eq!(server.send("POST", "/api/notifications/otp/", TOKEN, body).0, 201);
    assert_eq!(server.send("POST", "/api/notifications/otp/verify", TOKEN, body).0, 200);
    until("the event is tried", || !endpoint.requests().is_empty());
    server.signal("TERM");
    assert!(server.wait().0.success());
    let waiting = |name: &str| -> i64 {
        let db = Connection::open(folder.path().join(name)).unwrap();
        db.query_row("SELECT count(*) FROM event_deliveries", [], |row| row.get(0)).unwrap()
    };
    succeed(folder.path(), &["backup", "copy.db"]);
    assert_eq!((waiting("otp.db"), waiting("copy.db")), (1, 1));
    succeed(folder.path(), &["restore", "copy.db"]);
    assert_eq!(waiting("otp.db"), 0);
}
