//! One caller's change, and the channel for its answer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::store::db::Db;
use crate::store::error::is_disk_failure;

pub(super) trait Job: Send {
    /// Runs the change. `Err(())` if it must be rolled back. The outcome is kept until `answer`.
    fn run(&mut self, db: &Db) -> std::result::Result<(), ()>;
    /// Whether the change failed because the disk failed.
    fn met_disk_failure(&self) -> bool;
    /// Whether the caller no longer waits. The change can then be skipped.
    fn is_abandoned(&self) -> bool;
    /// Sends the caller the outcome of `run`, or `instead` if the transaction was not committed. `instead` also
    /// replaces a refusal, which may be due to another change of the transaction.
    fn answer(self: Box<Self>, instead: Option<Error>);
}

pub(super) struct Work<T, F> {
    pub(super) change: F,
    pub(super) outcome: Option<Result<T>>,
    pub(super) caller: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: Fn(&Db) -> Result<T> + Send> Job for Work<T, F> {
    fn run(&mut self, db: &Db) -> std::result::Result<(), ()> {
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.change)(db)))
            .unwrap_or_else(|_| Err(Error::internal("a change panicked; the log contains the location")));
        self.outcome.insert(outcome).as_ref().map(drop).map_err(drop)
    }

    fn met_disk_failure(&self) -> bool {
        matches!(&self.outcome, Some(Err(error)) if is_disk_failure(error))
    }

    fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }

    fn answer(self: Box<Self>, instead: Option<Error>) {
        let outcome = match (self.outcome, instead) {
            (_, Some(error)) => Err(error),
            (Some(done), None) => done,
            (None, None) => Err(Error::internal("a change was answered before it ran")),
        };
        // A caller that no longer waits needs no answer.
        let _ = self.caller.send(outcome);
    }
}
