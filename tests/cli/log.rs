use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::gateway::Gateway;
use crate::helpers::{Server, complete, folder, otpd, succeed, text};
use crate::program::LIMIT;

/// All secrets and personal data in these requests. None may appear in a log.
const CANARIES: [&str; 10] = [
    "739204615",
    "09127770001",
    "9127770001",
    "canary.one",
    "canary.two",
    "418273645",
    "0912777",
    "777-00-02",
    "cana-domain",
    "09127770003",
];

#[test]
fn no_log_line_shows_a_code_a_token_an_address_or_a_number_at_trace_level() {
    let folder = folder();
    let mut server = Server::spawn(otpd(folder.path()).env("RUST_LOG", "trace,actix_http::h1=trace,mio::poll=trace"));
    let admin = std::fs::read_to_string(folder.path().join("admin.token")).unwrap();
    let admin = admin.trim();
    let support = succeed(folder.path(), &["user", "add", "support", "--role", "staff"]);
    let otps = "/api/notifications/otp/";
    for (verb, path, token, body) in [
        ("POST", otps.to_owned(), admin, r#"{"code":739204615,"mobile_number":"09127770001"}"#),
        ("PATCH", format!("{otps}1"), admin, r#"{"mobile_number":null,"email":"canary.one@cana-domain.com"}"#),
        (
            "PATCH",
            format!("{otps}1"),
            admin,
            r#"{"code":"418273645x","email":"canary.two@@x","mobile_number":"0912-777-00-02"}"#,
        ),
        ("PATCH", format!("{otps}1"), admin, r#"{"code":739204615,"mobile_number":"09127770001""#),
        ("GET", format!("{otps}1"), admin, ""),
        ("GET", format!("{otps}09127770003"), admin, ""),
        ("GET", "/canary.two/739204615?search=09127770001".to_owned(), admin, ""),
        ("PUT", format!("{otps}1"), admin, r#"{"code":739204615}"#),
        ("GET", format!("{otps}1"), support.trim(), ""),
        ("GET", format!("{otps}1"), "otpd_739204615", ""),
        ("DELETE", format!("{otps}1"), admin, ""),
        ("09127770001", format!("{otps}1"), admin, ""),
    ] {
        server.send(verb, &path, token, body);
    }
    server.signal("TERM");
    let (_, log) = server.wait();
    assert!(log.contains("POST /api/notifications/otp 201"), "{log}");
    for canary in CANARIES.into_iter().chain([admin, support.trim()]) {
        let found: Vec<&str> = log.lines().filter(|line| line.contains(canary)).collect();
        assert!(found.is_empty(), "{canary}: {found:?}");
    }
}

#[test]
fn no_log_line_shows_a_message_or_a_provider_key_at_trace_level() {
    let (folder, gateway) = (folder(), Gateway::start(Vec::new()));
    let toml = format!(
        "[[delivery.sms]]\ntype = \"http\"\nurl = \"{}/key-739204615/?to={{recipient}}&text={{text}}\"\n
         headers = {{ x-key = \"key-418273645\" }}\n
         [[delivery.email]]\ntype = \"smtp\"\nhost = \"127.0.0.1\"\nport = 9\nsecurity = \"none\"\n
         username = \"u\"\npassword = \"pass-739204615\"\nfrom = \"a@b.com\"\n",
        gateway.url
    );
    std::fs::write(folder.path().join("otp.toml"), toml).unwrap();
    let mut server = Server::spawn(otpd(folder.path()).env("RUST_LOG", "trace"));
    let admin = std::fs::read_to_string(folder.path().join("admin.token")).unwrap();
    let otps = "/api/notifications/otp/";
    let ask = |verb: &str, path: &str, body: &str| server.send(verb, &format!("{otps}{path}"), admin.trim(), body);
    assert_eq!(ask("POST", "send", r#"{"mobile_number":"09127770001"}"#).0, 202);
    assert_eq!(ask("POST", "send", r#"{"email":"canary.one@cana-domain.com"}"#).0, 202);
    for (id, word) in [(1, "sent"), (2, "unreachable")] {
        let deadline = Instant::now() + LIMIT;
        while !ask("GET", &format!("{id}/deliveries"), "").1.contains(word) {
            assert!(Instant::now() < deadline, "{word}");
        }
    }
    let code = |id| ask("GET", id, "").1.split(['{', ':', ',']).nth(4).unwrap().to_owned();
    let codes = [code("1"), code("2")];
    assert_eq!(ask("POST", "verify", r#"{"mobile_number":"09127770001","code":"418273645"}"#).0, 400);
    let right = format!(r#"{{"mobile_number":"09127770001","code":{}}}"#, codes[0]);
    assert_eq!(ask("POST", "verify", &right).0, 200);
    server.signal("TERM");
    let (_, log) = server.wait();
    assert!(log.contains("accepted by http") && log.contains("smtp: retry: unreachable"), "{log}");
    for canary in CANARIES.into_iter().chain(codes.iter().map(String::as_str)) {
        let found: Vec<&str> = log.lines().filter(|line| line.contains(canary)).collect();
        assert!(found.is_empty(), "{canary}: {found:?}");
    }
}

#[test]
fn a_request_id_that_resembles_a_number_or_token_is_masked() {
    let folder = folder();
    let mut server = Server::start(folder.path());
    let admin = std::fs::read_to_string(folder.path().join("admin.token")).unwrap();
    let admin = admin.trim();
    let uuid = "0b5f1d5e-8c1f-4d43-9d0e-0a1b2c3d4e5f";
    for id in ["09127770001", "739204615739", admin, uuid, "checkout"] {
        let mut stream = TcpStream::connect(server.socket()).unwrap();
        let request = format!(
            "GET /healthz HTTP/1.1\r\nHost: otpd\r\nAuthorization: Token {admin}\r\nX-Request-ID: {id}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(&format!("x-request-id: {id}\r\n")), "{answer}");
    }
    server.signal("TERM");
    let (_, log) = server.wait();
    let ids: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split_once(" GET /healthz ")?.0.rsplit_once(' '))
        .map(|(_, id)| id)
        .collect();
    assert_eq!(ids, ["***", "***", "ot***", uuid, "checkout"]);
    assert!(!log.contains(admin));
}

#[test]
fn every_event_is_one_line_with_the_request_id() {
    let folder = folder();
    let mut server = Server::start(folder.path());
    server.send("GET", "/healthz", "x", "");
    server.signal("TERM");
    let (_, log) = server.wait();
    let line = log.lines().find(|line| line.contains("/healthz")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!((words[1], words[2]), ("INFO", "otpd::http::observe:"));
    assert_eq!(words[3].len(), 16, "the request id: {line}");
    assert_eq!(words[4..7], ["GET", "/healthz", "200"]);
}

#[test]
fn an_unknown_level_in_rust_log_causes_a_warning() {
    let folder = folder();
    let warning = "RUST_LOG: \"verbose\" is not a log level; expected off, error, warn, info, debug or trace, or a \
                   module with a level such as otpd=debug";
    let check = |filters: &str| {
        let output = complete(otpd(folder.path()).env("RUST_LOG", filters).args(["config", "check"]));
        assert!(output.status.success(), "{output:?}");
        text(output.stderr)
    };
    assert_eq!(check("verbose"), format!("warning: {warning}\nthe configuration is valid\n"));
    assert_eq!(check("otpd=verbose,debug"), format!("warning: {warning}\nthe configuration is valid\n"));
    for filters in ["", "debug", "Info", "otpd", "otpd::http=trace,warn"] {
        assert_eq!(check(filters), "the configuration is valid\n", "{filters}");
    }
    let mut server = Server::spawn(otpd(folder.path()).env("RUST_LOG", "verbose"));
    server.signal("TERM");
    let (_, log) = server.wait();
    let starts_with_warning =
        log.lines().next().is_some_and(|line| line.ends_with(&format!("WARN  otpd::cli::serve: {warning}")));
    assert!(starts_with_warning && log.contains(" INFO  otpd::cli::serve: "), "log.level applies: {log}");
}
