//! A client that sends raw bytes.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::helpers::TestApp;

pub struct Raw(BufReader<TcpStream>);

/// A response: the status, the head in lower case, and the body.
#[derive(Debug)]
pub struct RawAnswer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Raw {
    pub fn connect(app: &TestApp) -> Self {
        let stream = TcpStream::connect(app.address.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        Self(BufReader::new(stream))
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap();
    }

    /// Sends raw bytes. Returns an error if the connection is closed.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
        self.0.get_mut().write_all(bytes.as_ref())
    }

    /// Shuts down the sending side of the connection.
    pub fn finish(&mut self) {
        self.0.get_mut().shutdown(Shutdown::Write).unwrap();
    }

    /// Reads the next response. Returns an error if the connection closes first.
    pub fn answer(&mut self) -> Result<RawAnswer, Error> {
        self.answer_to("GET")
    }

    /// Reads the next response to a request with this method. A response to HEAD has no body.
    pub fn answer_to(&mut self, verb: &str) -> Result<RawAnswer, Error> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        let head = head.to_ascii_lowercase();
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let status = head[9..12].parse().unwrap();
        let has_body = verb != "HEAD" && !matches!(status, 100..200 | 204 | 304);
        let length = field("content-length").filter(|_| has_body).map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(RawAnswer { status, head, body: String::from_utf8_lossy(&body).into_owned() })
    }

    /// Reads until the connection is closed.
    pub fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // A connection reset also ends the read.
        let _ = self.0.read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    }
}
