//! The single writer: a thread that owns the write connection. Requests that wait together are committed together
//! (group commit), because a commit costs one disk sync whatever its size. A request is answered only after the COMMIT
//! of its change has returned. A lone request does not wait for others. `writer/transaction.rs` turns a batch into a
//! transaction.

mod job;
mod last_transaction;
mod probe;
mod transaction;

use std::io;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::config::DbConfig;
use tokio::sync::{oneshot, watch};

use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::store::Db;
use crate::store::checkpoint::Checkpoints;
use crate::store::commits::Commits;
use crate::store::error::Failure;
use crate::store::identity::Files;
use crate::store::open::BUSY_TIMEOUT;
use crate::store::writer::job::{Job, Work};
use crate::store::writer::last_transaction::LastTransaction;
use crate::store::writer::probe::Probe;
use crate::store::writer::transaction::Context;

/// The most requests in the queue; further ones are refused as unavailable. On a slow disk this is about one second of
/// work.
const QUEUE: usize = 1024;
/// The most changes in one transaction. A larger batch gains little and delays its first caller.
const BATCH: usize = 128;
/// How long a caller waits for its change. Longer than SQLite waits for another process's lock.
const WAIT: Duration = Duration::from_secs(6);

/// Poll interval for checks of the files while there are no changes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a batch waits for another process's lock if the previous batch failed to commit.
const LOCK_WAIT_AGAIN: Duration = Duration::from_millis(500);

/// The handle that sends changes to the writer thread.
pub(super) struct Writer {
    queue: SyncSender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
    failed: watch::Receiver<bool>,
    last: LastTransaction,
    commits: Commits,
    probe: Probe,
    metrics: Metrics,
}

enum Message {
    Job(Box<dyn Job>),
    /// Updates the statistics, makes a checkpoint, then answers.
    OptimizeAndCheckpoint(oneshot::Sender<()>),
    Stop,
}

impl Writer {
    pub(super) fn start(db: Db, checkpoints: Checkpoints, files: Arc<Files>, metrics: Metrics) -> io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        let (fail, failed) = watch::channel(false);
        let (last, commits) = (LastTransaction::default(), Commits::default());
        let mut serving = Serving {
            db,
            messages,
            checkpoints,
            files,
            is_rescued: false,
            last: last.clone(),
            commits: commits.clone(),
            metrics: metrics.clone(),
        };
        let thread = thread::Builder::new().name("writer".to_owned()).spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| serving.run()));
            serving.last.set(None);
            let cause = match outcome {
                Ok(Ok(())) => return,
                Ok(Err(failure)) => failure.cause,
                Err(_) => "the writer panicked; the line above says where".to_owned(),
            };
            log::error!("the writer has failed: {cause}; otpd stops so that a restart can recover");
            fail.send_replace(true);
        })?;
        let (thread, probe) = (Mutex::new(Some(thread)), Probe::default());
        Ok(Self { queue, thread, failed, last, commits, probe, metrics })
    }

    /// Queues `change` and waits until it is on the disk or refused. Returns its result. After `WAIT` it fails as
    /// unavailable; the change is then not made, unless it was already running.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        change: impl Fn(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        self.send(Message::Job(Box::new(Work { change, outcome: None, caller })))?;
        match tokio::time::timeout(WAIT, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Error::unavailable("the writer stopped before the change was made")),
            Err(_) => Err(Error::unavailable("the change waited too long for its turn")),
        }
    }

    /// Updates the statistics and makes a checkpoint, after the queued changes.
    pub(super) async fn optimize_and_checkpoint(&self) -> Result<()> {
        let (caller, done) = oneshot::channel();
        self.send(Message::OptimizeAndCheckpoint(caller))?;
        done.await.map_err(|_| Error::unavailable("the writer has stopped"))
    }

    fn send(&self, message: Message) -> Result<()> {
        let outcome = self.queue.try_send(message).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                self.metrics.queue_refusals.inc();
                Error::unavailable("the write queue is full")
            }
            TrySendError::Disconnected(_) => Error::unavailable("the writer has stopped"),
        });
        outcome.inspect(|()| self.metrics.queue_length.inc())
    }

    /// The counter of the commits, for the readers.
    pub(super) fn commits(&self) -> Commits {
        self.commits.clone()
    }

    pub(super) async fn failed(&self) {
        // An error means that the writer ended normally. This function then never returns.
        if self.failed.clone().wait_for(|failed| *failed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    pub(super) fn stop(&self) {
        // An error means that the thread has already ended.
        let _ = self.queue.send(Message::Stop);
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

/// The state of the writer thread.
struct Serving {
    checkpoints: Checkpoints,
    db: Db,
    messages: Receiver<Message>,
    files: Arc<Files>,
    /// Whether the WAL is gone and all of its content is in the database.
    is_rescued: bool,
    last: LastTransaction,
    commits: Commits,
    metrics: Metrics,
}

impl Serving {
    /// Commits one batch after another until it receives `Stop`.
    ///
    /// # Errors
    /// The disk failed.
    fn run(&mut self) -> Result<(), Failure> {
        let mut stopping = false;
        while !stopping {
            let first = match self.messages.recv_timeout(LOOK_EVERY) {
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
        // Closing the last connection makes a checkpoint too, if no other connection blocks it. The connections of
        // `checkpoints` are closed before this one.
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
        let context = Context { db: &self.db, files: &self.files, commits: &self.commits, metrics: &self.metrics };
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

#[cfg(test)]
mod tests;
