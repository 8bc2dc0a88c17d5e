//! Webhooks against `standardwebhooks`, the Python library of the Standard Webhooks specification.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::gateway::{Gateway, ReceivedRequest};
use crate::program::{LIMIT, Server, TOKEN, folder, otpd};
use crate::python::with_package;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

/// Verifies requests with the library. Returns `accepted` or `rejected` for each.
fn verdicts(secret: &str, requests: &[Value]) -> Vec<String> {
    let folder = folder();
    let input = folder.path().join("requests");
    fs::write(&input, requests.iter().map(|request| format!("{request}\n")).collect::<String>()).unwrap();
    let output = Command::new(with_package("standardwebhooks", "standardwebhooks==1.0.0"))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/verify_webhook.py"))
        .arg(secret)
        .stdin(File::open(input).unwrap())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The request for the verification of a code by a real server.
fn request() -> ReceivedRequest {
    let (folder, endpoint) = (folder(), Gateway::start(Vec::new()));
    let toml = format!("[[events]]\nurl = \"{}/hook\"\nsecret = \"{SECRET}\"\n", endpoint.url);
    fs::write(folder.path().join("otp.toml"), toml).unwrap();
    let server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
    let code = r#"{"code":255315,"mobile_number":"09123456789"}"#;
    assert_eq!(server.send("POST", "/api/notifications/otp/", TOKEN, code).0, 201);
    assert_eq!(server.send("POST", "/api/notifications/otp/verify", TOKEN, code).0, 200);
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
