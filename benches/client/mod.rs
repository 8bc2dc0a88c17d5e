//! A load generator with little overhead: raw HTTP over keep-alive connections, on one thread.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a measurement stops where something fails")]

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::TOKEN;

/// A load of concurrent clients. Each client sends its next request as soon as it has a response.
pub struct Load {
    pub connections: usize,
    /// When the load ends: after a time, which starts after one second of warm-up, or after a number of requests.
    pub until: Until,
    /// Returns the nth request.
    pub request: fn(u64) -> String,
}

#[derive(Clone, Copy)]
pub enum Until {
    Elapsed(Duration),
    Answered(u64),
}

/// The result of a load. Every response had status 200.
pub struct Report {
    elapsed: Duration,
    /// Response times in milliseconds, in ascending order.
    times: Vec<f32>,
}

impl Report {
    /// Returns the responses per second.
    pub fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.times.len()).unwrap()) / self.elapsed.as_secs_f64()
    }

    /// Returns the median response time in milliseconds.
    pub fn p50(&self) -> f64 {
        self.percentile(50)
    }

    /// Returns the 99th percentile of the response times in milliseconds.
    pub fn p99(&self) -> f64 {
        self.percentile(99)
    }

    fn percentile(&self, percent: usize) -> f64 {
        self.times[(self.times.len() - 1) * percent / 100].into()
    }
}

impl Load {
    pub fn run(&self, address: &str) -> Report {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, self.clients(address))
    }

    async fn clients(&self, address: &str) -> Report {
        let sent = Rc::new(Cell::new(0));
        let times = Rc::new(RefCell::new(Vec::new()));
        let warm = Instant::now() + Duration::from_secs(1);
        let clients: Vec<_> = (0..self.connections)
            .map(|_| {
                let (address, until, request) = (address.to_owned(), self.until, self.request);
                let (sent, times) = (Rc::clone(&sent), Rc::clone(&times));
                tokio::task::spawn_local(async move {
                    let mut client = Client::connect(&address).await;
                    loop {
                        let begun = Instant::now();
                        let over = match until {
                            Until::Elapsed(lasting) => begun >= warm + lasting,
                            Until::Answered(count) => sent.get() == count,
                        };
                        if over {
                            break;
                        }
                        sent.set(sent.get() + 1);
                        client.ask(&request(sent.get())).await;
                        if begun >= warm || matches!(until, Until::Answered(_)) {
                            times.borrow_mut().push(begun.elapsed().as_secs_f32() * 1000.0);
                        }
                    }
                })
            })
            .collect();
        let begun = Instant::now();
        for client in clients {
            client.await.unwrap();
        }
        let elapsed = match self.until {
            Until::Elapsed(lasting) => lasting,
            Until::Answered(_) => begun.elapsed(),
        };
        let mut times = times.take();
        times.sort_by(f32::total_cmp);
        Report { elapsed, times }
    }
}

/// Sends one GET without a token over a new connection.
pub fn once(address: &str, path: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        Client::connect(address).await.ask(&format!("GET {path} HTTP/1.1\r\nHost: otpd\r\n\r\n")).await;
    });
}

/// Sends `one` and `other` alternately from one client and returns their median times in milliseconds.
pub fn medians(address: &str, rounds: u64, one: fn(u64) -> String, other: fn(u64) -> String) -> [f64; 2] {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut times = [Vec::new(), Vec::new()];
    runtime.block_on(async {
        let mut client = Client::connect(address).await;
        for n in 1..=rounds {
            for (times, request) in times.iter_mut().zip([one, other]) {
                let begun = Instant::now();
                client.exchange(&request(n)).await;
                times.push(begun.elapsed().as_secs_f64() * 1000.0);
            }
        }
    });
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}

/// Returns the text of a request to `/api/notifications/otp/{id}`. `id` may also be a word, such as `verify`.
pub fn request(verb: &str, id: impl Display, body: &str) -> String {
    format!(
        "{verb} /api/notifications/otp/{id} HTTP/1.1\r\nHost: otpd\r\nAuthorization: Token {TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(4096) }
    }

    /// Sends a request, reads the response and panics unless its status is 200.
    async fn ask(&mut self, request: &str) {
        self.exchange(request).await;
        if !self.buffer.starts_with(b"HTTP/1.1 200 ") {
            panic!("{}", String::from_utf8_lossy(&self.buffer));
        }
    }

    /// Sends a request and reads the response.
    async fn exchange(&mut self, request: &str) {
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.buffer.clear();
        while !is_whole(&self.buffer) {
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.unwrap(), 0, "the server closed the connection");
        }
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let headers = str::from_utf8(&answer[..head]).unwrap().to_ascii_lowercase();
    let length = headers.split("content-length:").nth(1).unwrap().lines().next().unwrap().trim().parse::<usize>();
    answer.len() >= head + 4 + length.unwrap()
}
