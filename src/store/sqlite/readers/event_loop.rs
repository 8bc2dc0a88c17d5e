//! Look-ups on the event loop itself. A look-up reads a few rows by key. It usually finds its pages in memory and takes
//! some microseconds, which is less than the switch to another thread and back.
//!
//! Beginning a read transaction takes longer than the look-up, and all threads contend for SQLite's locks. Look-ups that
//! follow each other on an event loop therefore share a snapshot. A snapshot ends with the next commit of this process,
//! so a look-up sees every change that this process has acknowledged. It also ends after a millisecond, because other
//! processes commit too: a change by a command or by another server is seen at most a millisecond later. Requests with the
//! same token also share the rows of the token as long as they share a snapshot.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use rusqlite::Connection;

use crate::domain::token::TokenHash;
use crate::error::{Error, Kind, Result};
use crate::store::db::Db;
use crate::store::sqlite::commits::Commits;
use crate::store::sqlite::readers::pace::Pace;
use crate::store::sqlite::readers::transaction::{panicked, roll_back};
use crate::store::tables::tokens::{self, TokenWithPermissions};

/// How long look-ups share a snapshot.
const SHARED: Duration = Duration::from_millis(1);

/// The reader of one event loop.
pub(in crate::store) struct LoopReader {
    reader: Mutex<Reader>,
    commits: Commits,
    pace: Arc<Pace>,
}

/// A connection that is in a transaction if there is a snapshot.
struct Reader {
    db: Connection,
    snapshot: Option<Snapshot>,
    /// The tokens that were found in the snapshot, by their hashes.
    tokens: HashMap<[u8; 32], Option<TokenWithPermissions>>,
    /// Whether a task is waiting to end the snapshot.
    is_ending: bool,
}

#[derive(Clone, Copy)]
struct Snapshot {
    taken: Instant,
    /// The number of commits before it was taken.
    commits: u64,
}

impl LoopReader {
    pub(super) fn new(db: Connection, commits: Commits, pace: Arc<Pace>) -> Self {
        Self { reader: Mutex::new(Reader::new(db)), commits, pace }
    }

    /// Runs a look-up on this thread. Returns `None` if the disk is slow, if the look-up would have to wait for a lock,
    /// or if it fails as unavailable. It then has to run elsewhere.
    pub(super) fn look_up<T>(self: &Arc<Self>, work: impl Fn(&Db) -> Result<T>) -> Option<Result<T>> {
        self.run(|reader| work(&Db::sqlite(&reader.db)))
    }

    /// The same for [`tokens::find_with_permissions`].
    pub(super) fn find_token(self: &Arc<Self>, hash: &TokenHash) -> Option<Result<Option<TokenWithPermissions>>> {
        if let Some(found) = self.found_token(hash) {
            return Some(Ok(found));
        }
        self.run(|reader| {
            let found = tokens::find_with_permissions(&Db::sqlite(&reader.db), hash)?;
            reader.tokens.insert(*hash.as_bytes(), found.clone());
            Ok(found)
        })
    }

    /// A token that was looked up in the present snapshot.
    fn found_token(&self, hash: &TokenHash) -> Option<Option<TokenWithPermissions>> {
        let reader = self.reader.try_lock()?;
        if reader.has_snapshot(self.commits.count()) { reader.tokens.get(hash.as_bytes()).cloned() } else { None }
    }

    fn run<T>(self: &Arc<Self>, work: impl FnOnce(&mut Reader) -> Result<T>) -> Option<Result<T>> {
        if !self.pace.is_quick() {
            return None;
        }
        let mut reader = self.reader.try_lock()?;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            self.pace.measured(|| {
                reader.renew(self.commits.count())?;
                work(&mut reader)
            })
        }));
        let outcome = outcome.unwrap_or_else(|_| Err(panicked()));
        if outcome.is_err() {
            // After an error, SQLite may have ended the transaction.
            reader.end();
        } else if !reader.is_ending {
            reader.is_ending = true;
            tokio::spawn(end_when_old(Arc::clone(self)));
        }
        Some(outcome).filter(|outcome| !outcome.as_ref().is_err_and(|error| error.kind() == Kind::Unavailable))
    }
}

/// Ends the snapshot once it is old, unless look-ups have renewed it.
async fn end_when_old(reader: Arc<LoopReader>) {
    loop {
        tokio::time::sleep(SHARED).await;
        let mut reader = reader.reader.lock();
        if reader.snapshot.is_none_or(Snapshot::is_old) {
            reader.end();
            reader.is_ending = false;
            return;
        }
    }
}

impl Snapshot {
    fn is_old(self) -> bool {
        self.taken.elapsed() >= SHARED
    }
}

impl Reader {
    fn new(db: Connection) -> Self {
        Self { db, snapshot: None, tokens: HashMap::new(), is_ending: false }
    }

    /// Whether there is a snapshot that contains all `commits` and is not old.
    fn has_snapshot(&self, commits: u64) -> bool {
        self.snapshot.is_some_and(|snapshot| snapshot.commits == commits && !snapshot.is_old())
    }

    /// Takes a new snapshot, unless the present one can be used.
    fn renew(&mut self, commits: u64) -> Result<()> {
        if self.has_snapshot(commits) {
            return Ok(());
        }
        self.end();
        if !self.db.is_autocommit() {
            return Err(Error::unavailable("the previous read transaction did not end"));
        }
        self.db.prepare_cached("BEGIN")?.execute([])?;
        self.snapshot = Some(Snapshot { taken: Instant::now(), commits });
        Ok(())
    }

    fn end(&mut self) {
        self.snapshot = None;
        self.tokens.clear();
        if let Err(error) = roll_back(&self.db) {
            log::error!("a read transaction did not end: {error}");
        }
    }
}

#[cfg(test)]
mod tests;
