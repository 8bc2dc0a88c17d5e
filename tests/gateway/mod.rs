//! A scripted SMS gateway. It records requests and sends the replies that the test has planned.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How the gateway responds to a request.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Delay before the response.
    pub after: Duration,
    /// Status and body. `None` closes the connection without a response.
    pub answer: Option<(u16, String)>,
}

impl From<(u16, &str)> for Reply {
    fn from((status, body): (u16, &str)) -> Self {
        Self { after: Duration::ZERO, answer: Some((status, body.to_owned())) }
    }
}

/// A received request: method and target, the headers with names in lower case, and the body.
pub type ReceivedRequest = (String, String, String);

/// A running gateway. It repeats the last reply of its plan.
#[derive(Clone)]
pub struct Gateway {
    pub url: String,
    requests: Arc<Mutex<Vec<ReceivedRequest>>>,
}

pub const ACCEPTED: &str = r#"{"ok":true,"id":"m-1"}"#;

impl Gateway {
    /// Starts a gateway. With an empty plan it accepts every message.
    pub fn start(plan: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let plan = if plan.is_empty() { vec![(200, ACCEPTED).into()] } else { plan };
        let (log, plan) = (Arc::clone(&requests), Arc::new(Mutex::new(VecDeque::from(plan))));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, plan) = (Arc::clone(&log), Arc::clone(&plan));
                thread::spawn(move || serve(stream.unwrap(), &log, &plan));
            }
        });
        Self { url, requests }
    }

    /// The requests received so far.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<ReceivedRequest>>, plan: &Mutex<VecDeque<Reply>>) {
    let Some(request) = read(&mut stream) else { return };
    let reply = {
        // Both are locked together, so that requests and replies have the same order.
        let (mut log, mut plan) = (log.lock().unwrap(), plan.lock().unwrap());
        log.push(request);
        if plan.len() > 1 { plan.pop_front().unwrap() } else { plan[0].clone() }
    };
    thread::sleep(reply.after);
    let Some((status, body)) = reply.answer else { return };
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    // The client may have closed the connection.
    let _ = stream.write_all((head + &body).as_bytes());
}

fn read(stream: &mut TcpStream) -> Option<ReceivedRequest> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let length = stream.read(&mut chunk).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&chunk[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let (line, headers) = head.split_once("\r\n")?;
        let lower = |header: &str| header.split_once(": ").map(|(name, value)| name.to_lowercase() + ": " + value);
        let headers: Vec<String> = headers.lines().filter_map(lower).collect();
        let length = headers.iter().find_map(|header| header.strip_prefix("content-length: ")).unwrap_or("0");
        if body.len() >= length.parse::<usize>().unwrap() {
            return Some((line.trim_end_matches(" HTTP/1.1").to_owned(), headers.join("\n"), body.to_owned()));
        }
    }
}
