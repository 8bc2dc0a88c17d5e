//! Hostile input causes no 5xx and no partial change, and the server keeps running.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use otpd::http::Settings;

use crate::helpers::{OTPS, TestApp, path};

/// Sends raw bytes and returns the status of the first response, if any.
fn raw(app: &TestApp, bytes: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(app.address.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut head = [0; 12];
    match stream.read_exact(&mut head) {
        Ok(()) => {}
        Err(cause) if cause.kind() == std::io::ErrorKind::WouldBlock => panic!("neither answered nor closed"),
        Err(_) => return None,
    }
    Some(String::from_utf8_lossy(&head[9..]).parse().unwrap())
}

#[tokio::test]
async fn hostile_bodies_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    let id = app.create().await;
    let before = app.send("GET", &path(id)).await;
    let nested = |bracket: &str| bracket.repeat(5000);
    let bodies: [(&str, Vec<u8>, u16); 12] = [
        ("200 kB", vec![b'x'; 200_000], 413),
        ("200 kB of JSON", format!("[{}1]", "1,".repeat(100_000)).into_bytes(), 413),
        ("5,000 open brackets", nested("[").into_bytes(), 400),
        ("5,000 nested lists", (nested("[") + &nested("]")).into_bytes(), 400),
        ("5,000 nested objects in a field", format!("{{\"code\":{}", nested("{\"a\":")).into_bytes(), 413),
        ("invalid UTF-8", b"{\"email\":\"\xff\xfe@b.com\"}".to_vec(), 400),
        ("a lone surrogate", br#"{"email":"\ud800@b.com"}"#.to_vec(), 400),
        ("NaN", br#"{"code":NaN}"#.to_vec(), 400),
        ("infinity", br#"{"code":1e999}"#.to_vec(), 400),
        ("beyond 64 bits", br#"{"code":170141183460469231731687303715884105728}"#.to_vec(), 400),
        ("a long exponent", format!("{{\"code\":1e{}}}", "9".repeat(1000)).into_bytes(), 400),
        ("NUL", b"{\"code\":1\0}".to_vec(), 400),
    ];
    for (what, body, status) in bodies {
        for (verb, path) in [("PATCH", path(id)), ("POST", OTPS.to_owned())] {
            let request = app
                .request(verb, &path)
                .header("Authorization", format!("Token {}", app.admin))
                .header("Content-Type", "application/json")
                .body(body.clone());
            assert_eq!(request.send().await.unwrap().status().as_u16(), status, "{what}");
        }
    }
    app.send("GET", &path(id)).await.is(200, &before.body);
    assert_eq!(app.create().await, id + 1, "no refused POST has stored anything");
}

#[tokio::test]
async fn header_values_outside_ascii_cause_no_error() {
    let app = TestApp::start().await;
    let id = app.create().await;
    for name in ["X-Request-ID", "Content-Type", "Accept", "X-Forwarded-For", "Forwarded", "User-Agent"] {
        for value in [&b"\xff\xfe"[..], "سلام".as_bytes(), b"\t", &[b'x'; 4000]] {
            let request = app
                .request("PATCH", &path(id))
                .header("Authorization", format!("Token {}", app.admin))
                .header(name, value)
                .body("{}");
            let status = request.send().await.unwrap().status().as_u16();
            assert_eq!(status, 415, "{name}");
        }
    }
}

#[tokio::test]
async fn ambiguous_or_malformed_requests_are_refused() {
    let app = TestApp::start().await;
    let id = app.create().await;
    let before = app.send("GET", &path(id)).await;
    let head = format!(
        "PATCH {} HTTP/1.1\r\nHost: x\r\nAuthorization: Token {}\r\nContent-Type: application/json\r\n",
        path(id),
        app.admin
    );
    for (what, rest) in [
        ("length and chunks", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("two lengths", "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"),
        ("a signed length", "Content-Length: +2\r\n\r\n{}"),
        ("a negative length", "Content-Length: -2\r\n\r\n{}"),
        ("a length that is no number", "Content-Length: two\r\n\r\n{}"),
        ("an unknown coding", "Transfer-Encoding: gzip\r\n\r\n{}"),
        ("a bad chunk size", "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
        ("a header without a name", ": x\r\n\r\n"),
        ("a space before the colon", "Content-Length : 2\r\n\r\n{}"),
        ("a NUL in a header", "X: a\0b\r\n\r\n"),
    ] {
        let status = raw(&app, format!("{head}{rest}").as_bytes());
        assert!(matches!(status, Some(400) | None), "{what}: {status:?}");
    }
    for (what, bytes) in [
        ("no HTTP", &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..]),
        ("no version", b"GET /\r\n\r\n"),
        ("a target with a space", b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"),
    ] {
        let status = raw(&app, bytes);
        assert!(matches!(status, Some(400) | None), "{what}: {status:?}");
    }
    app.send("GET", &path(id)).await.is(200, &before.body);
}

#[tokio::test]
async fn a_too_long_head_is_refused() {
    let app = TestApp::start().await;
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    assert!(matches!(raw(&app, long.as_bytes()), Some(400 | 431) | None));
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(1000));
    assert!(matches!(raw(&app, many.as_bytes()), Some(400 | 431) | None));
    assert_eq!(app.send("GET", "/healthz").await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_connection_is_closed_if_its_next_request_is_incomplete() {
    let idle_timeout = Duration::from_secs(2);
    let app = TestApp::start_with(Settings { idle_timeout, ..Settings::default() }).await;
    let mut stream = TcpStream::connect(app.address.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let ask = |stream: &mut TcpStream| {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: otpd\r\n\r\n").unwrap();
        let mut bytes = [0; 4096];
        let length = stream.read(&mut bytes).unwrap();
        bytes[..length].starts_with(b"HTTP/1.1 200")
    };
    // A connection with regular requests stays open, regardless of its age.
    for _ in 0..12 {
        assert!(ask(&mut stream));
        tokio::time::sleep(idle_timeout / 8).await;
    }
    let begun = std::time::Instant::now();
    for byte in b"GET /healthz HTTP/1.1\r\nHost: a-very-patient-client-that-never-ends" {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if stream.write_all(&[*byte]).is_err() || begun.elapsed() > idle_timeout * 2 {
            break;
        }
    }
    let is_closed = match stream.read(&mut [0; 16]) {
        Ok(length) => length == 0,
        Err(cause) => cause.kind() != std::io::ErrorKind::WouldBlock,
    };
    assert!(is_closed, "it is still open after {:?}", begun.elapsed());
}
