use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::form::trials;
use crate::gateway::{ACCEPTED, Gateway, Reply};
use crate::program::{LIMIT, Server, TOKEN, folder};

fn configure(folder: &Path, url: &str) {
    let toml = format!(
        "[auth]\nbootstrap_token = \"{TOKEN}\"\n
         [limits]\nsends_per_token_minute = 0\nsms_per_day = 0\nemails_per_day = 0\n
         [[delivery.sms]]\ntype = \"http\"\nurl = \"{url}/send\"\nbody = '{{\"to\":\"{{recipient}}\",\"code\":\"{{code}}\"}}'\n
         headers = {{ content-type = \"application/json\" }}\nsuccess_pointer = \"/ok\"\nid_pointer = \"/id\"\n"
    );
    fs::write(folder.join("otp.toml"), toml).unwrap();
}

fn number(n: usize) -> String {
    format!("0912{n:07}")
}

/// Queues `messages` messages. Kills the server once when half of them are accepted; none of these may be lost.
fn queue_messages(folder: &Path, messages: usize) -> Server {
    let mut server = Server::start(folder);
    for n in 0..messages {
        let body = format!(r#"{{"mobile_number":"{}"}}"#, number(n));
        let (status, answer) = server.send("POST", "/api/notifications/otp/send", TOKEN, &body);
        assert_eq!(status, 202, "{answer}");
        if n == messages / 2 {
            server = kill_and_restart(server, folder);
        }
    }
    server
}

fn kill_and_restart(mut server: Server, folder: &Path) -> Server {
    server.signal("KILL");
    server.wait();
    Server::start(folder)
}

/// Waits until a message is sent and returns the number of its attempts.
fn attempts(server: &Server, id: usize, deadline: Instant) -> usize {
    loop {
        let path = format!("/api/notifications/otp/{id}/deliveries");
        let (status, answer) = server.send("GET", &path, TOKEN, "");
        assert_eq!(status, 200, "{answer}");
        let deliveries: serde_json::Value = serde_json::from_str(&answer).unwrap();
        if deliveries[0]["state"] == "sent" {
            return deliveries[0]["attempts"].as_array().unwrap().len();
        }
        assert!(Instant::now() < deadline, "message {id} was lost");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_kill_loses_no_message_and_resends_only_messages_in_flight() {
    let messages = usize::try_from(trials(250, 500)).unwrap();
    let kills = trials(10, 20);
    // The gateway takes 60 ms for each message, so that some are always in flight.
    let gateway =
        Gateway::start(vec![Reply { after: Duration::from_millis(60), answer: Some((200, ACCEPTED.to_owned())) }]);
    let folder = folder();
    configure(folder.path(), &gateway.url);
    let mut server = queue_messages(folder.path(), messages);
    for kill in 1..kills {
        thread::sleep(Duration::from_millis((kill * 37) % 120));
        server = kill_and_restart(server, folder.path());
    }
    let deadline = Instant::now() + LIMIT;
    let tried: HashMap<String, usize> =
        (1..=messages).map(|id| (number(id - 1), attempts(&server, id, deadline))).collect();
    let mut asked: HashMap<String, usize> = HashMap::new();
    for asking in gateway.requests() {
        let body: serde_json::Value = serde_json::from_str(&asking.2).unwrap();
        *asked.entry(body["to"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(asked.len(), messages, "every recipient got a message");
    for (number, times) in &asked {
        assert!(*times <= tried[number], "{number} got {times}, and only {} attempts are recorded", tried[number]);
    }
    let interrupted: usize = tried.values().map(|times| times - 1).sum();
    let duplicates: usize = asked.values().map(|times| times - 1).sum();
    assert!(interrupted > 0, "no message was in flight during a kill");
    eprintln!(
        "outbox: {messages} messages, {kills} kills, {interrupted} were in flight, {duplicates} duplicates, 0 lost"
    );
}
