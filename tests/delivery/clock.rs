//! The clock of the gateway in checks of providers.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::check;
use crate::protocols::bale;

/// Checks a gateway that responds with these headers. Returns the result of the check.
async fn check_with_headers(headers: &str) -> Result<String, String> {
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", gateway.local_addr().unwrap());
    let answer = format!("HTTP/1.1 404 X\r\n{headers}Content-Length: 0\r\n\r\n");
    thread::spawn(move || {
        let (mut stream, _) = gateway.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream.write_all(answer.as_bytes()).unwrap();
    });
    check(bale(&url)).await
}

#[tokio::test]
async fn doctor_reports_a_clock_that_differs_from_the_gateways() {
    let date = "Date: Mon, 23 Nov 2020 10:00:00 GMT\r\n";
    let said = check_with_headers(date).await.unwrap_err();
    assert!(said.starts_with("the gateway's clock is 2020-11-23T10:00:00Z, the clock of this machine is 2"), "{said}");
    assert!(said.ends_with("; synchronize this machine with NTP"), "{said}");
    let cached = check_with_headers(&format!("{date}Age: 3600\r\n")).await;
    let words = "reachable; the key is checked only by sending";
    assert_eq!(cached, Ok(words.to_owned()));
}
