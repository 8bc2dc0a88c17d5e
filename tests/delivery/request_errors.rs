//! Requests without a complete response, and the outcome that is reported for them. The servers run in the runtime of
//! their test.

use otpd::delivery::Connection;
use otpd::domain::attempt::{Outcome, Report};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::keep_alive::provider;
use crate::{connection, message, secret};

async fn send_to(url: &str) -> Report {
    crate::send(provider(connection(url)), &message("09123456789", "login")).await
}

/// Responds to the request of one connection with these bytes, and closes it.
async fn answer_once(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(answer).await.unwrap();
    });
    address.to_string()
}

#[tokio::test]
async fn only_requests_that_may_have_been_processed_have_an_unknown_outcome() {
    for (answer, outcome, error) in [
        (&b""[..], Outcome::Unknown, "the connection broke after the request was sent: "),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Outcome::Unknown, "the connection broke after the request was sent: "),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
            Outcome::Unknown,
            "the connection broke after the request was sent: ",
        ),
        (b"SSH-2.0-OpenSSH\r\n", Outcome::Unknown, "the connection broke after the request was sent: "),
        (b"HTTP/1.1 403 X\r\nContent-Length: 100\r\n\r\n{", Outcome::Misconfigured, "403: the key was rejected"),
        (b"HTTP/1.1 503 X\r\nContent-Length: 100\r\n\r\n{", Outcome::Retry, "503: the gateway is unavailable"),
        (b"HTTP/1.1 400 X\r\nContent-Length: 100\r\n\r\n{", Outcome::Next, "400: the gateway rejected the request"),
    ] {
        let report = send_to(&format!("http://{}", answer_once(answer).await)).await;
        let said = report.error.unwrap();
        assert_eq!(report.outcome, outcome, "{said}");
        assert!(said.starts_with(error), "{said}");
    }
    // The TLS handshake fails, so nothing was sent.
    let report = send_to(&format!("https://{}", answer_once(b"HTTP/1.1 400 Bad Request\r\n\r\n").await)).await;
    let said = report.error.unwrap();
    assert_eq!(report.outcome, Outcome::Retry, "{said}");
    assert!(said.starts_with("unreachable: "), "{said}");
    let report = send_to("http://127.0.0.1:9").await;
    assert_eq!(report.outcome, Outcome::Retry, "{report:?}");
}

/// A SOCKS5 proxy that closes the connection immediately after it has reported success.
async fn proxy_that_hangs_up() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("socks5h://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 512];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(&[5, 0]).await.unwrap();
        assert!(stream.read(&mut request).await.unwrap() > 0);
        // The response and the close arrive before the client runs again.
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    });
    url
}

#[tokio::test]
async fn a_connection_that_closes_before_the_request_is_sent_is_retried() {
    let proxy = Some(secret(&proxy_that_hangs_up().await));
    let settings = provider(Connection { proxy, ..connection("http://gateway.invalid") });
    let report = crate::send(settings, &message("09123456789", "login")).await;
    let said = report.error.unwrap();
    assert_eq!(report.outcome, Outcome::Retry, "{said}");
    assert!(said.starts_with("the connection was closed before the request was sent: "), "{said}");
}

#[tokio::test]
async fn a_proxy_that_refuses_the_login_is_a_misconfiguration() {
    let proxy = answer_once(b"HTTP/1.1 407 X\r\nContent-Length: 0\r\n\r\n").await;
    let proxy = Some(secret(&format!("http://{proxy}")));
    let settings = provider(Connection { proxy, ..connection("http://gateway.invalid") });
    let report = crate::send(settings, &message("09123456789", "login")).await;
    let expected = Report::not_sent(Outcome::Misconfigured, "407: the proxy rejected the credentials");
    assert_eq!(report, expected);
}
