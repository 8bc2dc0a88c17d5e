//! The writer thread: takes messages from the queue, and commits them in batches.

use std::iter;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use tokio::sync::oneshot;

use rusqlite::Connection;

use crate::metrics::Metrics;
use crate::store::error::Failure;
use crate::store::last_transaction::LastTransaction;
use crate::store::sqlite::checkpoint::Checkpoints;
use crate::store::sqlite::commits::Commits;
use crate::store::sqlite::identity::Files;
use crate::store::sqlite::open::BUSY_TIMEOUT;
use crate::store::sqlite::otp_search::SearchIndex;
use crate::store::sqlite::writer::job::Job;
use crate::store::sqlite::writer::transaction::Context;

/// The most changes in one transaction. A larger batch gains little and delays its first caller.
pub(super) const BATCH: usize = 128;
/// Poll interval for checks of the files while there are no changes.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a batch waits for another process's lock if the previous batch failed to commit.
const LOCK_WAIT_AGAIN: Duration = Duration::from_millis(500);

/// What the writer thread receives.
pub(super) enum Message {
    Job(Box<dyn Job>),
    /// Updates the statistics, makes a checkpoint, then answers.
    OptimizeAndCheckpoint(oneshot::Sender<()>),
    Stop,
}

/// The state of the writer thread.
pub(super) struct Serving {
    pub(super) checkpoints: Checkpoints,
    pub(super) db: Connection,
    pub(super) messages: Receiver<Message>,
    pub(super) files: Arc<Files>,
    /// Whether the WAL is gone and all of its content is in the database.
    pub(super) is_rescued: bool,
    pub(super) last: LastTransaction,
    pub(super) commits: Commits,
    pub(super) search_index: SearchIndex,
    pub(super) metrics: Metrics,
}

impl Serving {
    /// Commits one batch after another until it receives `Stop`.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn run(&mut self) -> Result<(), Failure> {
        let mut stopping = false;
        while !stopping {
            let first = match self.messages.recv_timeout(POLL_INTERVAL) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => {
                    if self.check_files_and_rescue_wal()? {
                        self.checkpoints.checkpoint_if_due(&self.db)?;
                    }
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let (mut batch, mut waiting) = (Vec::new(), Vec::new());
            for message in iter::once(first).chain(self.messages.try_iter()).take(BATCH) {
                match message {
                    Message::Job(job) => batch.push(job),
                    Message::OptimizeAndCheckpoint(caller) => waiting.push(caller),
                    Message::Stop => stopping = true,
                }
            }
            self.metrics.queue_length.sub(i64::from(count(batch.len() + waiting.len())));
            batch.retain(|job| !job.is_abandoned());
            if !batch.is_empty() {
                self.commit(batch)?;
            }
            if (stopping || !waiting.is_empty()) && self.check_files_and_rescue_wal()? {
                self.checkpoints.optimize_and_checkpoint(&self.db)?;
            }
            for caller in waiting {
                // A caller that no longer waits needs no answer.
                let _ = caller.send(());
            }
        }
        // Closing the last connection makes a checkpoint too, if no other connection blocks it. The second connection is
        // closed before this one.
        self.checkpoints.join()?;
        self.db.busy_timeout(Duration::ZERO)?;
        Ok(())
    }

    fn commit(&mut self, batch: Vec<Box<dyn Job>>) -> Result<(), Failure> {
        self.metrics.batch_size.observe(f64::from(count(batch.len())));
        self.db.busy_timeout(if self.last.has_failed() { LOCK_WAIT_AGAIN } else { BUSY_TIMEOUT })?;
        if !self.files.is_database_in_place() {
            // Before the refusal is sent, changes acknowledged earlier are made safe.
            self.check_files_and_rescue_wal()?;
        }
        self.checkpoints.poll()?;
        let context = Context {
            db: &self.db,
            files: &self.files,
            commits: &self.commits,
            search_index: &self.search_index,
            checkpoint_failed: self.checkpoints.disk_failed(),
            metrics: &self.metrics,
        };
        let committed = context.commit(batch)?;
        self.last.note(committed);
        if self.check_files_and_rescue_wal()? { self.checkpoints.checkpoint_if_due(&self.db) } else { Ok(()) }
    }

    /// Returns whether the files are in place. If only the WAL is gone, its changes are moved into the database: the
    /// WAL is still open here, and would be lost with this process.
    ///
    /// # Errors
    /// The disk failed.
    fn check_files_and_rescue_wal(&mut self) -> Result<bool, Failure> {
        let are_in_place = self.files.is_database_in_place();
        // SQLite removes the WAL by its name when it closes a database. By then another file may have that name.
        let keeps_log = !are_in_place || !self.checkpoints.are_enabled();
        self.db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keeps_log)?;
        if are_in_place {
            self.is_rescued = false;
        } else if !self.is_rescued
            && self.files.is_only_wal_missing()
            && self.checkpoints.checkpoint_orphaned_wal(&self.db)?
        {
            self.is_rescued = true;
            log::info!("all changes that were acknowledged are in the database: otpd can be started again");
        }
        Ok(are_in_place)
    }
}

/// Converts a number of messages, which is at most `BATCH`.
fn count(messages: usize) -> u32 {
    u32::try_from(messages).unwrap_or(u32::MAX)
}
