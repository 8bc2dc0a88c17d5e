//! SQLite, and the only room with SQL: [`Store::read`] and [`Store::write`] are the two ways in, a file a table beside them.
//!
//! Parameters are written `$1`, `$2`, which other engines understand too, and first appear in that order: to SQLite they
//! are names, numbered as they come.

mod backup;
mod checkpoint;
mod draft;
mod error;
pub mod idempotency_keys;
pub mod inbox;
pub mod limit_events;
pub mod message_attempts;
pub mod messages;
mod migrations;
mod open;
pub mod otp_list;
mod otp_row;
pub mod otps;
mod outbox_lock;
mod path;
pub mod recipients;
mod row;
pub mod tokens;
pub mod users;
mod writer;

use std::ffi::c_int;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use r2d2_sqlite::SqliteConnectionManager;
use tokio::sync::Semaphore;

pub use crate::store::backup::{Contents, backup, restore};
pub use crate::store::error::is_damaged_row;
pub use crate::store::open::OpenError;
pub use crate::store::outbox_lock::OutboxLock;
pub use crate::store::path::folder_of;

use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::store::checkpoint::Checkpoints;
use crate::store::path::beside;
use crate::store::writer::Writer;

/// What the functions of the table files take: a connection that is inside a transaction where they write.
pub type Db = rusqlite::Connection;

/// How long a request waits for a reader before it is told to come back.
const READER_WAIT: Duration = Duration::from_secs(2);
/// How long one visit to a reader may take.
const READ_DEADLINE: Duration = Duration::from_secs(2);
/// Visits that may wait for a reader; one more is told to come back.
const READ_QUEUE: usize = 1024;
/// Steps of SQLite's machine (some microseconds) between two looks at the clock.
const STEPS_BETWEEN_LOOKS: c_int = 1000;

/// How a database is opened.
pub struct Options {
    /// Connections for reading.
    pub readers: u32,
    /// Whether a database is made (mode 0600) where there is none.
    pub create: bool,
    /// Whether this process moves the WAL into the database (`database.checkpoints`).
    pub checkpoints: bool,
    /// KiB of the WAL between two checkpoints (`database.checkpoint_kib`).
    pub checkpoint_kib: u32,
    pub metrics: Metrics,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4, create: true, checkpoints: true, checkpoint_kib: 16 * 1024, metrics: Metrics::new() }
    }
}

/// An open database: a pool of readers, and the one writer. Clones share both.
#[derive(Clone)]
pub struct Store {
    path: PathBuf,
    readers: r2d2::Pool<SqliteConnectionManager>,
    visits: Arc<Semaphore>,
    writer: Arc<Writer>,
    metrics: Metrics,
}

impl Store {
    /// Opens the database at `path` and brings its schema up to date.
    ///
    /// # Errors
    /// One sentence for the operator: what is wrong with which file, and what to do.
    pub fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let connection = open::writer(path, options.create)?;
        let readers = open::readers(path, options.readers, READER_WAIT)?;
        let metrics = options.metrics.clone();
        let checkpoints =
            Checkpoints::new(&connection, options, metrics.clone()).map_err(|cause| OpenError::sqlite(path, &cause))?;
        let writer = Writer::start(connection, checkpoints, metrics.clone())
            .map_err(|cause| OpenError::new(path, cause.to_string()))?;
        let visits = Arc::new(Semaphore::new(READ_QUEUE));
        Ok(Self { path: path.to_owned(), readers, visits, writer: Arc::new(writer), metrics })
    }

    /// Runs `work` on a reader, off the event loop. It sees everything committed before it began, and nothing of what is
    /// committed while it runs. Past two seconds of waiting or two of work it is unavailable.
    pub async fn read<T: Send + 'static>(&self, work: impl FnOnce(&Db) -> Result<T> + Send + 'static) -> Result<T> {
        let place = Arc::clone(&self.visits)
            .try_acquire_owned()
            .map_err(|_| Error::unavailable("too many requests wait for a reader"))?;
        let (readers, asked) = (self.readers.clone(), Instant::now());
        let visit = tokio::task::spawn_blocking(move || {
            let _place = place;
            // Nobody waits any more for what has waited so long for a thread.
            let wait = READER_WAIT
                .checked_sub(asked.elapsed())
                .ok_or_else(|| Error::unavailable("no reader was free in time"))?;
            let reader = readers.get_timeout(wait).map_err(Error::unavailable)?;
            let visit = Visit::begin(&reader)?;
            work(visit.0)
        });
        match tokio::time::timeout(READER_WAIT + READ_DEADLINE, visit).await {
            Ok(outcome) => outcome.unwrap_or_else(|panicked| Err(Error::internal(panicked))),
            Err(_) => Err(Error::unavailable("no reader was free in time")),
        }
    }

    /// Runs `work` inside a write transaction and answers once it is on the disk. An `Err` takes back what this `work`
    /// changed, and only that. `work` may run again when the disk was full for another member of its transaction: it
    /// keeps no state of its own.
    pub async fn write<T: Send + 'static>(&self, work: impl Fn(&Db) -> Result<T> + Send + 'static) -> Result<T> {
        self.writer.write(work).await
    }

    /// Whether a read and a write connection work and the schema is the one that this program knows.
    pub async fn check(&self) -> Result<()> {
        let readers = self.read(|db| migrations::require_current(db).and_then(|()| otps::touch(db)));
        tokio::try_join!(readers, self.writer.check()).map(drop)
    }

    /// Brings statistics up to date and moves the WAL into the database.
    pub async fn tidy(&self) -> Result<()> {
        self.writer.tidy().await
    }

    /// What is counted while the program runs.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The metrics, with the sizes of this moment in them.
    pub async fn measure(&self) -> Result<&Metrics> {
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.metrics.database_bytes.set(bytes(self.file_bytes("")));
        self.metrics.wal_bytes.set(bytes(self.wal_bytes()));
        let (codes, open) = self.read(|db| Ok((otp_list::total(db)?, messages::count_open(db)?))).await?;
        self.metrics.codes.set(codes);
        self.metrics.outbox.set(open);
        Ok(&self.metrics)
    }

    /// The size of the WAL.
    pub fn wal_bytes(&self) -> u64 {
        self.file_bytes("-wal")
    }

    /// A file that is not there has none.
    fn file_bytes(&self, suffix: &str) -> u64 {
        fs::metadata(beside(&self.path, suffix)).map_or(0, |file| file.len())
    }

    /// Waits until the writer has stopped because the disk failed; the process should end then, and start anew.
    pub async fn failed(&self) {
        self.writer.failed().await;
    }

    /// Finishes what is queued, checkpoints the WAL into the database and ends the writer. Later writes are refused.
    pub fn close(&self) {
        self.writer.stop();
    }
}

/// A read transaction with a deadline. Everything in it sees one moment, and SQLite takes its locks once.
struct Visit<'a>(&'a Db);

impl<'a> Visit<'a> {
    fn begin(db: &'a Db) -> rusqlite::Result<Self> {
        let deadline = Instant::now() + READ_DEADLINE;
        db.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || Instant::now() > deadline))?;
        db.prepare_cached("BEGIN")?.execute([])?;
        Ok(Self(db))
    }
}

impl Drop for Visit<'_> {
    /// Also after a panic: the connection goes back to the pool.
    fn drop(&mut self) {
        let ended = self.0.progress_handler(0, None::<fn() -> bool>);
        if let Err(error) = ended.and_then(|()| self.0.prepare_cached("ROLLBACK")?.execute([])) {
            log::error!("a read transaction did not end: {error}");
        }
    }
}

#[cfg(test)]
mod tests;
