//! Health check of the writer, without one transaction per request.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::store::Db;
use crate::store::writer::Writer;

/// How long an outcome counts as current.
const RECENT: Duration = Duration::from_secs(1);
/// Timeout of one probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// When the last probe failed, if it did. The request that probes holds the lock.
pub(super) type Probe = tokio::sync::Mutex<Option<Instant>>;

impl Writer {
    /// Checks that changes can be committed. A transaction of the last second is the answer. Otherwise one request runs
    /// a transaction, and concurrent requests wait for its outcome.
    pub(in crate::store) async fn check(&self) -> Result<()> {
        let mut failed_at = self.probe.lock().await;
        match self.last.get() {
            Some((moment, true)) if moment.elapsed() < RECENT => return Ok(()),
            Some((moment, false)) if moment.elapsed() < RECENT => {
                return Err(Error::unavailable("the last change could not be committed"));
            }
            _ if failed_at.is_some_and(|moment| moment.elapsed() < RECENT) => {
                return Err(Error::unavailable("the writer did not answer a moment ago"));
            }
            _ => {}
        }
        let needs_room = self.last.has_failed();
        let probe = self.write(move |db| if needs_room { rewrite_header(db) } else { Ok(()) });
        let outcome = tokio::time::timeout(PATIENCE, probe)
            .await
            .unwrap_or_else(|_| Err(Error::unavailable("the writer does not answer")));
        *failed_at = outcome.is_err().then(Instant::now);
        outcome
    }
}

/// A harmless write that proves there is disk space: `user_version` is free for a program's own use.
fn rewrite_header(db: &Db) -> Result<()> {
    let version: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(db.pragma_update(None, "user_version", version.wrapping_add(1))?)
}
