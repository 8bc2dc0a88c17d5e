use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::program::{Server, TOKEN};

pub const OTPS: &str = "/api/notifications/otp/";

/// The outcome of a request, as the client sees it.
#[derive(Debug)]
pub enum Outcome {
    Answer(u16, String),
    /// The connection failed, so nothing was sent.
    NotSent,
    /// The request was sent, and no complete response arrived.
    Unanswered,
}

/// A client that waits for each response and keeps its connection as long as possible.
pub struct Client {
    socket: String,
    token: String,
    stream: Option<TcpStream>,
}

impl Client {
    pub fn of(server: &Server) -> Self {
        Self::at(server.socket())
    }

    pub fn at(socket: &str) -> Self {
        Self { socket: socket.to_owned(), token: TOKEN.to_owned(), stream: None }
    }

    pub fn with_token(self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self }
    }

    pub fn send(&mut self, verb: &str, path: &str, body: &str) -> Outcome {
        let Ok(mut stream) = self.stream.take().map_or_else(|| TcpStream::connect(&self.socket), Ok) else {
            return Outcome::NotSent;
        };
        let token = &self.token;
        let request = format!(
            "{verb} {path} HTTP/1.1\r\nHost: otpd\r\nAuthorization: Token {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_nodelay(true).unwrap();
        match stream.write_all(request.as_bytes()).ok().and_then(|()| read_answer(&mut stream)) {
            Some((status, closes, body)) => {
                self.stream = (!closes).then_some(stream);
                Outcome::Answer(status, body)
            }
            None => Outcome::Unanswered,
        }
    }

    /// Sends a request that must be answered. Returns the status and the JSON body, or null if there is no body.
    #[track_caller]
    pub fn ask(&mut self, verb: &str, path: &str, body: &str) -> (u16, Value) {
        match self.send(verb, path, body) {
            Outcome::Answer(status, body) => (status, serde_json::from_str(&body).unwrap_or_default()),
            other => panic!("{verb} {path}: {other:?}"),
        }
    }
}

/// Reads a complete response. Returns its status, whether the connection is then closed, and its body.
fn read_answer(stream: &mut TcpStream) -> Option<(u16, bool, String)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        if let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let status = text.get(9..12)?.parse().ok()?;
            let length = text.split("content-length: ").nth(1).map_or("0", |rest| rest.lines().next().unwrap());
            if bytes.len() >= head + 4 + length.trim().parse::<usize>().ok()? {
                let closes = text.contains("\r\nconnection: close");
                return Some((status, closes, String::from_utf8_lossy(&bytes[head + 4..]).into_owned()));
            }
        }
        match stream.read(&mut chunk) {
            Ok(length @ 1..) => bytes.extend_from_slice(&chunk[..length]),
            _ => return None,
        }
    }
}
