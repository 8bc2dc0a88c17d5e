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
            "it lets us in; 1500 rials left",
        ),
        (
            ippanel,
            "GET /api/payment/credit/mine",
            r#"{"data":{"credit":22.5},"meta":{"status":true}}"#,
            "it lets us in; 22.5 of its currency left",
        ),
        (
            melipayamak,
            "POST /api/SendSMS/GetCredit",
            r#"{"Value":"120.5","RetStatus":1,"StrRetStatus":"Ok"}"#,
            "it lets us in; 120.5 messages left",
        ),
        (console, "GET /api/receive/credit/the-key", r#"{"amount":12,"status":""}"#, "it lets us in; 12 messages left"),
        (smsir, "GET /v1/credit", r#"{"status":1,"data":88}"#, "it lets us in; 88 messages left"),
        (ghasedak, "GET /", "", "it answers; only sending shows whether the key is good"),
    ] {
        let gateway = Gateway::start(vec![Reply::from((200, good))]);
        assert_eq!(check(settings(&gateway.url)).await, Ok(words.to_owned()));
        assert_eq!(gateway.requests()[0].0, line);
    }
    let refusing = Gateway::start(vec![Reply::from((403, r#"{"return":{"status":403},"entries":null}"#))]);
    assert_eq!(check(kavenegar(&refusing.url)).await, Err("403: the key is refused".to_owned()));
    assert!(check(smsir("http://127.0.0.1:9")).await.unwrap_err().starts_with("it can't be reached: "));
    let spent = Gateway::start(vec![Reply::from((200, r#"{"status":1,"data":0}"#))]);
    let words = "it lets us in, and the credit is 0 messages: buy some".to_owned();
    assert_eq!(check(smsir(&spent.url)).await, Err(words));
}

/// Returns the result of checking a gateway whose response has these headers.
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
    assert!(said.starts_with("its clock says 2020-11-23T10:00:00Z, ours 2"), "{said}");
    assert!(said.ends_with(": set this machine's by NTP"), "{said}");
    let cached = check_with_headers(&format!("{date}Age: 3600\r\n")).await;
    assert_eq!(cached, Ok("it answers; only sending shows whether the key is good".to_owned()));
}
