//! Opens connections.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rand::TryRng;
use rand::rngs::SysRng;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::store::db::Db;
use crate::store::postgres::clock::server_now;
use crate::store::postgres::error::words;
use crate::store::postgres::session::Session;
use crate::store::postgres::tls;
use crate::store::postgres::url::{Host, HostName, PostgresUrl};

/// The longest wait for an answer to a request to cancel a statement.
const CANCEL: Duration = Duration::from_millis(500);

/// Opens connections to the servers of a URL.
pub(super) struct Connector {
    url: PostgresUrl,
    tls: Option<MakeRustlsConnect>,
    /// Counts the connections, for their slots. It begins at a random number, so that processes use different slots.
    opened: AtomicU64,
    /// The threads that ask servers to cancel statements.
    cancels: Mutex<Vec<JoinHandle<()>>>,
}

/// A host of the URL with one of its addresses.
pub(super) struct Server<'a> {
    host: &'a Host,
    /// `None`: a Unix socket.
    address: Option<IpAddr>,
}

impl<'a> Server<'a> {
    /// The servers of a host: its name may have several addresses, such as one of the primary and one of a standby.
    ///
    /// # Errors
    /// The name can't be resolved.
    pub(super) fn all_of(host: &'a Host, limit: Duration) -> Result<Vec<Self>, String> {
        let HostName::Tcp(name) = &host.name else { return Ok(vec![Self { host, address: None }]) };
        let runtime = new_runtime()?;
        let look_up = async { tokio::time::timeout(limit, tokio::net::lookup_host((name.as_str(), host.port))).await };
        let found = runtime.block_on(look_up).map(|found| found.map(Iterator::collect::<Vec<_>>));
        // The look-up may still run. It must not be waited for.
        runtime.shutdown_background();
        match found {
            Ok(Ok(found)) => Ok(found.iter().map(|one| Self { host, address: Some(one.ip()) }).collect()),
            Ok(Err(cause)) => Err(cause.to_string()),
            Err(_) => Err("its name was not resolved in time".to_owned()),
        }
    }

    /// The host as in the URL, and its address if that is a different text.
    pub(super) fn shown(&self) -> String {
        match (&self.host.name, self.address) {
            (HostName::Tcp(name), Some(address)) if *name != address.to_string() => {
                format!("{} ({address})", self.host.shown())
            }
            _ => self.host.shown(),
        }
    }
}

fn new_runtime() -> Result<Runtime, String> {
    Builder::new_current_thread().enable_all().build().map_err(|cause| cause.to_string())
}

impl Connector {
    /// # Errors
    /// The certificates of sslrootcert can't be read.
    pub(super) fn new(url: &PostgresUrl) -> Result<Self, String> {
        let uses_tls = url.hosts.iter().any(|host| host.uses_tls);
        let tls = uses_tls.then(|| tls::config(url.root_certificate.as_deref())).transpose()?;
        let opened = AtomicU64::new(SysRng.try_next_u32().unwrap_or(0).into());
        Ok(Self { url: url.clone(), tls: tls.map(MakeRustlsConnect::new), opened, cancels: Mutex::default() })
    }

    pub(super) fn url(&self) -> &PostgresUrl {
        &self.url
    }

    /// Connects to a server. Returns the connection and the time of the server.
    ///
    /// # Errors
    /// The server is not reachable, refuses the user, or does not accept changes.
    pub(super) fn connect(
        &self,
        server: &Server<'_>,
        generation: u64,
        limit: Duration,
    ) -> Result<(Session, i64), String> {
        let session = match self.tls.as_ref().filter(|_| server.host.uses_tls) {
            Some(tls) => self.log_in(&self.config(server, SslMode::Require), tls.clone(), generation, limit)?,
            None => self.log_in(&self.config(server, SslMode::Disable), NoTls, generation, limit)?,
        };
        session.start(Instant::now() + limit, limit);
        let sql = concat!(
            "SELECT CASE WHEN pg_is_in_recovery() THEN 'it is a standby'
                         WHEN current_setting('transaction_read_only') = 'on' THEN 'default_transaction_read_only is on'
                     END AS refusal,
                    current_setting('synchronous_commit') = 'remote_apply' AS waits_for_apply, ",
            server_now!(),
            " AS now"
        );
        let state = |db: &Db| {
            db.one(sql, &[], |row| {
                Ok((row.get::<Option<String>>("refusal")?, row.get("waits_for_apply")?, row.get("now")?))
            })
        };
        match state(&Db::postgres(&session)) {
            Ok((None, waits_for_apply, now)) => {
                session.waits_for_apply.set(waits_for_apply);
                Ok((session, now))
            }
            Ok((Some(refusal), ..)) => Err(refusal),
            Err(error) => Err(error.to_string()),
        }
    }

    fn log_in<T: MakeTlsConnect<Socket, Stream: Send + 'static>>(
        &self,
        config: &Config,
        tls: T,
        generation: u64,
        limit: Duration,
    ) -> Result<Session, String> {
        let runtime = new_runtime()?;
        let slot = self.opened.fetch_add(1, Ordering::Relaxed);
        let connect = async { tokio::time::timeout(limit, config.connect(tls)).await };
        match runtime.block_on(connect) {
            Ok(Ok((client, connection))) => Ok(Session::new(runtime, client, connection, generation, slot)),
            Ok(Err(cause)) => Err(words(&cause)),
            Err(_) => Err("it did not answer in time".to_owned()),
        }
    }

    fn config(&self, server: &Server<'_>, mode: SslMode) -> Config {
        let mut config = Config::new();
        match &server.host.name {
            HostName::Tcp(name) => config.host(name),
            HostName::Socket(folder) => config.host_path(folder),
        };
        if let Some(address) = server.address {
            config.hostaddr(address);
        }
        let PostgresUrl { user, database, application_name, .. } = &self.url;
        config.port(server.host.port).user(user).dbname(database).application_name(application_name);
        config.keepalives_idle(Duration::from_secs(10)).ssl_mode(mode);
        if let Some(password) = &self.url.password {
            config.password(password.reveal());
        }
        config
    }

    /// Asks the server to cancel the running statement of a connection, which is not used afterwards. Otherwise, the server
    /// would keep the connection until the end of the statement. Does not wait for the server.
    pub(super) fn cancel(&self, session: &Session) {
        let (token, tls) = (session.cancel_token(), self.tls.clone());
        let cancel = move || {
            let Ok(runtime) = new_runtime() else { return };
            let request = async {
                match tls {
                    Some(tls) => token.cancel_query(tls).await,
                    None => token.cancel_query(NoTls).await,
                }
            };
            // If the server does not answer, there is nothing to cancel.
            drop(runtime.block_on(async { tokio::time::timeout(CANCEL, request).await }));
            runtime.shutdown_background();
        };
        let mut cancels = self.cancels.lock();
        cancels.retain(|thread| !thread.is_finished());
        // Without a thread, the statement ends by itself.
        cancels.extend(thread::Builder::new().name("cancel".to_owned()).spawn(cancel));
    }

    /// Waits until all requests to cancel a statement are sent, for the end of the process.
    pub(super) fn finish_cancels(&self) {
        let cancels = std::mem::take(&mut *self.cancels.lock());
        // A panic was logged.
        cancels.into_iter().for_each(|thread| drop(thread.join()));
    }
}
