//! The real program with two gateways: the first accepts messages and reports that they did not arrive, the second one
//! delivers them.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fake_kavenegar::FakeKavenegar;
use crate::form::trials;
use crate::program::{LIMIT, Server, TOKEN, folder};

const UNDELIVERED: u16 = 11;
const DELIVERED: u16 = 10;
/// How many milliseconds the second gateway takes to accept a message.
const TAKES: u64 = 60;

pub fn configure(folder: &Path, gateways: &[&FakeKavenegar]) {
    let mut toml = format!(
        "[auth]\nbootstrap_token = \"{TOKEN}\"\n\
         [limits]\nsends_per_token_minute = 0\nsms_per_day = 0\n\
         [delivery]\nfallback_margin = \"0s\"\n"
    );
    for (n, gateway) in gateways.iter().enumerate() {
        toml += &format!(
            "[[delivery.sms]]\ntype = \"kavenegar\"\nname = \"gateway-{n}\"\napi_key = \"key\"\ntemplate = \"otp\"\n\
             base_url = \"{}\"\n",
            gateway.url
        );
    }
    fs::write(folder.join("otp.toml"), toml).unwrap();
}

fn number(n: usize) -> String {
    format!("0912{n:07}")
}

pub fn send(server: &Server, n: usize) {
    let body = format!(r#"{{"mobile_number":"{}"}}"#, number(n));
    let (status, answer) = server.send("POST", "/api/notifications/otp/send", TOKEN, &body);
    assert_eq!(status, 202, "{answer}");
}

/// Returns the message of the code with this id.
fn message(server: &Server, id: usize) -> Value {
    let (status, answer) = server.send("GET", &format!("/api/notifications/otp/{id}/deliveries"), TOKEN, "");
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str::<Value>(&answer).unwrap()[0].clone()
}

/// Waits until `is_done` returns true, at most until `deadline`.
#[track_caller]
fn wait_until(deadline: Instant, mut is_done: impl FnMut() -> bool) {
    while !is_done() {
        assert!(Instant::now() < deadline, "it was not done in time");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_kill_during_status_requests_and_fallbacks_loses_no_message_and_sends_no_third_copy() {
    // The second gateway takes up to 32 messages at the same time, and each kill interrupts them.
    let messages = usize::try_from(trials(180, 1200)).unwrap();
    let kills = trials(3, 20);
    let first = FakeKavenegar::start(UNDELIVERED, Duration::ZERO);
    let second = FakeKavenegar::start(DELIVERED, Duration::from_millis(TAKES));
    let folder = folder();
    configure(folder.path(), &[&first, &second]);
    let mut server = Server::start(folder.path());
    for n in 0..messages {
        send(&server, n);
    }
    let deadline = Instant::now() + LIMIT;
    wait_until(deadline, || first.reached() == messages);
    for kill in 1..=kills {
        // Each kill happens while the second gateway accepts a message, as long as there is one left. The first message
        // falls back five seconds after the first gateway accepted it, because then its status is requested.
        let reached = second.reached();
        wait_until(deadline, || second.reached() > reached || reached == messages);
        thread::sleep(Duration::from_millis((kill * 37) % (TAKES * 2 / 3)));
        server.signal("KILL");
        server.wait();
        server = Server::start(folder.path());
    }
    let ended = |state: &str| ["delivered", "undelivered", "unknown"].contains(&state);
    let (mut delivered, mut unsent) = (0, 0);
    for id in 1..=messages {
        let mut state = String::new();
        wait_until(deadline, || {
            message(&server, id)["state"].as_str().unwrap().clone_into(&mut state);
            ended(&state)
        });
        let copies = |gateway: &FakeKavenegar| {
            gateway.log.lock().unwrap().copies.get(&number(id - 1)).copied().unwrap_or_default()
        };
        assert_eq!(copies(&first), 1, "message {id}");
        assert!(copies(&second) <= 1, "message {id} has {} copies at the second gateway", copies(&second));
        // Only an attempt that a kill interrupted may end without a report of the second gateway.
        if state == "delivered" {
            assert_eq!(copies(&second), 1, "message {id}");
            delivered += 1;
        } else {
            let attempts = message(&server, id)["attempts"].clone();
            assert_eq!((&attempts[1]["outcome"], state.as_str()), (&"interrupted".into(), "unknown"), "{attempts}");
            unsent += usize::from(copies(&second) == 0);
        }
    }
    assert!(0 < delivered && delivered < messages, "{delivered} of {messages} were delivered");
    eprintln!(
        "fallback: {messages} messages, {kills} kills, {delivered} delivered, {} interrupted, {unsent} of them before the \
         request",
        messages - delivered
    );
}

#[test]
fn a_message_that_did_not_arrive_is_delivered_by_the_second_gateway_within_seconds() {
    let first = FakeKavenegar::start(UNDELIVERED, Duration::ZERO);
    let second = FakeKavenegar::start(DELIVERED, Duration::ZERO);
    let folder = folder();
    configure(folder.path(), &[&first, &second]);
    let server = Server::start(folder.path());
    send(&server, 1);
    let deadline = Instant::now() + LIMIT;
    while message(&server, 1)["state"] != "delivered" {
        assert!(Instant::now() < deadline, "{}", message(&server, 1));
        thread::sleep(Duration::from_millis(50));
    }
    let reported_at = first.log.lock().unwrap().asked[0].0;
    assert!(reported_at.elapsed() < Duration::from_secs(20), "{:?}", reported_at.elapsed());
    assert_eq!((first.reached(), second.reached()), (1, 1));
    let (_, metrics) = server.send("GET", "/metrics", TOKEN, "");
    for line in [
        r#"otpd_delivery_reports_total{provider="gateway-0",status="undelivered"} 1"#,
        r#"otpd_delivery_reports_total{provider="gateway-1",status="delivered"} 1"#,
        r#"otpd_delivery_seconds_count{provider="gateway-1"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}");
    }
}
