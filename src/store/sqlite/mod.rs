//! The SQLite engine: a pool of readers, a single writer, and everything that only SQLite has.

pub(in crate::store) mod backup;
mod checkpoint;
mod commits;
pub(in crate::store) mod create;
mod draft;
mod extent;
pub(in crate::store) mod files;
mod identity;
mod migrations;
pub(in crate::store) mod moving;
mod open;
pub mod otp_search;
pub(in crate::store) mod outbox_lock;
pub(in crate::store) mod path;
mod put_aside;
mod readers;
pub(in crate::store) mod restore;
pub(in crate::store) mod returning;
mod upgrade;
mod writer;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use rusqlite::Connection;

use crate::domain::token::TokenHash;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::finding::Finding;
use crate::store::open_error::OpenError;
use crate::store::options::Options;
use crate::store::sqlite::checkpoint::Checkpoints;
use crate::store::sqlite::identity::Files;
use crate::store::sqlite::outbox_lock::OutboxLock;
use crate::store::sqlite::readers::{LoopReader, READER_WAIT, Readers};
use crate::store::sqlite::writer::Writer;
use crate::store::tables::otps;
use crate::store::tables::tokens::TokenWithPermissions;

/// An open SQLite database: a pool of readers and a single writer. Clones share both.
#[derive(Clone)]
pub(in crate::store) struct Sqlite {
    files: Arc<Files>,
    readers: Arc<Readers>,
    /// Connections for event loops that have none yet.
    loop_readers: Arc<Mutex<Vec<Connection>>>,
    /// The reader of the event loop that this clone belongs to.
    loop_reader: Option<Arc<LoopReader>>,
    writer: Arc<Writer>,
}

impl Sqlite {
    /// Opens the database at `path` and brings its schema up to date.
    ///
    /// # Errors
    /// One sentence for the operator: which file, what is wrong, and what to do.
    pub(in crate::store) fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let location = open::locate(path, options.create)?;
        if options.serves {
            files::require_sound_for_serving(&location)?;
        }
        let (connection, files) = upgrade::open_writer(location, options.create)?;
        let readers = open::readers(files.location(), options.readers, READER_WAIT)?;
        let loop_readers = (0..options.event_loops).map(|_| open::loop_reader(files.location()));
        let loop_readers = loop_readers.collect::<Result<_, _>>()?;
        let second = if options.checkpoints { Some(open::checkpointer(files.location())?) } else { None };
        // The readers and the checkpoint connection must have opened the same files as the writer.
        files.require_as_opened().map_err(|cause| OpenError::new(path, cause))?;
        let files = Arc::new(files);
        let checkpoints = Checkpoints::new(&connection, second, &files, options, options.metrics.clone())
            .map_err(|cause| OpenError::sqlite(path, &cause))?;
        let writer = Writer::start(connection, checkpoints, Arc::clone(&files), options.metrics.clone());
        let writer = writer.map_err(|cause| OpenError::new(path, cause.to_string()))?;
        let readers = Arc::new(Readers::new(readers));
        let (loop_readers, loop_reader) = (Arc::new(Mutex::new(loop_readers)), None);
        Ok(Self { files, readers, loop_readers, loop_reader, writer: Arc::new(writer) })
    }

    /// Runs a short `work` on a reader, off the event loop, and returns its result. It reads one snapshot: everything
    /// committed before it began. Fails as unavailable after two seconds of waiting or two seconds of work.
    pub(in crate::store) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read(work).await
    }

    /// The same for `work` that reads a few rows by their keys. It runs on the event loop if the disk is quick, and may
    /// run again if the database was locked.
    pub(in crate::store) async fn look_up<T: Send + 'static>(
        &self,
        work: impl Fn(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.look_up(self.loop_reader.as_ref(), work).await
    }

    /// The same for [`crate::store::tokens::find_with_permissions`].
    pub(in crate::store) async fn find_token(&self, hash: TokenHash) -> Result<Option<TokenWithPermissions>> {
        self.readers.find_token(self.loop_reader.as_ref(), hash).await
    }

    /// The same for `work` that may take long. It delays neither other reads nor the lists of other tokens.
    pub(in crate::store) async fn read_list<T: Send + 'static>(
        &self,
        token_id: i64,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read_list(token_id, work).await
    }

    /// Returns a clone for one event loop. Its look-ups run on that event loop. If more than `Options::event_loops` are
    /// requested, the look-ups of the others run on threads.
    #[must_use]
    pub(in crate::store) fn for_event_loop(&self) -> Self {
        let reader = self.loop_readers.lock().pop();
        let reader = reader.map(|db| Arc::new(self.readers.for_event_loop(db, self.writer.commits())));
        Self { loop_reader: reader, ..self.clone() }
    }

    /// Runs `work` inside a write transaction and returns its result once it is on the disk. An `Err` rolls back only
    /// the changes of this `work`. `work` may run again if another change of the same transaction failed, so it must keep
    /// no state of its own.
    pub(in crate::store) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write(work).await
    }

    /// Checks that a read connection and the write connection work, and that the schema is the latest.
    pub(in crate::store) async fn check(&self) -> Result<()> {
        let files = Arc::clone(&self.files);
        let readers = self.read(move |db| {
            files.require_in_place()?;
            migrations::require_current(db.connection()?).and_then(|()| otps::touch(db))
        });
        tokio::try_join!(readers, self.writer.check()).map(drop)
    }

    /// A problem if changes can't be stored, for example because the disk is full.
    pub(in crate::store) async fn findings(&self) -> Vec<(String, Finding)> {
        let Err(error) = self.writer.try_change().await else { return Vec::new() };
        let cause = error.cause().map_or_else(|| error.to_string(), ToString::to_string);
        vec![("database".to_owned(), Finding::Problem(format!("changes can't be stored: {cause}")))]
    }

    /// Tries to take the right to deliver messages. `None` while another process holds it, or while the lock file or the
    /// database is not in order. The cause is logged once, and `/readyz` answers 503.
    pub(in crate::store) fn try_own_outbox(&self) -> Option<OutboxLock> {
        OutboxLock::try_take(&self.files)
    }

    /// Refuses a message that no process could deliver.
    ///
    /// # Errors
    /// Unavailable, while the outbox lock is not in order. The cause has been logged.
    pub(in crate::store) fn require_outbox(&self) -> Result<()> {
        self.files.require_in_place()
    }

    /// Updates the statistics and makes a checkpoint.
    pub(in crate::store) async fn optimize_and_checkpoint(&self) -> Result<()> {
        self.writer.optimize_and_checkpoint().await
    }

    /// The size of the database file, in bytes.
    pub(in crate::store) fn database_bytes(&self) -> u64 {
        self.file_bytes("")
    }

    /// The size of the WAL, in bytes.
    pub(in crate::store) fn wal_bytes(&self) -> u64 {
        self.file_bytes("-wal")
    }

    /// The size of a file beside the database, in bytes; 0 if it is missing.
    fn file_bytes(&self, suffix: &str) -> u64 {
        fs::metadata(self.files.location().beside(suffix)).map_or(0, |file| file.len())
    }

    /// The path of the database, with symbolic links resolved.
    pub(in crate::store) fn database(&self) -> &Path {
        self.files.location().file()
    }

    /// Waits until the writer has stopped because the disk failed. The process should then end and be restarted.
    pub(in crate::store) async fn failed(&self) {
        self.writer.failed().await;
    }

    /// Finishes the queued changes, makes a checkpoint and ends the writer. Later writes are refused.
    pub(in crate::store) fn close(&self) {
        self.writer.stop();
    }
}

#[cfg(test)]
pub(in crate::store) mod tests;
