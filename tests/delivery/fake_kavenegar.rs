//! A gateway with the protocol of Kavenegar, which reports one status for all messages.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What the gateway received.
#[derive(Default)]
pub struct Log {
    /// The number of copies by the recipient.
    pub copies: HashMap<String, usize>,
    /// The time and the number of ids of each status request.
    pub asked: Vec<(Instant, usize)>,
    /// The ids that were asked for at least once.
    pub asked_ids: HashSet<String>,
}

#[derive(Clone)]
pub struct FakeKavenegar {
    pub url: String,
    pub log: Arc<Mutex<Log>>,
}

impl FakeKavenegar {
    /// Starts a gateway that reports `status` and takes this long to accept a message.
    pub fn start(status: u16, takes: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Log::default()));
        let shared = Arc::clone(&log);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let log = Arc::clone(&shared);
                thread::spawn(move || serve(stream.unwrap(), &log, status, takes));
            }
        });
        Self { url, log }
    }

    /// The number of recipients with at least one copy.
    pub fn reached(&self) -> usize {
        self.log.lock().unwrap().copies.len()
    }
}

/// The value of a form field in the head and body of a request.
fn field<'a>(request: &'a str, name: &str) -> &'a str {
    let rest = request.split_once(&format!("{name}=")).map_or("", |(_, rest)| rest);
    rest.split(['&', ' ', '\r']).next().unwrap_or_default()
}

fn serve(mut stream: TcpStream, log: &Mutex<Log>, status: u16, takes: Duration) {
    let Some(request) = read(&mut stream) else { return };
    let body = if request.starts_with("POST ") {
        let recipient = field(&request, "receptor").to_owned();
        *log.lock().unwrap().copies.entry(recipient.clone()).or_default() += 1;
        thread::sleep(takes);
        // A second copy has the same id.
        let id = recipient.trim_start_matches('0');
        format!(r#"{{"return":{{"status":200,"message":""}},"entries":[{{"messageid":{id},"status":5}}]}}"#)
    } else {
        let ids = field(&request, "messageid").replace("%2C", ",");
        let ids: Vec<&str> = ids.split(',').filter(|id| !id.is_empty()).collect();
        let mut log = log.lock().unwrap();
        log.asked.push((Instant::now(), ids.len()));
        log.asked_ids.extend(ids.iter().map(|id| (*id).to_owned()));
        let entries: Vec<String> =
            ids.iter().map(|id| format!(r#"{{"messageid":{id},"status":{status},"statustext":""}}"#)).collect();
        format!(r#"{{"return":{{"status":200,"message":""}},"entries":[{}]}}"#, entries.join(","))
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    // The server may have been killed.
    let _ = stream.write_all((head + &body).as_bytes());
}

fn read(stream: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 8192]);
    loop {
        let length = stream.read(&mut chunk).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&chunk[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let header = |line: &str| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned);
        let expected = head.lines().find_map(header).map_or(0, |length| length.parse().unwrap());
        if body.len() >= expected {
            return Some(text);
        }
    }
}
