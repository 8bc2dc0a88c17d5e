//! Whether the writer works, without a transaction for each request that asks.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::store::Db;
use crate::store::writer::Writer;

/// How long the outcome of a transaction answers for the writer.
const RECENT: Duration = Duration::from_secs(1);
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(2);

impl Writer {
    /// Whether changes can be committed. A transaction of the last second tells it; where there is none, one of the
    /// requests that ask makes one, and the others wait for its outcome.
    pub(in crate::store) async fn check(&self) -> Result<()> {
        let _alone = self.probing.lock().await;
        match self.last.get() {
            Some((moment, true)) if moment.elapsed() < RECENT => return Ok(()),
            Some((moment, false)) if moment.elapsed() < RECENT => {
                return Err(Error::unavailable("the last change could not be committed"));
            }
            _ => {}
        }
        let needs_room = self.last.has_failed();
        let probe = self.write(move |db| if needs_room { rewrite_header(db) } else { Ok(()) });
        let outcome = tokio::time::timeout(PATIENCE, probe)
            .await
            .unwrap_or_else(|_| Err(Error::unavailable("the writer does not answer")));
        outcome.inspect_err(|_| self.last.note(false))
    }
}

/// A change that nobody looks at, and that has to find room on the disk: `user_version` is free for a program's own use.
fn rewrite_header(db: &Db) -> Result<()> {
    let version: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(db.pragma_update(None, "user_version", version.wrapping_add(1))?)
}
