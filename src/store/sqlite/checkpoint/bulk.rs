//! The bulk of a checkpoint, on a connection and a thread of its own. The writer commits meanwhile. SQLite allows that
//! for passive checkpoints. What the writer adds meanwhile remains in the WAL, and the writer moves this remainder
//! itself: the WAL restarts only when a checkpoint has moved all of it.
//!
//! SQLite syncs the database file only in a checkpoint that reaches the end of the WAL, which is often the one of the
//! writer. The thread therefore syncs the file after each of its checkpoints. Otherwise all pages would be synced while
//! the changes wait.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use crate::metrics::Metrics;
use crate::store::error::Failure;
use crate::store::sqlite::checkpoint::statement::run_checkpoint;
use crate::store::sqlite::identity::Files;

/// The most checkpoints in a row. Each one leaves only what the writer added meanwhile.
const MAX_ROUNDS: usize = 4;
/// A remainder of so many pages is left to the writer.
const SMALL: i64 = 256;

/// Whether a checkpoint on the second connection met a disk failure. The writer reads it before it answers.
#[derive(Clone, Default)]
pub(in crate::store) struct DiskFailed(Arc<AtomicBool>);

impl DiskFailed {
    fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(in crate::store) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The second connection of the process that makes checkpoints.
pub(super) struct Bulk {
    /// `None` while a checkpoint is running, or if the connection was lost.
    connection: Option<Connection>,
    files: Arc<Files>,
    has_failed: DiskFailed,
    running: Option<JoinHandle<(Connection, Result<(), Failure>)>>,
}

impl Bulk {
    pub(super) fn new(connection: Option<Connection>, files: Arc<Files>) -> Self {
        Self { connection, files, has_failed: DiskFailed::default(), running: None }
    }

    pub(super) fn disk_failed(&self) -> &DiskFailed {
        &self.has_failed
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Starts a checkpoint. Returns `false` if there is no connection or no thread for it.
    pub(super) fn start(&mut self, metrics: &Metrics) -> bool {
        let Some(connection) = self.connection.take() else { return false };
        let (files, metrics, has_failed) = (Arc::clone(&self.files), metrics.clone(), self.has_failed.clone());
        let work = move || {
            let outcome = move_bulk(&connection, || files.sync_database(), &metrics);
            if outcome.is_err() {
                has_failed.set();
            }
            (connection, outcome)
        };
        match thread::Builder::new().name("checkpoint".to_owned()).spawn(work) {
            Ok(running) => self.running = Some(running),
            Err(cause) => log::warn!("no thread for checkpoints: {cause}; from now on they delay changes"),
        }
        self.running.is_some()
    }

    /// Whether a checkpoint has ended since it was started. Returns `true` once.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn take_ended(&mut self) -> Result<bool, Failure> {
        if self.running.as_ref().is_some_and(JoinHandle::is_finished) { self.join().map(|()| true) } else { Ok(false) }
    }

    /// Waits for a running checkpoint.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn join(&mut self) -> Result<(), Failure> {
        let Some(running) = self.running.take() else { return Ok(()) };
        let Ok((connection, outcome)) = running.join() else {
            log::error!("a checkpoint panicked; the log contains the location. From now on checkpoints delay changes");
            return Ok(());
        };
        self.connection = Some(connection);
        outcome
    }
}

/// Moves pages from the WAL into the database until few remain. `sync` syncs the database file.
///
/// # Errors
/// The disk failed.
fn move_bulk(db: &Connection, sync: impl Fn() -> io::Result<()>, metrics: &Metrics) -> Result<(), Failure> {
    let mut moved = 0;
    for _ in 0..MAX_ROUNDS {
        let _timer = metrics.checkpoint_seconds.start_timer();
        let progress = run_checkpoint(db, "PRAGMA wal_checkpoint(PASSIVE)")?;
        sync().map_err(|cause| Failure { cause: cause.to_string(), disk: true })?;
        let Some(progress) = progress else { break };
        if progress.moved - moved < SMALL {
            break;
        }
        moved = progress.moved;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;

    /// Fills the WAL of a new database, and moves its bulk. Returns the outcome, how often `sync` was called, and the
    /// metrics.
    fn move_with(sync: impl Fn() -> io::Result<()>) -> (Result<(), Failure>, u32, Metrics) {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::store::sqlite::tests::database(&folder);
        db.execute_batch("CREATE TABLE filler (data BLOB); INSERT INTO filler VALUES (zeroblob(1048576));").unwrap();
        let (syncs, metrics) = (Cell::new(0), Metrics::new());
        let counted = || {
            syncs.set(syncs.get() + 1);
            sync()
        };
        let outcome = move_bulk(&db, counted, &metrics);
        (outcome, syncs.get(), metrics)
    }

    #[test]
    fn every_checkpoint_is_synced_and_its_sync_is_part_of_the_measured_time() {
        let (outcome, syncs, metrics) = move_with(|| {
            thread::sleep(Duration::from_millis(50));
            Ok(())
        });
        assert!(outcome.is_ok());
        // The second checkpoint finds nothing to move.
        assert_eq!((syncs, metrics.checkpoint_seconds.get_sample_count()), (2, 2));
        let seconds = metrics.checkpoint_seconds.get_sample_sum();
        assert!(seconds >= 0.1, "{seconds}");
    }

    #[test]
    fn a_failed_sync_is_a_failure_of_the_disk() {
        let (outcome, syncs, _) = move_with(|| Err(io::Error::other("input/output error")));
        let failure = outcome.unwrap_err();
        assert_eq!((failure.cause.as_str(), failure.disk, syncs), ("input/output error", true, 1));
    }
}
