//! Request bodies with ambiguous or broken framing.

use serde_json::Value;

use crate::helpers::{OTPS, TestApp, path, until};
use crate::raw::Raw;

/// Chunked bodies that violate RFC 9112, section 7.1.
const MALFORMED: [(&str, &str); 13] = [
    ("a size that is no number", "zz\r\n{}\r\n0\r\n\r\n"),
    ("a size that begins like a number", "2g\r\n{}\r\n0\r\n\r\n"),
    ("a negative size", "-2\r\n{}\r\n0\r\n\r\n"),
    ("a signed size", "+2\r\n{}\r\n0\r\n\r\n"),
    ("a size in the notation of C", "0x2\r\n{}\r\n0\r\n\r\n"),
    ("a size beyond 64 bits", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
    ("no size", "\r\n{}\r\n0\r\n\r\n"),
    ("a space before the size", " 2\r\n{}\r\n0\r\n\r\n"),
    ("a size that ends in a bare LF", "2\n{}\r\n0\r\n\r\n"),
    ("a control character in an extension", "2;\0\r\n{}\r\n0\r\n\r\n"),
    ("data longer than its size", "2\r\n{} }\r\n0\r\n\r\n"),
    ("data without its CRLF", "2\r\n{}0\r\n\r\n"),
    ("data that ends in a bare LF", "2\r\n{}\n0\r\n\r\n"),
];

/// Returns the head of a request with a chunked body.
fn head(verb: &str, path: &str, token: &str) -> String {
    format!(
        "{verb} {path} HTTP/1.1\r\nHost: otpd\r\nAuthorization: Token {token}\r\nX-Request-ID: framing\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
}

/// Asserts one response with one of these statuses in the form of `docs/api.md`, and that the connection is closed.
#[track_caller]
fn is_refused(raw: &mut Raw, statuses: &[u16], what: &str) {
    let answer = raw.answer().unwrap_or_else(|cause| panic!("{what}: {cause}"));
    assert!(statuses.contains(&answer.status), "{what}: {answer:?}");
    for header in [
        "connection: close",
        "content-type: application/json",
        "x-request-id: framing",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
    ] {
        assert!(answer.head.contains(&format!("\r\n{header}\r\n")), "{what}: {answer:?}");
    }
    if answer.status == 400 {
        assert_eq!(answer.body, r#"{"detail":"The request body is not well-formed."}"#, "{what}");
    } else {
        assert!(serde_json::from_str::<Value>(&answer.body).unwrap()["detail"].is_string(), "{what}");
    }
    assert_eq!(raw.rest(), "", "{what}");
}

#[tokio::test]
async fn a_malformed_chunk_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let id = app.create().await;
    let before = app.send("GET", &path(id)).await;
    for (what, body) in MALFORMED {
        for (verb, path) in [("PATCH", path(id)), ("POST", OTPS.to_owned()), ("POST", format!("{OTPS}verify"))] {
            let mut raw = Raw::connect(&app);
            raw.send(head(verb, &path, &app.admin) + body);
            is_refused(&mut raw, &[400], what);
            // The pause lets the handler wait for the body before it arrives.
            let mut raw = Raw::connect(&app);
            raw.send(head(verb, &path, &app.admin));
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            raw.send(body);
            is_refused(&mut raw, &[400], what);
        }
    }
    app.send("GET", &path(id)).await.is(200, &before.body);
    assert_eq!(app.create().await, id + 1, "nothing was stored");
}

#[tokio::test]
async fn a_malformed_chunk_of_a_refused_request_is_answered_too() {
    let app = TestApp::start().await;
    for (what, body) in MALFORMED {
        for (verb, path, token, status) in [
            ("POST", OTPS.to_owned(), "wrong", 401),
            ("PATCH", path(404), &app.admin, 404),
            ("PUT", OTPS.to_owned(), &app.admin, 405),
            ("POST", "/nowhere".to_owned(), &app.admin, 404),
        ] {
            let mut raw = Raw::connect(&app);
            raw.send(head(verb, &path, token) + body);
            is_refused(&mut raw, &[400, status], what);
        }
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_refused() {
    let app = TestApp::start().await;
    let id = app.create().await;
    for body in ["", "5", "5\r\n", "5\r\n{}", "2\r\n{}", "2\r\n{}\r\n", "2\r\n{}\r\n0\r\n"] {
        for (verb, path) in [("PATCH", path(id)), ("POST", OTPS.to_owned())] {
            let mut raw = Raw::connect(&app);
            raw.send(head(verb, &path, &app.admin) + body);
            raw.finish();
            is_refused(&mut raw, &[400], body);
        }
    }
    let mut raw = Raw::connect(&app);
    let head = head("POST", OTPS, &app.admin).replace("Transfer-Encoding: chunked", "Content-Length: 3");
    raw.send(head + "{}");
    raw.finish();
    is_refused(&mut raw, &[400], "a length that is too long");
}

#[tokio::test]
async fn a_client_that_keeps_sending_receives_the_refusal() {
    let app = TestApp::start().await;
    for _ in 0..20 {
        let mut raw = Raw::connect(&app);
        raw.send(head("POST", OTPS, &app.admin) + "zz\r\n");
        let filler = vec![b'x'; 4096];
        for _ in 0..50 {
            if raw.try_send(&filler).is_err() {
                break;
            }
        }
        assert_eq!(raw.answer().unwrap().status, 400);
    }
}

#[tokio::test]
async fn malformed_bodies_are_counted() {
    let app = TestApp::start().await;
    let mut raw = Raw::connect(&app);
    raw.send(head("POST", OTPS, &app.admin) + "zz\r\n");
    is_refused(&mut raw, &[400], "a bad size");
    let counted = |line: &str| line.contains(r#"method="POST""#) && line.contains(r#"status="400""#);
    until(|| app.store.metrics().render().unwrap().lines().any(counted)).await;
}

#[tokio::test]
async fn valid_chunks_of_any_size_are_read() {
    let app = TestApp::start().await;
    let id = app.create().await;
    let mut raw = Raw::connect(&app);
    for body in [
        "b\r\n{\"code\": 7}\r\n0\r\n\r\n".to_owned(),
        "1\r\n{\r\n8\r\n\"code\":1\r\n1\r\n}\r\n0\r\n\r\n".to_owned(),
        "002;name=value\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n".to_owned(),
        "0\r\n\r\n".to_owned(),
    ] {
        raw.send(head("PATCH", &path(id), &app.admin) + &body);
        let answer = raw.answer().unwrap();
        assert_eq!(answer.status, 200, "{body:?}: {answer:?}");
    }
}
