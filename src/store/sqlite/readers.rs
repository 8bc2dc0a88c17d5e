//! The readers: a pool of read-only connections, and the permits that limit how many of them each kind of read holds.
//!
//! A point read (authentication, one code, readiness) takes less than a millisecond; a list may take two seconds. Lists
//! therefore never hold every reader, and the lists of one token never hold every reader available to lists. A read
//! gets its permits before it takes a thread. However many reads wait, a thread is free for one that may begin.
//!
//! A look-up, which reads a few rows by key, runs on the event loop (`readers/event_loop.rs`) as long as the disk is
//! quick (`readers/pace.rs`).

mod event_loop;
mod pace;
mod transaction;

use std::sync::Arc;
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
use tokio::sync::Semaphore;

use rusqlite::Connection;

use crate::domain::token::TokenHash;
use crate::error::{Error, Result};
use crate::store::db::Db;
use crate::store::list_permits::{ListPermits, Permits};
use crate::store::sqlite::commits::Commits;
pub(super) use crate::store::sqlite::readers::event_loop::LoopReader;
use crate::store::sqlite::readers::pace::Pace;
use crate::store::sqlite::readers::transaction::{READ_DEADLINE, ReadTransaction, panicked};
use crate::store::tables::tokens::{self, TokenWithPermissions};

/// How long a request waits for a reader before it fails as unavailable.
pub(super) const READER_WAIT: Duration = Duration::from_secs(2);
/// The most point reads that may wait or run at once. Further ones fail as unavailable.
const POINTS: usize = 1024;

type Pool = r2d2::Pool<SqliteConnectionManager>;

/// The pool of readers, with its permits.
pub(super) struct Readers {
    pool: Pool,
    /// One permit per reader.
    readers: Permits,
    /// Queue slots for point reads.
    points: Permits,
    lists: ListPermits,
    pace: Arc<Pace>,
}

impl Readers {
    pub(super) fn new(pool: Pool) -> Self {
        let permits = |count| Arc::new(Semaphore::new(count));
        let readers = pool.max_size() as usize;
        let lists = ListPermits::new(readers);
        Self { pool, readers: permits(readers), points: permits(POINTS), lists, pace: Arc::default() }
    }

    /// Returns a reader for the look-ups of one event loop. `commits` is the counter of the writer.
    pub(super) fn for_event_loop(&self, db: Connection, commits: Commits) -> LoopReader {
        LoopReader::new(db, commits, Arc::clone(&self.pace))
    }

    /// Runs a look-up: on this thread with `reader` if possible, else like [`Readers::read`].
    pub(super) async fn look_up<T: Send + 'static>(
        &self,
        reader: Option<&Arc<LoopReader>>,
        work: impl Fn(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match reader.and_then(|reader| reader.look_up(&work)) {
            Some(outcome) => outcome,
            None => self.read_measured(work).await,
        }
    }

    /// The same for [`tokens::find_with_permissions`].
    pub(super) async fn find_token(
        &self,
        reader: Option<&Arc<LoopReader>>,
        hash: TokenHash,
    ) -> Result<Option<TokenWithPermissions>> {
        match reader.and_then(|reader| reader.find_token(&hash)) {
            Some(outcome) => outcome,
            None => self.read_measured(move |db| tokens::find_with_permissions(db, &hash)).await,
        }
    }

    /// Runs a look-up as a point read, and notes whether the disk was quick.
    async fn read_measured<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let pace = Arc::clone(&self.pace);
        self.read(move |db| pace.measured(|| work(db))).await
    }

    /// Runs a point read.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.points, &[&self.readers], work).await
    }

    /// Runs a list for a token.
    pub(super) async fn read_list<T: Send + 'static>(
        &self,
        token_id: i64,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let token = self.lists.of_token(token_id);
        self.run(&token.places, &[&token.readers, &self.lists.all, &self.readers], work).await
    }

    /// Runs `work` once it has a slot and a permit of each kind. The permits are held until `work` ends, even if the
    /// request has already been answered.
    async fn run<T: Send + 'static>(
        &self,
        places: &Permits,
        kinds: &[&Permits],
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let Ok(_place) = places.try_acquire() else {
            return Err(Error::unavailable("too many requests wait for a reader"));
        };
        let late = |_| Error::unavailable("no reader was free in time");
        let permits = async {
            let mut permits = Vec::with_capacity(kinds.len());
            for kind in kinds {
                permits.push(Arc::clone(kind).acquire_owned().await.map_err(Error::internal)?);
            }
            Ok::<_, Error>(permits)
        };
        let read = async {
            let permits = tokio::time::timeout(READER_WAIT, permits).await.map_err(late)??;
            let pool = self.pool.clone();
            let read = tokio::task::spawn_blocking(move || {
                let _permits = permits;
                let reader = pool.get().map_err(Error::unavailable)?;
                let read = ReadTransaction::begin(&reader)?;
                work(&read.db())
            });
            read.await.unwrap_or_else(|_| Err(panicked()))
        };
        tokio::time::timeout(READER_WAIT + READ_DEADLINE, read).await.map_err(late)?
    }
}

#[cfg(test)]
mod tests;
