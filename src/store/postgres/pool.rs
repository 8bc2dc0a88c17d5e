//! The connections to PostgreSQL. A connection is opened when work needs one, and kept for the next work.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::store::db::Db;
use crate::store::last_transaction::LastTransaction;
use crate::store::postgres::clock::{ServerClock, server_now};
use crate::store::postgres::error::words;
use crate::store::postgres::session::Session;
use crate::store::postgres::tls;
use crate::store::postgres::url::{Host, HostName, PostgresUrl};

/// The longest wait for a connection to one host, including its start-up and TLS.
const CONNECT: Duration = Duration::from_secs(1);

/// The connections of one process.
pub(super) struct Pool {
    url: PostgresUrl,
    tls: Option<MakeRustlsConnect>,
    idle: Mutex<Vec<Session>>,
    /// Counts how often all connections were dropped. Older connections are not used again.
    generation: AtomicU64,
    /// The host that is tried first.
    first_host: AtomicUsize,
    /// The index of the host whose clock is used: that of the newest connection.
    clock_host: AtomicUsize,
    /// Counts the connections, for their slots.
    opened: AtomicU64,
    clock: ServerClock,
    last: LastTransaction,
    is_closed: AtomicBool,
    metrics: Metrics,
}

impl Pool {
    /// # Errors
    /// The certificates of sslrootcert can't be read.
    pub(super) fn new(url: &PostgresUrl, metrics: Metrics) -> Result<Self, String> {
        let uses_tls = url.hosts.iter().any(|host| host.uses_tls);
        let tls = uses_tls.then(|| tls::config(url.root_certificate.as_deref())).transpose()?;
        Ok(Self {
            url: url.clone(),
            tls: tls.map(MakeRustlsConnect::new),
            idle: Mutex::default(),
            generation: AtomicU64::new(0),
            first_host: AtomicUsize::new(0),
            clock_host: AtomicUsize::new(usize::MAX),
            opened: AtomicU64::new(0),
            clock: ServerClock::new(metrics.postgres.clock_offset.clone()),
            last: LastTransaction::default(),
            is_closed: AtomicBool::new(false),
            metrics,
        })
    }

    pub(super) fn url(&self) -> &PostgresUrl {
        &self.url
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

    /// Whether a connection was opened since all connections were dropped last.
    pub(super) fn is_present(&self, session: &Session) -> bool {
        session.generation == self.generation()
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Opens a connection to the first host that accepts changes, beginning with the one that last did.
    pub(super) fn connect(&self, deadline: Instant) -> Result<Session> {
        let (hosts, first) = (&self.url.hosts, self.first_host.load(Ordering::Relaxed));
        let mut causes = Vec::new();
        for n in 0..hosts.len() {
            let index = (first + n) % hosts.len();
            let Some(host) = hosts.get(index) else { continue };
            let limit = CONNECT.min(deadline.saturating_duration_since(Instant::now()));
            match self.connect_to(host, limit) {
                Ok((session, now)) => {
                    self.first_host.store(index, Ordering::Relaxed);
                    if self.clock_host.swap(index, Ordering::Relaxed) == index {
                        self.clock.compare(now, Instant::now());
                    } else {
                        self.clock.restart(now);
                    }
                    self.metrics.postgres.connects.inc();
                    return Ok(session);
                }
                Err(cause) => causes.push(format!("{}: {cause}", host.shown())),
            }
        }
        Err(Error::unavailable(format!("no PostgreSQL server accepts changes ({})", causes.join("; "))))
    }

    /// Connects to a host. Returns the connection and the time of the server.
    fn connect_to(&self, host: &Host, limit: Duration) -> Result<(Session, i64), String> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|cause| cause.to_string())?;
        let session = self.log_in(runtime, host, limit)?;
        session.start(Instant::now() + limit, limit);
        let sql = concat!(
            "SELECT current_setting('transaction_read_only') = 'on' OR pg_is_in_recovery() AS is_standby,
                    current_setting('synchronous_commit') = 'remote_apply' AS waits_for_apply, ",
            server_now!(),
            " AS now"
        );
        let state = |db: &Db| {
            db.one(sql, &[], |row| Ok((row.get("is_standby")?, row.get("waits_for_apply")?, row.get("now")?)))
        };
        match state(&Db::postgres(&session)) {
            Ok((false, waits_for_apply, now)) => {
                session.set_waits_for_apply(waits_for_apply);
                Ok((session, now))
            }
            Ok((true, ..)) => Err("it does not accept changes".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn log_in(&self, runtime: Runtime, host: &Host, limit: Duration) -> Result<Session, String> {
        match self.tls.as_ref().filter(|_| host.uses_tls) {
            Some(tls) => self.log_in_with(runtime, tls.clone(), &self.config(host, SslMode::Require), limit),
            None => self.log_in_with(runtime, NoTls, &self.config(host, SslMode::Disable), limit),
        }
    }

    fn log_in_with<T: MakeTlsConnect<Socket, Stream: Send + 'static>>(
        &self,
        runtime: Runtime,
        tls: T,
        config: &Config,
        limit: Duration,
    ) -> Result<Session, String> {
        let (generation, slot) = (self.generation(), self.opened.fetch_add(1, Ordering::Relaxed));
        let connect = async { tokio::time::timeout(limit, config.connect(tls)).await };
        let cause = match runtime.block_on(connect) {
            Ok(Ok((client, connection))) => return Ok(Session::new(runtime, client, connection, generation, slot)),
            Ok(Err(cause)) => words(&cause),
            Err(_) => "it did not answer in time".to_owned(),
        };
        // A look-up of the host name may still run. It must not be waited for.
        runtime.shutdown_background();
        Err(cause)
    }

    fn config(&self, host: &Host, mode: SslMode) -> Config {
        let mut config = Config::new();
        match &host.name {
            HostName::Tcp(name) => config.host(name),
            HostName::Socket(folder) => config.host_path(folder),
        };
        let PostgresUrl { user, database, application_name, .. } = &self.url;
        config.port(host.port).user(user).dbname(database).application_name(application_name);
        config.keepalives_idle(Duration::from_secs(10)).ssl_mode(mode);
        if let Some(password) = &self.url.password {
            config.password(password.reveal());
        }
        config
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

    pub(super) fn note_commit(&self, took: Duration) {
        self.last.note(true);
        self.metrics.batch_size.observe(1.0);
        self.metrics.commit_seconds.observe(took.as_secs_f64());
    }

    /// Counts a COMMIT of unknown outcome, and ends its wait for a standby, so that the server gets its connection back.
    pub(super) fn note_unknown_commit(&self, session: &Session) {
        self.last.note(false);
        self.metrics.postgres.unknown_commits.inc();
        session.cancel(self.tls.as_ref());
    }

    /// Closes the idle connections and refuses further changes.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.last.set(None);
        self.idle.lock().clear();
    }
}
