//! The one writer: a thread owns the write connection, and requests that wait together are committed together, because
//! a commit costs a disk sync however much it holds (group commit).
//!
//! Each member runs in a savepoint of its own, so a refusal or a panic takes back that member alone. Nobody is answered
//! before the COMMIT that holds its change has returned. Two traps of SQLite shape the code:
//! a full disk inside a savepoint may take back the whole transaction, members already released included
//! (<https://sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction"), so the innocent run again;
//! and a COMMIT that failed may yet have reached the disk, so its members are told "unavailable", never "refused".

use std::io;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::{oneshot, watch};

use crate::error::{Error, Result};
use crate::store::Db;
use crate::store::error::is_disk_failure;

/// Requests that may wait; one more is told to come back. At the rate of a slow disk this is about a second's work.
const QUEUE: usize = 1024;
/// Members of one transaction: past this a longer batch gains little and the first member waits longer.
const BATCH: usize = 128;

/// The queue's front end.
pub(super) struct Writer {
    queue: SyncSender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
    failed: watch::Receiver<bool>,
    is_refusing: Arc<AtomicBool>,
}

enum Message {
    Job(Box<dyn Job>),
    Stop,
}

/// One request's change, with the place where its answer goes.
trait Job: Send {
    /// Runs the change; `Err(())` if it must be taken back. The outcome is kept until `answer`.
    fn run(&mut self, db: &Db) -> std::result::Result<(), ()>;
    /// Whether the disk failed under it.
    fn met_disk_failure(&self) -> bool;
    /// Tells the caller: the outcome of `run`, or `instead` where a success could not be committed.
    fn answer(self: Box<Self>, instead: Option<Error>);
}

struct Work<T, F> {
    change: F,
    outcome: Option<Result<T>>,
    caller: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: Fn(&Db) -> Result<T> + Send> Job for Work<T, F> {
    fn run(&mut self, db: &Db) -> std::result::Result<(), ()> {
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.change)(db)))
            .unwrap_or_else(|_| Err(Error::internal("a change panicked; the line above says where")));
        self.outcome.insert(outcome).as_ref().map(drop).map_err(drop)
    }

    fn met_disk_failure(&self) -> bool {
        matches!(&self.outcome, Some(Err(error)) if is_disk_failure(error))
    }

    fn answer(self: Box<Self>, instead: Option<Error>) {
        let outcome = match (self.outcome, instead) {
            (Some(Err(refused)), _) => Err(refused),
            (_, Some(error)) => Err(error),
            (Some(done), None) => done,
            (None, None) => Err(Error::internal("a change was answered before it ran")),
        };
        // A caller that went away needs no answer.
        let _ = self.caller.send(outcome);
    }
}

impl Writer {
    pub(super) fn start(db: Db) -> io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        let (fail, failed) = watch::channel(false);
        let is_refusing = Arc::new(AtomicBool::new(false));
        let refusing = Arc::clone(&is_refusing);
        let thread = thread::Builder::new().name("writer".to_owned()).spawn(move || {
            let cause = match catch_unwind(AssertUnwindSafe(|| serve(&db, &messages, &refusing))) {
                Ok(Ok(())) => return,
                Ok(Err(failure)) => failure.cause,
                Err(_) => "the writer panicked; the line above says where".to_owned(),
            };
            log::error!("nothing can be written any more: {cause}; otpd stops so that a fresh start can recover");
            fail.send_replace(true);
        })?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)), failed, is_refusing })
    }

    /// Queues `change` and waits until it is on the disk, or refused.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        change: impl Fn(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        self.queue.try_send(Message::Job(Box::new(Work { change, outcome: None, caller }))).map_err(|refused| {
            Error::unavailable(match refused {
                TrySendError::Full(_) => "the write queue is full",
                TrySendError::Disconnected(_) => "the writer has stopped",
            })
        })?;
        answer.await.unwrap_or_else(|_| Err(Error::unavailable("the writer stopped before the change was made")))
    }

    /// Whether the last transaction could not be committed, the disk being full perhaps.
    pub(super) fn is_refusing(&self) -> bool {
        self.is_refusing.load(Ordering::Relaxed)
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

/// Why a transaction as a whole could not be committed.
struct Failure {
    cause: String,
    /// The disk itself failed: what SQLite believes to be on it may not be.
    disk: bool,
}

impl From<rusqlite::Error> for Failure {
    fn from(cause: rusqlite::Error) -> Self {
        let error = Error::from(cause);
        Self { cause: error.to_string(), disk: is_disk_failure(&error) }
    }
}

/// Commits batch after batch until told to stop. `Err` means that the disk failed.
fn serve(db: &Db, messages: &Receiver<Message>, is_refusing: &AtomicBool) -> Result<(), Failure> {
    let mut stopping = false;
    while !stopping && let Ok(first) = messages.recv() {
        let mut batch = Vec::new();
        for message in iter::once(first).chain(messages.try_iter()).take(BATCH) {
            match message {
                Message::Job(job) => batch.push(job),
                Message::Stop => stopping = true,
            }
        }
        commit(db, batch, is_refusing)?;
    }
    check_in(db);
    Ok(())
}

/// Leaves the database tidy: statistics fresh, the WAL moved into the file. It waits for nobody: where another process is
/// at work on the database, that one will do it.
fn check_in(db: &Db) {
    let tidied = db.execute_batch("PRAGMA busy_timeout = 0; PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);");
    if let Err(error) = tidied {
        log::debug!("the WAL was left to the next start: {error}");
    }
}

/// One transaction for all of `batch`; while a member makes SQLite take the whole of it back, again without that member.
fn commit(db: &Db, mut batch: Vec<Box<dyn Job>>, is_refusing: &AtomicBool) -> Result<(), Failure> {
    while !batch.is_empty() {
        let outcome = try_commit(db, &mut batch);
        is_refusing.store(!matches!(outcome, Ok(None)), Ordering::Relaxed);
        match outcome {
            Ok(None) => batch.drain(..).for_each(|job| job.answer(None)),
            Ok(Some(guilty)) => {
                batch.remove(guilty).answer(Some(Error::unavailable("SQLite took the transaction back")));
            }
            Err(failure) => {
                log::error!("{} changes could not be committed: {}", batch.len(), failure.cause);
                if !db.is_autocommit() {
                    // Fails only where SQLite has taken the transaction back by itself.
                    let _ = db.execute_batch("ROLLBACK");
                }
                for job in batch.drain(..) {
                    job.answer(Some(Error::unavailable(failure.cause.clone())));
                }
                if failure.disk {
                    return Err(failure);
                }
            }
        }
    }
    Ok(())
}

/// `None`: committed. `Some(n)`: member `n` made SQLite take the whole transaction back. `Err`: the outcome is unknown.
fn try_commit(db: &Db, batch: &mut [Box<dyn Job>]) -> Result<Option<usize>, Failure> {
    db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    for (n, job) in batch.iter_mut().enumerate() {
        db.prepare_cached("SAVEPOINT member")?.execute([])?;
        let refused = job.run(db).is_err();
        if job.met_disk_failure() {
            return Err(Failure { cause: "the disk failed under a change".to_owned(), disk: true });
        }
        if db.is_autocommit() {
            return Ok(Some(n));
        }
        if refused {
            db.prepare_cached("ROLLBACK TO member")?.execute([])?;
        }
        db.prepare_cached("RELEASE member")?.execute([])?;
    }
    db.prepare_cached("COMMIT")?.execute([])?;
    Ok(None)
}

#[cfg(test)]
mod tests;
