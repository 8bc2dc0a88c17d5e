//! Health check of the database, without one transaction per request.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::error::{Error, Result};
use crate::store::last_transaction::LastTransaction;

/// How long an outcome counts as current.
const RECENT: Duration = Duration::from_secs(1);
/// Timeout of one probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// When the last probe failed, if it did. The request that probes holds the lock.
#[derive(Default)]
pub(super) struct Probe(Mutex<Option<Instant>>);

impl Probe {
    /// Checks that changes can be committed. A transaction of the last second is the answer. Otherwise one request runs
    /// a transaction with `write`, and concurrent requests wait for its outcome.
    pub(super) async fn check<F>(&self, last: &LastTransaction, write: impl FnOnce() -> F) -> Result<()>
    where
        F: Future<Output = Result<()>>,
    {
        let mut failed_at = self.0.lock().await;
        match last.get() {
            Some((moment, true)) if moment.elapsed() < RECENT => return Ok(()),
            Some((moment, false)) if moment.elapsed() < RECENT => {
                return Err(Error::unavailable("the last change could not be committed"));
            }
            _ if failed_at.is_some_and(|moment| moment.elapsed() < RECENT) => {
                return Err(Error::unavailable("the last check of the database failed less than a second ago"));
            }
            _ => {}
        }
        let outcome = tokio::time::timeout(PATIENCE, write())
            .await
            .unwrap_or_else(|_| Err(Error::unavailable("the writer does not answer")));
        *failed_at = outcome.is_err().then(Instant::now);
        outcome
    }
}
