//! Checks of providers by `otpd doctor`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::check;
use crate::gateway::{Gateway, Reply};
use crate::protocols::{Settings, console, ghasedak, ippanel, kavenegar, melipayamak, smsir};

#[tokio::test]
async fn doctor_asks_each_gateway_for_its_credit() {
    for (settings, line, good, words) in [
        (
            kavenegar as Settings,
            "GET /v1/the%2Fkey/account/info.json",
            r#"{"return":{"status":200},"entries":{"remaincredit":1500}}"#,
            "the key is valid; credit: 1500 rials",
        ),
        (
            ippanel,
            "GET /api/payment/credit/mine",
            r#"{"data":{"credit":22.5},"meta":{"status":true}}"#,
            "the key is valid; credit: 22.5 (currency of the account)",
        ),
        (
            melipayamak,
            "POST /api/SendSMS/GetCredit",
            r#"{"Value":"120.5","RetStatus":1,"StrRetStatus":"Ok"}"#,
            "the key is valid; credit: 120.5 messages",
        ),
        (
            console,
            "GET /api/receive/credit/the-key",
            r#"{"amount":12,"status":""}"#,
            "the key is valid; credit: 12 messages",
        ),
        (smsir, "GET /v1/credit", r#"{"status":1,"data":88}"#, "the key is valid; credit: 88 messages"),
        (ghasedak, "GET /", "", "reachable; the key is checked only by sending"),
    ] {
        let gateway = Gateway::start(vec![Reply::from((200, good))]);
        assert_eq!(check(settings(&gateway.url)).await, Ok(words.to_owned()));
        assert_eq!(gateway.requests()[0].0, line);
    }
    let refusing = Gateway::start(vec![Reply::from((403, r#"{"return":{"status":403},"entries":null}"#))]);
    assert_eq!(check(kavenegar(&refusing.url)).await, Err("403: the key was rejected".to_owned()));
    assert!(check(smsir("http://127.0.0.1:9")).await.unwrap_err().starts_with("unreachable: "));
    let spent = Gateway::start(vec![Reply::from((200, r#"{"status":1,"data":0}"#))]);
    let words = "the key is valid, but the credit is used up".to_owned();
    assert_eq!(check(smsir(&spent.url)).await, Err(words));
}

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
    check(ghasedak(&url)).await
}

#[tokio::test]
async fn doctor_reports_a_clock_that_differs_from_the_gateways() {
    let date = "Date: Mon, 23 Nov 2020 10:00:00 GMT\r\n";
    let said = check_with_headers(date).await.unwrap_err();
    assert!(said.starts_with("the gateway's clock is 2020-11-23T10:00:00Z, the clock of this machine is 2"), "{said}");
    assert!(said.ends_with("; synchronize this machine with NTP"), "{said}");
    let cached = check_with_headers(&format!("{date}Age: 3600\r\n")).await;
    assert_eq!(cached, Ok("reachable; the key is checked only by sending".to_owned()));
}
