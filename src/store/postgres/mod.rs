//! The PostgreSQL engine, for installations that must survive the loss of a machine. Several otpd processes can use one
//! database.
//!
//! A change is one READ COMMITTED transaction. Rows that stand for a recipient, a key or a limit are locked
//! ([`Subject`]), so that the rules hold across processes. A transaction that fails before its COMMIT runs again; after
//! the COMMIT was sent, its outcome is unknown and it never runs again.

mod bulk;
mod clock;
mod error;
mod findings;
mod lease;
pub(in crate::store) mod lock;
mod migrations;
pub(in crate::store) mod parameters;
mod pool;
mod session;
mod tls;
mod transaction;
pub(in crate::store) mod url;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};

use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::store::db::Db;
use crate::store::finding::Finding;
use crate::store::list_permits::ListPermits;
use crate::store::options::Options;
pub(in crate::store) use crate::store::postgres::bulk::Bulk;
pub(in crate::store) use crate::store::postgres::lease::Lease;
pub use crate::store::postgres::lock::Subject;
use crate::store::postgres::pool::Pool;
pub(in crate::store) use crate::store::postgres::session::Session;
use crate::store::postgres::transaction::{look_up, read, write};
pub use crate::store::postgres::url::PostgresUrl;
use crate::store::probe::Probe;

/// Connections that may be in write transactions at the same time. More of them do not make more changes per second.
pub const WRITERS: u32 = 8;
/// The most reads, and the most changes, that may wait or run at once. Further ones fail as unavailable.
const QUEUE: usize = 1024;
/// How long a read may wait and run.
const READ: Duration = Duration::from_secs(4);
/// How long a change may wait and run, including repetitions.
const WRITE: Duration = Duration::from_secs(6);

/// A PostgreSQL database. Clones share the connections.
#[derive(Clone)]
pub(in crate::store) struct Postgres {
    pool: Arc<Pool>,
    readers: Permits,
    lists: Arc<ListPermits>,
    writers: Permits,
    lease: Arc<Lease>,
    probe: Arc<Probe>,
}

/// The permits of one kind of work.
#[derive(Clone)]
struct Permits {
    /// Work that waits or runs.
    places: Arc<Semaphore>,
    /// Work that runs.
    running: Arc<Semaphore>,
}

impl Permits {
    fn new(running: u32) -> Self {
        Self { places: Arc::new(Semaphore::new(QUEUE)), running: Arc::new(Semaphore::new(running as usize)) }
    }

    /// Runs blocking `work` on another thread once it has a permit, and waits at most `limit` for its end. The work keeps
    /// the permit until it ends. It gets its deadline, and it keeps its result itself, so that this function exists once
    /// in the program.
    async fn run(&self, limit: Duration, metrics: &Metrics, work: Box<dyn FnOnce(Instant) + Send>) -> Result<()> {
        let Ok(_place) = self.places.try_acquire() else {
            metrics.queue_refusals.inc();
            return Err(Error::unavailable("too many requests wait for the database"));
        };
        let begun = Instant::now();
        let deadline = begun + limit;
        let late = |_| Error::unavailable("the database did not answer in time");
        let outcome = async {
            let permit = Arc::clone(&self.running).acquire_owned().await.map_err(Error::internal)?;
            metrics.postgres.wait_seconds.observe(begun.elapsed().as_secs_f64());
            let work = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                work(deadline);
            });
            work.await.map_err(|_| Error::internal("a transaction panicked; the line above says where"))
        };
        tokio::time::timeout(limit, outcome).await.map_err(late)?
    }
}

impl Postgres {
    /// Connects to the database and brings its schema up to date.
    ///
    /// # Errors
    /// One sentence for the operator: which server, what is wrong, and what to do.
    pub(in crate::store) fn open(url: &PostgresUrl, options: &Options) -> Result<Self, String> {
        let pool = Pool::new(url, options.metrics.clone())?;
        // On a thread of its own, because this function may be called on an event loop.
        let migrated = std::thread::scope(|scope| scope.spawn(|| migrations::bring_up_to_date(&pool)).join());
        migrated.map_err(|_| "the migration of the schema panicked; the line above says where".to_owned())??;
        options.metrics.export_postgres();
        Ok(Self {
            pool: Arc::new(pool),
            readers: Permits::new(options.readers),
            lists: Arc::new(ListPermits::new(options.readers as usize)),
            writers: Permits::new(WRITERS),
            lease: Arc::default(),
            probe: Arc::default(),
        })
    }

    /// Runs `work` in a read transaction, which sees one snapshot.
    pub(in crate::store) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, outcome) = oneshot::channel();
        let pool = Arc::clone(&self.pool);
        // A caller that no longer waits needs no answer.
        let work = move |deadline| drop(answer.send(read(&pool, deadline, work)));
        self.readers.run(READ, self.pool.metrics(), Box::new(work)).await?;
        outcome.await.map_err(Error::internal)?
    }

    /// Runs `work` in a write transaction. It may run several times.
    pub(in crate::store) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, outcome) = oneshot::channel();
        let pool = Arc::clone(&self.pool);
        let work = move |deadline| drop(answer.send(write(&pool, deadline, &work)));
        self.writers.run(WRITE, self.pool.metrics(), Box::new(work)).await?;
        outcome.await.map_err(Error::internal)?
    }

    /// Runs `work` that reads a few rows by their keys. Each statement sees a snapshot of its own, which saves two round
    /// trips. It may run several times.
    pub(in crate::store) async fn look_up<T: Send + 'static>(
        &self,
        work: impl Fn(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, outcome) = oneshot::channel();
        let pool = Arc::clone(&self.pool);
        let work = move |deadline| drop(answer.send(look_up(&pool, deadline, &work)));
        self.readers.run(READ, self.pool.metrics(), Box::new(work)).await?;
        outcome.await.map_err(Error::internal)?
    }

    /// The same for lists. They never take all connections for reads.
    pub(in crate::store) async fn read_list<T: Send + 'static>(
        &self,
        token_id: i64,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let token = self.lists.of_token(token_id);
        let Ok(_place) = token.places.try_acquire() else {
            return Err(Error::unavailable("too many lists of this token wait for the database"));
        };
        let permits = async { (token.readers.acquire().await, self.lists.all.acquire().await) };
        let late = |_| Error::unavailable("no reader was free in time");
        let _permits = tokio::time::timeout(READ, permits).await.map_err(late)?;
        self.read(work).await
    }

    /// Runs `work` in a write transaction, if this process has the right to deliver messages until its end.
    pub(in crate::store) async fn write_as_deliverer<T: Send + 'static>(
        &self,
        work: impl Fn(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let lease = Arc::clone(&self.lease);
        self.write(move |db| lease.require(db).and_then(|()| work(db))).await
    }

    /// Checks that the database can be read and changed, and that its schema is known, with at most one change per
    /// second. After a COMMIT of unknown outcome, the check changes a row.
    pub(in crate::store) async fn check(&self) -> Result<()> {
        self.pool.require_open()?;
        self.read(migrations::require_known).await?;
        let write = |is_real| self.write(move |db| if is_real { lease::touch(db) } else { Ok(()) });
        self.probe.check(self.pool.last(), write).await
    }

    /// Takes the right to deliver messages. Returns whether this process has it.
    pub(in crate::store) async fn take_outbox(&self) -> Result<bool> {
        let lease = Arc::clone(&self.lease);
        self.write(move |db| lease.take(db)).await
    }

    /// Renews the right to deliver messages. Returns whether this process has it.
    pub(in crate::store) async fn renew_outbox(&self) -> Result<bool> {
        let lease = Arc::clone(&self.lease);
        self.write(move |db| lease.renew(db)).await
    }

    /// Gives up the right to deliver messages.
    pub(in crate::store) async fn release_outbox(&self) -> Result<()> {
        let lease = Arc::clone(&self.lease);
        self.write(move |db| lease.release(db)).await
    }

    /// The time on the clock of the server.
    pub(in crate::store) fn server_time(&self) -> Option<Timestamp> {
        Timestamp::from_micros(self.pool.clock().now())
    }

    /// What an operator should know about the server.
    pub(in crate::store) async fn findings(&self) -> Vec<(String, Finding)> {
        let url = self.pool.url().clone();
        let offset = self.pool.clock().offset();
        match self.read(move |db| findings::read(db, &url, offset)).await {
            Ok(findings) => findings,
            Err(error) => vec![("database".to_owned(), Finding::Problem(error.to_string()))],
        }
    }

    /// The size of the database, in bytes.
    pub(in crate::store) async fn database_bytes(&self) -> Result<i64> {
        self.read(|db| db.one("SELECT pg_database_size(current_database()) AS bytes", &[], |row| row.get("bytes")))
            .await
    }

    /// Closes the connections.
    pub(in crate::store) fn close(&self) {
        self.pool.close();
    }
}

#[cfg(test)]
mod tests;
