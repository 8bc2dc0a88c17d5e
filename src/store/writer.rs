//! The one writer: a thread owns the write connection, and requests that wait together are committed together, because
//! a commit costs a disk sync however much it holds (group commit). Nobody is answered before the COMMIT that holds its
//! change has returned; a lone request waits for no other. How a batch becomes a transaction: `writer/transaction.rs`.

mod job;
mod probe;
mod transaction;

use std::io;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use tokio::sync::{oneshot, watch};

use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::store::Db;
use crate::store::checkpoint::Checkpoints;
use crate::store::error::Failure;
use crate::store::identity::Files;
use crate::store::open::BUSY_TIMEOUT;
use crate::store::writer::job::{Job, Work};
use crate::store::writer::probe::Probe;

/// Requests that may wait; one more is told to come back. At the rate of a slow disk this is about a second's work.
const QUEUE: usize = 1024;
/// Members of one transaction: past this a longer batch gains little and the first member waits longer.
const BATCH: usize = 128;
/// How long a caller waits for its change. It is more than the time that SQLite waits for a lock of another process.
const WAIT: Duration = Duration::from_secs(6);

/// The wait between two looks at the files while no change is made.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a batch waits for another process's lock when the batch before it has already waited in vain.
const LOCK_WAIT_AGAIN: Duration = Duration::from_millis(500);

/// The queue's front end.
pub(super) struct Writer {
    queue: SyncSender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
    failed: watch::Receiver<bool>,
    last: LastCommit,
    probe: Probe,
    metrics: Metrics,
}

/// When the last transaction ended, and whether it was committed; `None` before the first one and once the writer has
/// ended.
#[derive(Clone, Default)]
struct LastCommit(Arc<Mutex<Option<(Instant, bool)>>>);

impl LastCommit {
    fn note(&self, committed: bool) {
        self.set(Some((Instant::now(), committed)));
    }

    fn set(&self, outcome: Option<(Instant, bool)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
    }

    fn get(&self) -> Option<(Instant, bool)> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the last transaction could not be committed, because the disk is full perhaps.
    fn has_failed(&self) -> bool {
        self.get().is_some_and(|(_, committed)| !committed)
    }
}

enum Message {
    Job(Box<dyn Job>),
    /// Bring the database into good order, then say so.
    Tidy(oneshot::Sender<()>),
    Stop,
}

impl Writer {
    pub(super) fn start(db: Db, checkpoints: Checkpoints, files: Arc<Files>, metrics: Metrics) -> io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        let (fail, failed) = watch::channel(false);
        let last = LastCommit::default();
        let mut serving = Serving {
            db,
            messages,
            checkpoints,
            files,
            is_rescued: false,
            last: last.clone(),
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
            log::error!("nothing can be written any more: {cause}; otpd stops so that a fresh start can recover");
            fail.send_replace(true);
        })?;
        let (thread, probe) = (Mutex::new(Some(thread)), Probe::default());
        Ok(Self { queue, thread, failed, last, probe, metrics })
    }

    /// Queues `change` and waits until it is on the disk, or refused. Past `WAIT` it is unavailable: it will not be made
    /// any more, unless it was being made at that moment.
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

    /// Brings statistics up to date and moves the WAL into the database, after what is queued.
    pub(super) async fn tidy(&self) -> Result<()> {
        let (caller, done) = oneshot::channel();
        self.send(Message::Tidy(caller))?;
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

    pub(super) async fn failed(&self) {
        // An error means that the writer ended in peace: then this never returns.
        if self.failed.clone().wait_for(|failed| *failed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    pub(super) fn stop(&self) {
        // Where the thread is gone already there is nobody left to tell.
        let _ = self.queue.send(Message::Stop);
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

/// What the thread works with.
struct Serving {
    db: Db,
    messages: Receiver<Message>,
    checkpoints: Checkpoints,
    files: Arc<Files>,
    /// Whether the log is gone, and all that it held is in the database.
    is_rescued: bool,
    last: LastCommit,
    metrics: Metrics,
}

impl Serving {
    /// Commits batch after batch until told to stop.
    ///
    /// # Errors
    /// The disk failed.
    fn run(&mut self) -> Result<(), Failure> {
        let mut stopping = false;
        while !stopping {
            let first = match self.messages.recv_timeout(LOOK_EVERY) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => {
                    self.look_after_files()?;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let (mut batch, mut tidying) = (Vec::new(), Vec::new());
            for message in iter::once(first).chain(self.messages.try_iter()).take(BATCH) {
                match message {
                    Message::Job(job) => batch.push(job),
                    Message::Tidy(caller) => tidying.push(caller),
                    Message::Stop => stopping = true,
                }
            }
            self.metrics.queue_length.sub(i64::from(count(batch.len() + tidying.len())));
            batch.retain(|job| !job.is_abandoned());
            if !batch.is_empty() {
                self.commit(batch)?;
            }
            if (stopping || !tidying.is_empty()) && self.look_after_files()? {
                self.checkpoints.tidy(&self.db)?;
            }
            for caller in tidying {
                // One that went away needs no answer.
                let _ = caller.send(());
            }
        }
        // Closing the last connection makes a checkpoint too, if nobody is in the way.
        self.db.busy_timeout(Duration::ZERO)?;
        Ok(())
    }

    fn commit(&mut self, batch: Vec<Box<dyn Job>>) -> Result<(), Failure> {
        self.metrics.batch_size.observe(f64::from(count(batch.len())));
        self.db.busy_timeout(if self.last.has_failed() { LOCK_WAIT_AGAIN } else { BUSY_TIMEOUT })?;
        if !self.files.is_database_in_place() {
            // Before the refusal is sent, what was acknowledged earlier is made safe.
            self.look_after_files()?;
        }
        let committed = transaction::commit(&self.db, batch, &self.files, &self.metrics)?;
        self.last.note(committed);
        if self.look_after_files()? { self.checkpoints.keep_small(&self.db) } else { Ok(()) }
    }

    /// Whether the files are in place. If only the log is gone, the changes in it are moved into the database: the log is
    /// still open here, and lost with this process.
    ///
    /// # Errors
    /// The disk failed.
    fn look_after_files(&mut self) -> Result<bool, Failure> {
        let are_in_place = self.files.is_database_in_place();
        // SQLite removes the log by its name when it closes a database; another file may have that name by then.
        let keeps_log = !are_in_place || !self.checkpoints.are_ours();
        self.db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keeps_log)?;
        if are_in_place {
            self.is_rescued = false;
        } else if !self.is_rescued && self.files.is_log_alone_gone() && self.checkpoints.rescue(&self.db)? {
            self.is_rescued = true;
            log::info!("all changes that were acknowledged are in the database: otpd can be started again");
        }
        Ok(are_in_place)
    }
}

/// At most `BATCH`, so it fits.
fn count(messages: usize) -> u32 {
    u32::try_from(messages).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
