//! Whether the writer works, without a transaction for each request that asks.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::store::Db;
use crate::store::writer::Writer;

/// How long an outcome answers for the writer.
const RECENT: Duration = Duration::from_secs(1);
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// When the last try failed, if it did. The lock is held by the request that tries.
pub(super) type Probe = tokio::sync::Mutex<Option<Instant>>;

impl Writer {
    /// Whether changes can be committed. A transaction of the last second tells it; where there is none, one of the
    /// requests that ask makes one, and the others wait for its outcome.
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

/// A change that has no effect and needs room on the disk: `user_version` is free for a program's own use.
fn rewrite_header(db: &Db) -> Result<()> {
    let version: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(db.pragma_update(None, "user_version", version.wrapping_add(1))?)
}
