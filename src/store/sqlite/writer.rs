//! The single writer: a thread that owns the write connection. Requests that wait together are committed together
//! (group commit), because a commit costs one disk sync whatever its size. A request is answered only after the COMMIT
//! of its change has returned. A lone request does not wait for others. `writer/transaction.rs` turns a batch into a
//! transaction.

mod job;
mod serving;
mod transaction;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::store::db::Db;
use crate::store::last_transaction::LastTransaction;
use crate::store::probe::Probe;
use crate::store::sqlite::checkpoint::Checkpoints;
use crate::store::sqlite::commits::Commits;
use crate::store::sqlite::identity::Files;
use crate::store::sqlite::otp_search::SearchIndex;
use crate::store::sqlite::writer::job::Work;
use crate::store::sqlite::writer::serving::{Message, Serving};

/// The most requests in the queue; further ones are refused as unavailable. On a slow disk this is about one second of
/// work.
const QUEUE: usize = 1024;
/// How long a caller waits for its change. Longer than SQLite waits for another process's lock.
const WAIT: Duration = Duration::from_secs(6);

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

impl Writer {
    pub(super) fn start(
        db: Connection,
        checkpoints: Checkpoints,
        files: Arc<Files>,
        metrics: Metrics,
    ) -> io::Result<Self> {
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
            search_index: SearchIndex::default(),
            metrics: metrics.clone(),
        };
        let thread = thread::Builder::new().name("writer".to_owned()).spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| serving.run()));
            serving.last.set(None);
            let cause = match outcome {
                Ok(Ok(())) => return,
                Ok(Err(failure)) => failure.cause,
                Err(_) => "the writer panicked; the log contains the location".to_owned(),
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

    /// Checks that changes can be committed, with at most one transaction per second.
    pub(super) async fn check(&self) -> Result<()> {
        // After a failure, for example because the disk was full, only a change shows that there is room again.
        let write = || {
            let needs_room = self.last.has_failed();
            self.write(move |db| if needs_room { rewrite_header(db.connection()?) } else { Ok(()) })
        };
        self.probe.check(&self.last, write).await
    }

    /// Makes a change without an effect.
    pub(super) async fn try_change(&self) -> Result<()> {
        self.write(|db| rewrite_header(db.connection()?)).await
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

/// A harmless write that proves there is disk space: `user_version` is free for a program's own use.
fn rewrite_header(db: &Connection) -> Result<()> {
    let version: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(db.pragma_update(None, "user_version", version.wrapping_add(1))?)
}

#[cfg(test)]
mod tests;
