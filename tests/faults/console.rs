//! Actions in the console, with the requests that a browser sends.

use std::io::{Read, Write};
use std::net::TcpStream;

/// Submits a form and returns the status and the cookie that the response sets.
fn submit(socket: &str, path: &str, cookie: &str, form: &str) -> (u16, String) {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {socket}\r\nOrigin: http://{socket}\r\nCookie: {cookie}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let mut stream = TcpStream::connect(socket).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    let response = String::from_utf8_lossy(&response).into_owned();
    let status = response.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    let set = response.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    (status, set.and_then(|cookie| cookie.split(';').next()).unwrap_or_default().to_owned())
}

/// A session of the console.
pub struct Session(String);

impl Session {
    /// Signs in.
    pub fn start(socket: &str, user: &str, token: &str) -> Self {
        let (status, cookie) = submit(socket, "/console/sign-in", "", &format!("user={user}&token={token}"));
        assert_eq!(status, 303);
        Self(cookie)
    }

    /// Submits a form and returns the status.
    pub fn post(&self, socket: &str, path: &str, form: &str) -> u16 {
        submit(socket, path, &self.0, form).0
    }
}
