//! The wait for the server, which always has a limit.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::store::postgres::error::{Failure, Remedy, TIMEOUT};
use crate::store::postgres::session::Session;

impl Session {
    /// Waits for the server. After a failure, the transaction can only be rolled back.
    pub(super) fn run<T>(&self, work: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T> {
        // `statement_timeout` ends a statement before the limit. A server that does not answer until then is lost.
        self.run_or(Remedy::ReconnectAll, work)
    }

    /// The same with the remedy for the case that the server does not answer until the limit.
    pub(super) fn run_or<T>(
        &self,
        remedy: Remedy,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        let has_deferred = !self.deferred.borrow().is_empty();
        let left = self.deadline.get().saturating_duration_since(Instant::now()).min(self.limit.get());
        let (failure, error) = match self.wait(left, work) {
            Some(Ok(done)) => {
                self.used_at.set(Instant::now());
                return Ok(done);
            }
            Some(Err(cause)) => (Failure::of(&cause), cause.into()),
            None => {
                // Several statements may take longer than one, and the request may have had less time than the limit.
                let may_be_sound = has_deferred || left < self.limit.get();
                let remedy = if may_be_sound { Remedy::Reconnect } else { remedy };
                (Failure::new(remedy, TIMEOUT), Error::unavailable("PostgreSQL did not answer in time"))
            }
        };
        self.failure.borrow_mut().get_or_insert(failure);
        Err(error)
    }

    /// Drives the connection until `work` is done. `None`: the time is over.
    fn wait<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let work = async { tokio::time::timeout(limit, work).await.ok() };
        self.runtime.as_ref().and_then(|runtime| runtime.block_on(work))
    }
}
