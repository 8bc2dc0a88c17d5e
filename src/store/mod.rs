//! SQLite. Only this module contains SQL. [`Store::read`] and [`Store::write`] are its two entry points; each table has
//! a file of functions.
//!
//! Parameters are written `$1`, `$2`, which other engines accept too. They must first appear in that order, because
//! SQLite treats them as names and numbers them by first appearance.

pub mod acceptance;
pub mod audit_events;
pub mod audit_list;
pub mod audit_pages;
pub mod audit_search;
mod backup;
mod checkpoint;
pub mod code_list;
mod commits;
mod create;
mod db;
pub mod delivery_reports;
mod draft;
mod error;
pub mod event_deliveries;
mod extent;
mod files;
pub mod hourly_figures;
pub mod idempotency_keys;
mod identity;
pub mod inbox;
pub mod limit_events;
pub mod message_attempts;
pub mod message_list;
mod message_row;
pub mod messages;
mod migrations;
pub mod next_channels;
mod open;
mod open_error;
mod options;
pub mod otp_list;
mod otp_row;
pub mod otp_search;
pub mod otps;
mod outbox_lock;
mod path;
mod put_aside;
mod readers;
pub mod recipients;
mod restore;
mod returning;
mod row;
pub mod sent_forms;
pub mod sessions;
pub mod sign_in_links;
pub mod tokens;
mod upgrade;
pub mod users;
mod writer;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

pub use crate::store::backup::{Contents, Replace, backup};
pub use crate::store::create::Create;
pub use crate::store::db::Db;
pub use crate::store::error::is_damaged_row;
pub use crate::store::files::{admin_token_of, findings, give_to_owner_of};
pub use crate::store::open_error::OpenError;
pub use crate::store::options::Options;
pub use crate::store::outbox_lock::OutboxLock;
pub use crate::store::path::{folder_of, rename_new};
pub use crate::store::restore::{Restored, restore};
pub use crate::store::returning::{RestoredAccess, Returning, ReturningToken, ReturningUser};

use crate::error::Result;
use crate::metrics::Metrics;
use crate::store::checkpoint::Checkpoints;
use crate::store::identity::Files;
use crate::store::readers::{LoopReader, READER_WAIT, Readers};
use crate::store::writer::Writer;

/// An open database: a pool of readers and a single writer. Clones share both.
#[derive(Clone)]
pub struct Store {
    files: Arc<Files>,
    readers: Arc<Readers>,
    /// Connections for event loops that have none yet.
    loop_readers: Arc<Mutex<Vec<Db>>>,
    /// The reader of the event loop that this clone belongs to.
    loop_reader: Option<Arc<LoopReader>>,
    writer: Arc<Writer>,
    metrics: Metrics,
}

impl Store {
    /// Opens the database at `path` and brings its schema up to date.
    ///
    /// # Errors
    /// One sentence for the operator: which file, what is wrong, and what to do.
    pub fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let location = open::locate(path, options.create)?;
        if options.serves {
            files::require_sound_for_serving(&location)?;
        }
        let (connection, files) = upgrade::open_writer(location, options.create)?;
        let readers = open::readers(files.location(), options.readers, READER_WAIT)?;
        let loop_readers = (0..options.event_loops).map(|_| open::loop_reader(files.location()));
        let loop_readers = loop_readers.collect::<Result<_, _>>()?;
        let second = if options.checkpoints { Some(open::checkpointer(files.location())?) } else { None };
        // Ensures that the others have opened the same files.
        files.require_as_opened().map_err(|cause| OpenError::new(path, cause))?;
        let files = Arc::new(files);
        let metrics = options.metrics.clone();
        let checkpoints = Checkpoints::new(&connection, second, options, metrics.clone())
            .map_err(|cause| OpenError::sqlite(path, &cause))?;
        let writer = Writer::start(connection, checkpoints, Arc::clone(&files), metrics.clone());
        let writer = writer.map_err(|cause| OpenError::new(path, cause.to_string()))?;
        let readers = Arc::new(Readers::new(readers));
        let (loop_readers, loop_reader) = (Arc::new(Mutex::new(loop_readers)), None);
        Ok(Self { files, readers, loop_readers, loop_reader, writer: Arc::new(writer), metrics })
    }

    /// Runs a short `work` on a reader, off the event loop, and returns its result. It reads one snapshot: everything
    /// committed before it began. Fails as unavailable after two seconds of waiting or two seconds of work.
    pub async fn read<T: Send + 'static>(&self, work: impl FnOnce(&Db) -> Result<T> + Send + 'static) -> Result<T> {
        self.readers.read(work).await
    }

    /// The same for `work` that reads a few rows by their keys. It runs on the event loop if the disk is quick, and may
    /// run again if the database was locked.
    pub async fn look_up<T: Send + 'static>(&self, work: impl Fn(&Db) -> Result<T> + Send + 'static) -> Result<T> {
        self.readers.look_up(self.loop_reader.as_ref(), work).await
    }

    /// The same for `work` that may take long. It delays neither a [`Store::read`] nor the lists of other tokens.
    pub async fn read_list<T: Send + 'static>(
        &self,
        token_id: i64,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read_list(token_id, work).await
    }

    /// Returns a clone for one event loop. Its look-ups run on that event loop. If more than `Options::event_loops` are
    /// requested, the look-ups of the others run on threads.
    #[must_use]
    pub fn for_event_loop(&self) -> Self {
        let reader = self.loop_readers.lock().pop();
        let reader = reader.map(|db| Arc::new(self.readers.for_event_loop(db, self.writer.commits())));
        Self { loop_reader: reader, ..self.clone() }
    }

    /// Runs `work` inside a write transaction and returns its result once it is on the disk. An `Err` rolls back only
    /// the changes of this `work`. `work` may run again if another change of the same transaction failed, so it must keep
    /// no state of its own.
    pub async fn write<T: Send + 'static>(&self, work: impl Fn(&Db) -> Result<T> + Send + 'static) -> Result<T> {
        self.writer.write(work).await
    }

    /// Checks that a read connection and the write connection work, and that the schema is the latest.
    pub async fn check(&self) -> Result<()> {
        let files = Arc::clone(&self.files);
        let readers = self.read(move |db| {
            files.require_in_place()?;
            migrations::require_current(db).and_then(|()| otps::touch(db))
        });
        tokio::try_join!(readers, self.writer.check()).map(drop)
    }

    /// Tries to take the right to deliver messages. `None` while another process holds it, or while the lock file or the
    /// database is not in order. The cause is logged once, and `/readyz` answers 503.
    pub fn try_own_outbox(&self) -> Option<OutboxLock> {
        OutboxLock::try_take(&self.files)
    }

    /// Refuses a message that no process could deliver.
    ///
    /// # Errors
    /// Unavailable, while the outbox lock is not in order. The cause has been logged.
    pub fn require_outbox(&self) -> Result<()> {
        self.files.require_in_place()
    }

    /// Updates the statistics and makes a checkpoint.
    pub async fn optimize_and_checkpoint(&self) -> Result<()> {
        self.writer.optimize_and_checkpoint().await
    }

    /// The metrics counted while the program runs.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The metrics, with the current sizes.
    pub async fn measure(&self) -> Result<&Metrics> {
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.metrics.database_bytes.set(bytes(self.file_bytes("")));
        self.metrics.wal_bytes.set(bytes(self.wal_bytes()));
        let count = |db: &Db| Ok((otp_list::total(db)?, messages::count_open(db)?, event_deliveries::count(db)?));
        let (codes, open, events) = self.read(count).await?;
        self.metrics.codes.set(codes);
        self.metrics.outbox.set(open);
        self.metrics.waiting_events.set(events);
        Ok(&self.metrics)
    }

    /// The size of the WAL, in bytes.
    pub fn wal_bytes(&self) -> u64 {
        self.file_bytes("-wal")
    }

    /// The size of a file beside the database, in bytes; 0 if it is missing.
    fn file_bytes(&self, suffix: &str) -> u64 {
        fs::metadata(self.files.location().beside(suffix)).map_or(0, |file| file.len())
    }

    /// The path of the database, with symbolic links resolved.
    pub fn database(&self) -> &Path {
        self.files.location().file()
    }

    /// Waits until the writer has stopped because the disk failed. The process should then end and be restarted.
    pub async fn failed(&self) {
        self.writer.failed().await;
    }

    /// Finishes the queued changes, makes a checkpoint and ends the writer. Later writes are refused.
    pub fn close(&self) {
        self.writer.stop();
    }
}

#[cfg(test)]
mod tests;
