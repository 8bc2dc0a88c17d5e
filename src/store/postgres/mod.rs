//! The PostgreSQL engine, for installations that must survive the loss of a machine. Several otpd processes can use one
//! database.
//!
//! A change is one READ COMMITTED transaction. Rows that stand for a recipient, a key or a limit are locked
//! ([`Subject`]), so that the rules hold across processes. A transaction that fails before its COMMIT runs again; after
//! the COMMIT was sent, its outcome is unknown and it never runs again.

mod bulk;
pub(in crate::store) mod clock;
mod connector;
mod error;
mod findings;
mod lease;
pub(in crate::store) mod lock;
mod migrations;
pub(in crate::store) mod parameters;
mod pool;
pub(in crate::store) mod session;
mod tls;
mod token_look_ups;
mod transaction;
pub(in crate::store) mod url;
mod work_queue;

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;

use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenHash;
use crate::error::{Error, Result};
use crate::store::db::Db;
use crate::store::finding::Finding;
use crate::store::list_permits::ListPermits;
use crate::store::options::Options;
pub(in crate::store) use crate::store::postgres::bulk::Bulk;
pub(in crate::store) use crate::store::postgres::lease::Lease;
pub use crate::store::postgres::lock::Subject;
use crate::store::postgres::pool::Pool;
pub(in crate::store) use crate::store::postgres::pool::WRITERS;
use crate::store::postgres::token_look_ups::TokenLookUps;
use crate::store::postgres::transaction::{look_up, read, write};
pub use crate::store::postgres::url::PostgresUrl;
use crate::store::postgres::work_queue::{READ_LIMIT, WRITE_LIMIT, WorkQueue};
use crate::store::probe::Probe;
use crate::store::tables::tokens::TokenWithPermissions;

/// A PostgreSQL database. Clones share the connections.
#[derive(Clone)]
pub(in crate::store) struct Postgres {
    pool: Arc<Pool>,
    readers: WorkQueue,
    token_look_ups: TokenLookUps,
    lists: Arc<ListPermits>,
    writers: WorkQueue,
    /// For the right to deliver messages. The right must not be lost because many changes wait.
    outbox: WorkQueue,
    lease: Arc<Lease>,
    probe: Arc<Probe>,
}

impl Postgres {
    /// Connects to the database and brings its schema up to date.
    ///
    /// # Errors
    /// One sentence for the operator: which server, what is wrong, and what to do.
    pub(in crate::store) fn open(url: &PostgresUrl, options: &Options) -> Result<Self, String> {
        let pool = Pool::new(url, options.metrics.clone())?;
        // On a thread of its own, because this function may be called on an event loop.
        let prepare = || {
            migrations::bring_up_to_date(&pool, options.create)?;
            if options.serves { warn_of_other_engine(&pool) } else { Ok(()) }
        };
        let migrated = std::thread::scope(|scope| scope.spawn(prepare).join());
        migrated.map_err(|_| "the migration of the schema panicked; the log contains the location".to_owned())??;
        options.metrics.export_postgres();
        let (pool, metrics) = (Arc::new(pool), &options.metrics);
        let queue = |threads, limit| WorkQueue::new(threads, limit, &metrics.postgres.wait_seconds);
        let readers = queue(options.readers, READ_LIMIT);
        Ok(Self {
            token_look_ups: TokenLookUps::new(&pool, &readers),
            pool,
            readers,
            lists: Arc::new(ListPermits::new(options.readers as usize)),
            writers: queue(WRITERS - 1, WRITE_LIMIT).counting(&metrics.queue_refusals),
            outbox: queue(1, WRITE_LIMIT),
            lease: Arc::default(),
            probe: Arc::default(),
        })
    }

    /// Runs `work` with the connections on a thread of `queue`, and returns its result. `work` receives its deadline.
    async fn run<T: Send + 'static>(
        &self,
        queue: &WorkQueue,
        work: impl FnOnce(&Pool, Instant) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let pool = Arc::clone(&self.pool);
        queue.run(move |deadline| work(&pool, deadline)).await
    }

    /// Runs `work` in a read transaction, which sees one snapshot.
    pub(in crate::store) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.readers, move |pool, deadline| read(pool, deadline, work)).await
    }

    /// Runs `work` in a write transaction. It may run several times.
    pub(in crate::store) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.writers, move |pool, deadline| write(pool, deadline, &work)).await
    }

    /// Runs `work` that reads a few rows by their keys. It runs outside a transaction, which saves two round trips, so each
    /// statement sees a snapshot of its own. It may run several times.
    pub(in crate::store) async fn look_up<T: Send + 'static>(
        &self,
        work: impl Fn(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.readers, move |pool, deadline| look_up(pool, deadline, &work)).await
    }

    /// Returns the token with this hash, its user and the permissions of the user, in a look-up that concurrent requests
    /// share.
    pub(in crate::store) async fn find_token(&self, hash: TokenHash) -> Result<Option<TokenWithPermissions>> {
        self.token_look_ups.find(hash).await
    }

    /// The same as [`Postgres::read`] for lists. They never take all connections for reads.
    pub(in crate::store) async fn read_list<T: Send + 'static>(
        &self,
        token_id: i64,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let token = self.lists.of_token(token_id);
        let Ok(_place) = token.places.try_acquire() else {
            return Err(Error::unavailable("too many lists of this token wait for the database"));
        };
        let permit = |kind: &Arc<Semaphore>| Arc::clone(kind).acquire_owned();
        let permits = async { (permit(&token.readers).await, permit(&self.lists.all).await) };
        let late = |_| Error::unavailable("no reader was free in time");
        let permits = tokio::time::timeout(READ_LIMIT, permits).await.map_err(late)?;
        // They are held until the list ends, even if the request is cancelled.
        self.read(move |db| {
            let _permits = permits;
            work(db)
        })
        .await
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
    /// second.
    pub(in crate::store) async fn check(&self) -> Result<()> {
        self.pool.require_open()?;
        self.read(migrations::require_known).await?;
        // Only a change shows that the standbys confirm changes.
        self.probe.check(self.pool.last(), || self.write(lease::touch)).await
    }

    /// Takes the right to deliver messages. Returns whether this process has it.
    pub(in crate::store) async fn take_outbox(&self) -> Result<bool> {
        let lease = Arc::clone(&self.lease);
        self.run(&self.outbox, move |pool, deadline| write(pool, deadline, &|db: &Db| lease.take(db))).await
    }

    /// Renews the right to deliver messages. Returns whether this process has it.
    pub(in crate::store) async fn renew_outbox(&self) -> Result<bool> {
        let lease = Arc::clone(&self.lease);
        self.run(&self.outbox, move |pool, deadline| write(pool, deadline, &|db: &Db| lease.renew(db))).await
    }

    /// Gives up the right to deliver messages.
    pub(in crate::store) async fn release_outbox(&self) -> Result<()> {
        let lease = Arc::clone(&self.lease);
        self.run(&self.outbox, move |pool, deadline| write(pool, deadline, &|db: &Db| lease.release(db))).await
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

fn warn_of_other_engine(pool: &Pool) -> Result<(), String> {
    let warn = |db: &Db| findings::warn_of_other_engine(db, pool.url());
    look_up(pool, Instant::now() + READ_LIMIT, &warn)
        .map_err(|error| format!("database {}: {error}", pool.url().shown()))
}

#[cfg(test)]
mod tests;
