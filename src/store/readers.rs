//! The readers: connections that only read, and how many of them a kind of visit may hold at once.
//!
//! A point read (who calls, one code, readiness) takes less than a millisecond, a list may take two seconds. So lists never
//! hold every reader, and those of one token never hold every reader that lists may have. A visit gets its permits before
//! it takes a thread: however many visits wait, there is a thread for one that may begin.

use std::collections::HashMap;
use std::ffi::c_int;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use r2d2_sqlite::SqliteConnectionManager;
use tokio::sync::Semaphore;

use crate::error::{Error, Result};
use crate::store::Db;

/// How long a request waits for a reader before it is told to come back.
pub(super) const READER_WAIT: Duration = Duration::from_secs(2);
/// How long one visit to a reader may take.
const READ_DEADLINE: Duration = Duration::from_secs(2);
/// Point reads that may wait or run at once; one more is told to come back.
const POINTS: usize = 1024;
/// The same for the lists of one token.
const LISTS_OF_TOKEN: usize = 256;
/// Steps of SQLite's machine (some microseconds) between two looks at the clock.
const STEPS_BETWEEN_LOOKS: c_int = 1000;

type Pool = r2d2::Pool<SqliteConnectionManager>;
/// A permit is a place, or a reader.
type Permits = Arc<Semaphore>;

/// The pool of readers, with the permits to visit them.
pub(super) struct Readers {
    pool: Pool,
    /// A permit for each reader.
    readers: Permits,
    /// Places for point reads.
    points: Permits,
    /// A permit for each reader that lists may hold.
    lists: Permits,
    /// How many of those the lists of one token may hold.
    share: usize,
    /// By the token's id; there are no more than tokens that were used.
    tokens: Mutex<HashMap<i64, Token>>,
}

/// What the lists of one token may hold.
#[derive(Clone)]
struct Token {
    places: Permits,
    readers: Permits,
}

impl Readers {
    pub(super) fn new(pool: Pool) -> Self {
        let permits = |count| Arc::new(Semaphore::new(count));
        let readers = pool.max_size() as usize;
        // One reader is kept for point reads, and one for the lists of another token.
        let lists = readers.saturating_sub(1).max(1);
        let share = lists.div_ceil(2).min(lists.saturating_sub(1)).max(1);
        let (readers, points, lists) = (permits(readers), permits(POINTS), permits(lists));
        Self { pool, readers, points, lists, share, tokens: Mutex::default() }
    }

    /// Runs a point read.
    pub(super) async fn visit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.points, &[&self.readers], work).await
    }

    /// Runs a list for a token.
    pub(super) async fn visit_for_list<T: Send + 'static>(
        &self,
        token_id: i64,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let token = self.token(token_id);
        self.run(&token.places, &[&token.readers, &self.lists, &self.readers], work).await
    }

    fn token(&self, id: i64) -> Token {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Token {
            places: Arc::new(Semaphore::new(LISTS_OF_TOKEN)),
            readers: Arc::new(Semaphore::new(self.share)),
        };
        tokens.entry(id).or_insert_with(new).clone()
    }

    /// Runs `work` when there is a place and a permit of each kind. The permits are held until it has ended, although the
    /// request may have been answered before.
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
        let visit = async {
            let permits = tokio::time::timeout(READER_WAIT, permits).await.map_err(late)??;
            let pool = self.pool.clone();
            let visit = tokio::task::spawn_blocking(move || {
                let _permits = permits;
                let reader = pool.get().map_err(Error::unavailable)?;
                let visit = Visit::begin(&reader)?;
                work(visit.0)
            });
            // The message of the panic may hold what the read was working on.
            visit.await.unwrap_or_else(|_| Err(Error::internal("a read panicked; the line above says where")))
        };
        tokio::time::timeout(READER_WAIT + READ_DEADLINE, visit).await.map_err(late)?
    }
}

/// A read transaction with a deadline. Everything in it sees one moment, and SQLite takes its locks once.
struct Visit<'a>(&'a Db);

impl<'a> Visit<'a> {
    fn begin(db: &'a Db) -> rusqlite::Result<Self> {
        let deadline = Instant::now() + READ_DEADLINE;
        db.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || Instant::now() > deadline))?;
        db.prepare_cached("BEGIN")?.execute([])?;
        Ok(Self(db))
    }
}

impl Drop for Visit<'_> {
    /// Also after a panic: the connection goes back to the pool.
    fn drop(&mut self) {
        let ended = self.0.progress_handler(0, None::<fn() -> bool>);
        if let Err(error) = ended.and_then(|()| self.0.prepare_cached("ROLLBACK")?.execute([])) {
            log::error!("a read transaction did not end: {error}");
        }
    }
}

#[cfg(test)]
mod tests;
