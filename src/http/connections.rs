//! Closes idle connections. actix limits the time until the first request head and between requests. It does not limit
//! clients that send a later head slowly or never read the response.

use std::any::Any;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::Extensions;
use actix_web::{HttpRequest, HttpResponse};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// How long a shutdown waits for requests in progress, in seconds.
pub(super) const SHUTDOWN_SECONDS: u64 = 10;
/// How long a connection may exist without a completed request. Longer than `KEEP_ALIVE`, so that only stuck
/// connections are affected.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(80);
/// How long a connection stays open after its last response, so that the client can read it.
const LINGER: Duration = Duration::from_secs(1);
/// The maximum number of connections in [`Busy::drain_before_close`] at the same time.
const MAX_DRAINING: usize = 64;

/// The open connections of one server.
#[derive(Clone)]
pub(super) struct Connections {
    started: Instant,
    open: Arc<Mutex<Vec<Weak<Connection>>>>,
    draining: Arc<Semaphore>,
}

/// An open connection, stored in actix's connection data.
struct Connection {
    /// A duplicate of the socket, which can shut it down while actix owns the original.
    socket: TcpStream,
    /// The number of requests in progress.
    busy: AtomicU32,
    /// When the last request ended, in milliseconds since the start of the server.
    last: AtomicU64,
    started: Instant,
    draining: Arc<Semaphore>,
}

/// A request in progress, until this value is dropped.
pub(super) struct Busy(Arc<Connection>);

impl Connections {
    /// Starts a task that closes connections without a request for `idle`. The task ends with the server.
    pub(super) fn watched(idle: Duration) -> Self {
        let draining = Arc::new(Semaphore::new(MAX_DRAINING));
        let connections = Self { started: Instant::now(), open: Arc::default(), draining };
        let open = Arc::downgrade(&connections.open);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(idle / 4).await;
                let Some(open) = open.upgrade() else { return };
                let mut open = open.lock();
                open.retain(|connection| connection.upgrade().inspect(|open| open.close_if_idle(idle)).is_some());
            }
        });
        connections
    }

    /// Registers a new connection. This is the callback for `HttpServer::on_connect`.
    pub(super) fn admit(&self, stream: &dyn Any, data: &mut Extensions) {
        let stream = stream.downcast_ref::<actix_web::rt::net::TcpStream>();
        let Some(socket) = stream.and_then(|stream| stream.as_fd().try_clone_to_owned().ok()) else { return };
        let connection = Arc::new(Connection {
            socket: socket.into(),
            busy: AtomicU32::new(0),
            last: AtomicU64::new(milliseconds(self.started)),
            started: self.started,
            draining: Arc::clone(&self.draining),
        });
        self.open.lock().push(Arc::downgrade(&connection));
        data.insert(connection);
    }
}

impl Connection {
    fn close_if_idle(&self, idle: Duration) {
        let since = Duration::from_millis(milliseconds(self.started).saturating_sub(self.last.load(Ordering::Relaxed)));
        if self.busy.load(Ordering::Relaxed) == 0 && since >= idle {
            // The socket may be closed already.
            let _ = self.socket.shutdown(Shutdown::Both);
        }
    }
}

impl Busy {
    /// Marks the connection of a request as busy.
    pub(super) fn with(request: &HttpRequest) -> Option<Self> {
        let connection = request.conn_data::<Arc<Connection>>()?;
        connection.busy.fetch_add(1, Ordering::Relaxed);
        Some(Self(Arc::clone(connection)))
    }
}

impl Busy {
    /// Writes a final response directly to the socket, after actix has dropped the request.
    pub(super) fn answer(&self, response: HttpResponse) {
        // The socket may be closed already.
        let _ = (&self.0.socket).write_all(&on_the_wire(response));
        let _ = self.0.socket.shutdown(Shutdown::Write);
        self.drain_before_close();
    }

    /// Keeps the connection open for [`LINGER`] although actix closes its handle. Closing a socket with unread input
    /// resets the connection, and the client may lose the response.
    pub(super) fn drain_before_close(&self) {
        let connection = Arc::clone(&self.0);
        if let Ok(permit) = Arc::clone(&connection.draining).try_acquire_owned()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                // actix has written the response after this delay.
                tokio::time::sleep(LINGER / 20).await;
                let _ = connection.socket.shutdown(Shutdown::Write);
                tokio::time::sleep(LINGER).await;
                drop((connection, permit));
            });
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.last.store(milliseconds(self.0.started), Ordering::Relaxed);
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serializes a response as HTTP/1.1.
fn on_the_wire(response: HttpResponse) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {}\r\nconnection: close\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    let body = response.into_body().try_into_bytes().unwrap_or_default();
    bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
