//! The connections to PostgreSQL. A connection is opened when work needs one, and kept for the next work.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::store::last_transaction::LastTransaction;
use crate::store::postgres::clock::ServerClock;
use crate::store::postgres::connector::{Connector, Server};
use crate::store::postgres::session::Session;
use crate::store::postgres::url::PostgresUrl;

/// Connections that may be in write transactions at the same time, one of them for the right to deliver messages. More of
/// them do not make more changes per second.
pub(in crate::store) const WRITERS: u32 = 17;
/// The longest wait for a connection to one server, including its start-up and TLS.
const CONNECT: Duration = Duration::from_secs(1);

/// The connections of one process.
pub(super) struct Pool {
    connector: Connector,
    idle: Mutex<Vec<Session>>,
    /// Counts how often all connections were dropped. Older connections are not used again.
    generation: AtomicU64,
    /// The host that is tried first.
    first_host: AtomicUsize,
    /// The server of the newest connection. Its clock is used.
    clock_server: Mutex<Option<String>>,
    clock: ServerClock,
    last: LastTransaction,
    is_closed: AtomicBool,
    metrics: Metrics,
}

impl Pool {
    /// # Errors
    /// The certificates of sslrootcert can't be read.
    pub(super) fn new(url: &PostgresUrl, metrics: Metrics) -> Result<Self, String> {
        Ok(Self {
            connector: Connector::new(url)?,
            idle: Mutex::default(),
            generation: AtomicU64::new(0),
            first_host: AtomicUsize::new(0),
            clock_server: Mutex::default(),
            clock: ServerClock::new(metrics.postgres.clock_offset.clone()),
            last: LastTransaction::default(),
            is_closed: AtomicBool::new(false),
            metrics,
        })
    }

    pub(super) fn url(&self) -> &PostgresUrl {
        self.connector.url()
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns an idle connection that works, or opens one.
    pub(super) fn take(&self, deadline: Instant) -> Result<Session> {
        loop {
            let idle = self.idle.lock().pop();
            match idle {
                Some(session) if session.works(deadline) => return Ok(session),
                Some(session) => self.discard_all(session.generation),
                None => return self.connect(deadline),
            }
        }
    }

    /// Keeps a connection for the next work, unless all connections were dropped meanwhile.
    pub(super) fn put_back(&self, session: Session) {
        let mut idle = self.idle.lock();
        if self.is_present(&session) && !self.is_closed.load(Ordering::Acquire) {
            idle.push(session);
        }
    }

    /// Drops all connections of a generation.
    pub(super) fn discard_all(&self, generation: u64) {
        let mut idle = self.idle.lock();
        if generation == self.generation() {
            self.generation.fetch_add(1, Ordering::AcqRel);
            idle.clear();
            // Another host is tried first, because a host that does not answer costs a second.
            self.first_host.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether a connection is newer than the last call of [`Pool::discard_all`].
    pub(super) fn is_present(&self, session: &Session) -> bool {
        session.generation == self.generation()
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Opens a connection to the first server that accepts changes, beginning with the host that last did. All addresses
    /// of a host are tried.
    pub(super) fn connect(&self, deadline: Instant) -> Result<Session> {
        let (hosts, first) = (&self.connector.url().hosts, self.first_host.load(Ordering::Relaxed));
        let limit = || CONNECT.min(deadline.saturating_duration_since(Instant::now()));
        let mut causes = Vec::new();
        for n in 0..hosts.len() {
            let index = (first + n) % hosts.len();
            let Some(host) = hosts.get(index) else { continue };
            let servers = match Server::all_of(host, limit()) {
                Ok(servers) => servers,
                Err(cause) => {
                    causes.push(format!("{}: {cause}", host.shown()));
                    continue;
                }
            };
            for server in servers {
                match self.connector.connect(&server, self.generation(), limit()) {
                    Ok((session, now)) => {
                        self.first_host.store(index, Ordering::Relaxed);
                        self.note_connection(&server, now);
                        return Ok(session);
                    }
                    Err(cause) => causes.push(format!("{}: {cause}", server.shown())),
                }
            }
        }
        Err(Error::unavailable(format!("no PostgreSQL server accepts changes ({})", causes.join("; "))))
    }

    fn note_connection(&self, server: &Server<'_>, now: i64) {
        let last = self.clock_server.lock().replace(server.shown());
        if last.as_ref().is_some_and(|last| *last == server.shown()) {
            self.clock.compare(now, Instant::now());
        } else {
            self.clock.restart(now);
        }
        if let Some(last) = last.filter(|last| *last != server.shown()) {
            log::info!("PostgreSQL: the server is now {}; before, it was {last}", server.shown());
        }
        self.metrics.postgres.connects.inc();
    }

    pub(super) fn clock(&self) -> &ServerClock {
        &self.clock
    }

    /// The outcome of the last change.
    pub(super) fn last(&self) -> &LastTransaction {
        &self.last
    }

    /// Requires that changes are still accepted.
    pub(super) fn require_open(&self) -> Result<()> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Error::unavailable("the connections to PostgreSQL are closed"));
        }
        Ok(())
    }

    /// Counts a COMMIT. Only one with changes shows that the standbys confirm them.
    pub(super) fn note_commit(&self, took: Duration, has_changes: bool) {
        if has_changes {
            self.last.note(true);
        }
        self.metrics.batch_size.observe(1.0);
        self.metrics.commit_seconds.observe(took.as_secs_f64());
    }

    /// Counts a COMMIT of unknown outcome, and ends its wait for a standby, so that the server gets its connection back.
    pub(super) fn note_unknown_commit(&self, session: &Session) {
        self.last.note(false);
        self.metrics.postgres.unknown_commits.inc();
        self.cancel(session);
    }

    /// Asks the server to end a statement that has no limit there.
    pub(super) fn cancel(&self, session: &Session) {
        self.connector.cancel(session);
    }

    /// Closes the idle connections and refuses further changes.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.last.set(None);
        self.idle.lock().clear();
        self.connector.finish_cancels();
    }
}
