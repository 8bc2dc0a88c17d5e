//! The bulk of a checkpoint, on a connection and a thread of its own. The writer commits meanwhile. SQLite allows that
//! for passive checkpoints. What the writer adds meanwhile remains in the WAL, and the writer moves this remainder
//! itself: the WAL restarts only when a checkpoint has moved all of it.

use std::io;
use std::thread::{self, JoinHandle};

use crate::metrics::Metrics;
use crate::store::Db;
use crate::store::checkpoint::run;
use crate::store::error::Failure;

/// The most checkpoints in a row. Each one leaves only what the writer added meanwhile.
const ROUNDS: usize = 4;
/// A remainder of so many pages is left to the writer.
const SMALL: i64 = 256;

/// The second connection of the process that makes checkpoints.
pub(super) struct Bulk {
    /// `None` while a checkpoint is running, or if the connection was lost.
    connection: Option<Db>,
    running: Option<JoinHandle<(Db, Result<(), Failure>)>>,
}

impl Bulk {
    pub(super) fn new(connection: Db) -> Self {
        Self { connection: Some(connection), running: None }
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Starts a checkpoint. Returns `false` if the connection is not available.
    ///
    /// # Errors
    /// No thread could be started. The connection is then lost.
    pub(super) fn start(&mut self, metrics: &Metrics) -> io::Result<bool> {
        let Some(connection) = self.connection.take() else { return Ok(false) };
        let metrics = metrics.clone();
        let work = move || {
            let outcome = move_bulk(&connection, &metrics);
            (connection, outcome)
        };
        self.running = Some(thread::Builder::new().name("checkpoint".to_owned()).spawn(work)?);
        Ok(true)
    }

    /// Whether a checkpoint has ended since it was started. Returns `true` once.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn has_ended(&mut self) -> Result<bool, Failure> {
        if self.running.as_ref().is_some_and(JoinHandle::is_finished) { self.wait().map(|()| true) } else { Ok(false) }
    }

    /// Waits for a running checkpoint.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn wait(&mut self) -> Result<(), Failure> {
        let Some(running) = self.running.take() else { return Ok(()) };
        let Ok((connection, outcome)) = running.join() else {
            log::error!("a checkpoint panicked; the line above says where");
            return Ok(());
        };
        self.connection = Some(connection);
        outcome
    }
}

/// Moves pages from the WAL into the database until few remain.
fn move_bulk(db: &Db, metrics: &Metrics) -> Result<(), Failure> {
    let mut moved = 0;
    for _ in 0..ROUNDS {
        let progress = run(db, "PRAGMA wal_checkpoint(PASSIVE)", metrics)?;
        if progress.moved - moved < SMALL {
            break;
        }
        moved = progress.moved;
    }
    Ok(())
}
