//! Webhooks against `standardwebhooks`, the Python library of the Standard Webhooks specification.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::gateway::{Gateway, ReceivedRequest};
use crate::program::{LIMIT, Server, TOKEN, client, folder, otpd};
use crate::python::with_package;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

/// Returns a Python interpreter that has standardwebhooks.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| with_package("standardwebhooks", "standardwebhooks==1.0.0"))
}

/// Verifies requests with the library. Returns `accepted` or `rejected` for each.
fn verdicts(secret: &str, requests: &[Value]) -> Vec<String> {
    let folder = folder();
    let input = folder.path().join("requests");
    fs::write(&input, requests.iter().map(|request| format!("{request}\n")).collect::<String>()).unwrap();
    let output = Command::new(python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/verify_webhook.py"))
        .arg(secret)
        .stdin(File::open(input).unwrap())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The Python program in docs/events.md, with another port.
fn example(port: u16) -> String {
    let document = include_str!("../../docs/events.md");
    let (_, rest) = document.split_once("```python\n").unwrap();
    rest.split_once("```").unwrap().0.replace("8000", &port.to_string())
}

#[test]
fn the_endpoint_in_the_documentation_accepts_events_and_nothing_else() {
    let folder = folder();
    // The port is free again when the listener is dropped.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut endpoint = Command::new(python())
        .args(["-c", &example(port)])
        .env("WEBHOOK_SECRET", SECRET)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(endpoint.stdout.take().unwrap()).lines();
    let server = server(folder.path(), &format!("http://127.0.0.1:{port}/hook"));
    verify(&server);
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("msg_") && line.ends_with(" otp.verified 0912***6789"), "{line}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let forged = client().post(format!("http://127.0.0.1:{port}/hook")).body("{}");
    let status = runtime.block_on(async { forged.send().await.unwrap().status() });
    assert_eq!(status, 401);
    endpoint.kill().unwrap();
    endpoint.wait().unwrap();
}

/// A server with one endpoint.
fn server(folder: &Path, url: &str) -> Server {
    let toml = format!("[[events]]\nurl = \"{url}\"\nsecret = \"{SECRET}\"\n");
    fs::write(folder.join("otp.toml"), toml).unwrap();
    Server::spawn(otpd(folder).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN))
}

/// Creates a code and verifies it.
fn verify(server: &Server) {
    let code = r#"{"code":255315,"mobile_number":"09123456789"}"#;
    assert_eq!(server.send("POST", "/api/notifications/otp/", TOKEN, code).0, 201);
    assert_eq!(server.send("POST", "/api/notifications/otp/verify", TOKEN, code).0, 200);
}

/// The request for the verification of a code by a real server.
fn request() -> ReceivedRequest {
    let (folder, endpoint) = (folder(), Gateway::start(Vec::new()));
    let server = server(folder.path(), &format!("{}/hook", endpoint.url));
    verify(&server);
    let deadline = Instant::now() + LIMIT;
    while endpoint.requests().is_empty() {
        assert!(Instant::now() < deadline, "no event arrived: {}", server.stderr());
        thread::sleep(Duration::from_millis(10));
    }
    endpoint.requests().remove(0)
}

/// Each text that differs from `text` in one byte, up to `length` of them.
fn changed(text: &str, length: usize) -> Vec<String> {
    let change = |at: usize| {
        let (before, rest) = text.split_at(at);
        let replacement = if rest.starts_with('1') { '2' } else { '1' };
        format!("{before}{replacement}{}", &rest[1..])
    };
    (0..length).map(change).collect()
}

#[test]
fn the_published_library_accepts_a_request_and_rejects_it_after_a_change_of_one_byte() {
    let (_, lines, body) = request();
    let header = |name: &str| {
        let value = lines.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        value.unwrap_or_else(|| panic!("no {name}: {lines}")).to_owned()
    };
    let headers: Value = HEADERS.iter().map(|name| ((*name).to_owned(), Value::from(header(name)))).collect();
    let original = json!({ "headers": headers, "body": body });
    assert_eq!(verdicts(SECRET, std::slice::from_ref(&original)), ["accepted"]);
    let other = "whsec_D2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    assert_eq!(verdicts(other, std::slice::from_ref(&original)), ["rejected"]);

    let mut requests: Vec<Value> =
        changed(&body, body.len()).into_iter().map(|body| json!({ "headers": headers, "body": body })).collect();
    for name in HEADERS {
        let value = header(name);
        // The last character of the Base64 form contains bits that are not part of the signature, and `=` follows it.
        let length = if name == "webhook-signature" { value.len() - 2 } else { value.len() };
        for value in changed(&value, length) {
            let mut request = original.clone();
            request["headers"][name] = value.into();
            requests.push(request);
        }
    }
    assert!(requests.len() > 200, "{}", requests.len());
    assert_eq!(verdicts(SECRET, &requests), vec!["rejected"; requests.len()]);
}
