use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::gateway::{Gateway, Reply, TAKEN};
use crate::program::{Server, TOKEN, folder};

const MESSAGES: usize = 500;
const KILLS: usize = 20;

fn configure(folder: &Path, url: &str) {
    let toml = format!(
        "[auth]\nbootstrap_token = \"{TOKEN}\"\n
         [limits]\nsends_per_token_minute = 0\nsends_per_day = 0\n
         [[delivery.sms]]\ntype = \"http\"\nurl = \"{url}/send\"\nbody = '{{\"to\":\"{{recipient}}\",\"code\":\"{{code}}\"}}'\n
         headers = {{ content-type = \"application/json\" }}\nsuccess_pointer = \"/ok\"\nid_pointer = \"/id\"\n"
    );
    fs::write(folder.join("otp.toml"), toml).unwrap();
}

fn number(n: usize) -> String {
    format!("0912{n:07}")
}

#[test]
fn a_kill_loses_no_message_and_repeats_none_but_what_was_under_way() {
    // Each message takes its time, so that some are always under way.
    let gateway =
        Gateway::start(vec![Reply { after: Duration::from_millis(60), answer: Some((200, TAKEN.to_owned())) }]);
    let folder = folder();
    configure(folder.path(), &gateway.url);
    let start = || Server::start(folder.path());
    let mut server = start();
    for n in 0..MESSAGES {
        let body = format!(r#"{{"mobile_number":"{}"}}"#, number(n));
        let (status, answer) = server.send("POST", "/api/notifications/otp/send", TOKEN, &body);
        assert_eq!(status, 202, "{answer}");
        // The first kill comes before the outbox is full: what was promised until then must be kept.
        if n == MESSAGES / 2 {
            server.signal("KILL");
            server.wait();
            server = start();
        }
    }
    for kill in 1..KILLS {
        thread::sleep(Duration::from_millis((kill as u64 * 37) % 120));
        server.signal("KILL");
        server.wait();
        server = start();
    }
    let server = server;
    let attempts = |id: usize| -> Vec<serde_json::Value> {
        let path = format!("/api/notifications/otp/{id}/deliveries");
        let (status, answer) = server.send("GET", &path, TOKEN, "");
        assert_eq!(status, 200, "{answer}");
        let deliveries: serde_json::Value = serde_json::from_str(&answer).unwrap();
        if deliveries[0]["state"] == "sent" {
            deliveries[0]["attempts"].as_array().unwrap().clone()
        } else {
            Vec::new()
        }
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    let (mut got, mut interrupted) = (HashMap::new(), 0);
    for id in 1..=MESSAGES {
        let mut found = attempts(id);
        while found.is_empty() {
            assert!(Instant::now() < deadline, "message {id} was lost");
            thread::sleep(Duration::from_millis(50));
            found = attempts(id);
        }
        interrupted += found.len() - 1;
        got.insert(number(id - 1), found.len());
    }
    let mut asked: HashMap<String, usize> = HashMap::new();
    for asking in gateway.asked() {
        let body: serde_json::Value = serde_json::from_str(&asking.2).unwrap();
        *asked.entry(body["to"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(asked.len(), MESSAGES, "every recipient got one");
    for (number, times) in &asked {
        assert!(*times <= got[number], "{number} got {times}, of which {} were known to be under way", got[number]);
    }
    let duplicates: usize = asked.values().map(|times| times - 1).sum();
    assert!(interrupted > 0, "no kill came while a message was under way");
    eprintln!(
        "outbox: {MESSAGES} messages, {KILLS} kills, {interrupted} were under way, {duplicates} duplicates, 0 lost"
    );
}
