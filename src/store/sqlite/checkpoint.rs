//! Checkpoints: when the WAL moves into the database. SQLite's automatic checkpoint after a commit is off, because it
//! would delay the answers of that commit and hide a disk failure. The writer makes the checkpoints instead, after it
//! has answered its callers. The bulk of a checkpoint runs on a second connection (`checkpoint/bulk.rs`), because the
//! changes that arrive during a checkpoint wait for it.
//!
//! A passive checkpoint is enough as long as no reader keeps an old snapshot for long. If readers always overlap, the
//! WAL can never restart. Past a limit, the writer therefore waits for the readers.

mod bulk;
mod statement;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::ffi::c_int;
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::hooks::Wal;

use rusqlite::Connection;

use crate::metrics::Metrics;
use crate::store::error::Failure;
use crate::store::options::Options;
use crate::store::sqlite::checkpoint::bulk::Bulk;
pub(super) use crate::store::sqlite::checkpoint::bulk::DiskFailed;
use crate::store::sqlite::checkpoint::statement::{Progress, run_checkpoint};
use crate::store::sqlite::identity::Files;

/// After this many checkpoint intervals without a WAL restart, the writer waits briefly for readers.
const PATIENCE: c_int = 2;
/// How long the writer sleeps before it looks again for snapshots of the event loops, which end after one or two
/// milliseconds. SQLite's own busy handler would look only after 1, 3, 8 and 10 ms.
const LOOK_FOR_SNAPSHOTS: Duration = Duration::from_micros(200);
/// How often it looks again.
const LOOKS_FOR_SNAPSHOTS: c_int = 50;
/// The shortest time from the start of one try to the next while the writer waits.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);
/// How long the writer waits for readers, and for checkpoints of other connections, while the WAL is not large.
const WAIT_FOR_OTHERS: Duration = Duration::from_millis(250);
/// After this many intervals, the writer waits until each of otpd's own readers must have ended: one that was already
/// running and one that began during the wait. A read takes at most two seconds.
const LAST_PATIENCE: c_int = 3;
const WAIT_FOR_ALL: Duration = Duration::from_millis(4500);
/// A reader that is still there after that wait is another program, such as a backup. Changes do not wait again during this
/// time, also after a failed try.
const PAUSE: Duration = Duration::from_secs(60);

thread_local! {
    /// Pages in the WAL after the last commit of this thread.
    static PAGES: Cell<c_int> = const { Cell::new(0) };
}

/// The checkpoint state of the writer.
pub(super) struct Checkpoints {
    ours: bool,
    /// Pages between two checkpoints.
    every: c_int,
    /// The size of the WAL, in pages, at which the next checkpoint is due.
    due: c_int,
    not_before: Instant,
    bulk: Bulk,
    /// Whether the bulk was moved and the writer has to move the remainder.
    has_remainder: bool,
    metrics: Metrics,
}

impl Checkpoints {
    /// Turns SQLite's automatic checkpoints of `db` off. The returned value makes them, unless `database.checkpoints`
    /// leaves them to another program. `second` is another connection to the same database, for the bulk of each one.
    pub(super) fn new(
        db: &Connection,
        second: Option<Connection>,
        files: &Arc<Files>,
        options: &Options,
        metrics: Metrics,
    ) -> rusqlite::Result<Self> {
        let ours = options.checkpoints;
        db.pragma_update(None, "wal_autocheckpoint", 0)?;
        if !ours {
            db.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        }
        db.wal_hook(Some(|_: &Wal, pages| {
            PAGES.set(pages);
            Ok(())
        }));
        // A WAL that grew beyond this size is cut back when it restarts.
        let kept = i64::from(options.checkpoint_kib) * 1024 * i64::from(LAST_PATIENCE);
        db.pragma_update(None, "journal_size_limit", kept)?;
        let page_kib = db.pragma_query_value(None, "page_size", |row| row.get::<_, c_int>(0))?.max(1024) / 1024;
        let every = c_int::try_from(options.checkpoint_kib).unwrap_or(c_int::MAX) / page_kib;
        Ok(Self {
            ours,
            every,
            due: every,
            not_before: Instant::now(),
            bulk: Bulk::new(second, Arc::clone(files)),
            has_remainder: false,
            metrics,
        })
    }

    /// Whether a checkpoint on the second connection met a disk failure.
    pub(super) fn disk_failed(&self) -> &DiskFailed {
        self.bulk.disk_failed()
    }

    /// Waits for a checkpoint on the second connection.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn join(&mut self) -> Result<(), Failure> {
        self.bulk.join()
    }

    /// Notices the end of a checkpoint on the second connection. Called before each commit.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn poll(&mut self) -> Result<(), Failure> {
        self.has_remainder |= self.bulk.take_ended()?;
        Ok(())
    }

    /// Makes a checkpoint if one is due. Called after each commit, and now and then without one.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn checkpoint_if_due(&mut self, db: &Connection) -> Result<(), Failure> {
        let pages = PAGES.get();
        // A WAL that has restarted is small again.
        self.due = self.due.min(pages - pages % self.every + self.every);
        if self.bulk.is_running() && pages >= LAST_PATIENCE * self.every {
            // The disk is too slow for checkpoints beside changes.
            self.bulk.join()?;
            self.has_remainder = true;
        }
        self.poll()?;
        if mem::take(&mut self.has_remainder) {
            // Waits until the snapshots of the event loops have ended, so that the WAL restarts with the next change.
            db.busy_handler(Some(|looks| {
                let again = looks < LOOKS_FOR_SNAPSHOTS;
                if again {
                    thread::sleep(LOOK_FOR_SNAPSHOTS);
                }
                again
            }))?;
            return self.checkpoint(db, "PRAGMA wal_checkpoint(RESTART)").map(drop);
        }
        if !self.ours || pages < self.due || self.bulk.is_running() {
            return Ok(());
        }
        self.due = pages + self.every;
        let is_large = pages >= LAST_PATIENCE * self.every;
        if pages < PATIENCE * self.every || Instant::now() < self.not_before {
            if self.bulk.start(&self.metrics) {
                return Ok(());
            }
            return self.checkpoint(db, "PRAGMA wal_checkpoint(PASSIVE)").map(drop);
        }
        self.wait_for_readers(db, is_large)
    }

    /// Tries to move the whole WAL into the database, for longer if the WAL is large. Changes wait meanwhile. If a large
    /// WAL can't be moved, or if a try fails, changes do not wait again for a while.
    fn wait_for_readers(&mut self, db: &Connection, is_large: bool) -> Result<(), Failure> {
        let deadline = Instant::now() + if is_large { WAIT_FOR_ALL } else { WAIT_FOR_OTHERS };
        db.busy_timeout(WAIT_FOR_OTHERS)?;
        // In short tries, because SQLite decides only at the start of a checkpoint which readers block it.
        loop {
            let tried = Instant::now();
            let Some(progress) = self.checkpoint(db, "PRAGMA wal_checkpoint(TRUNCATE)")? else {
                self.not_before = Instant::now() + PAUSE;
                return Ok(());
            };
            if progress.is_complete {
                return Ok(());
            }
            if Instant::now() >= deadline {
                if is_large {
                    self.not_before = Instant::now() + PAUSE;
                }
                return Ok(());
            }
            // SQLite waits for readers, but not for a checkpoint of another connection.
            thread::sleep(BETWEEN_TRIES.saturating_sub(tried.elapsed()));
        }
    }

    /// Updates the statistics and moves the whole WAL into the database. Waits only briefly for other connections; a
    /// process that still uses the database makes the checkpoint later.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn optimize_and_checkpoint(&mut self, db: &Connection) -> Result<(), Failure> {
        db.busy_timeout(WAIT_FOR_OTHERS)?;
        match db.execute_batch("PRAGMA optimize").map_err(Failure::from) {
            Ok(()) => {}
            Err(failure) if failure.disk => return Err(failure),
            Err(failure) => log::debug!("the statistics could not be updated: {}", failure.cause),
        }
        if self.ours {
            self.bulk.join()?;
            self.checkpoint(db, "PRAGMA wal_checkpoint(TRUNCATE)")?;
        }
        Ok(())
    }

    /// Whether otpd makes the checkpoints, not another program.
    pub(super) fn are_enabled(&self) -> bool {
        self.ours
    }

    /// Moves the content of a WAL that no other process can open any more into the database, even if another program
    /// makes the checkpoints. Returns whether all of it was moved.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn checkpoint_orphaned_wal(&mut self, db: &Connection) -> Result<bool, Failure> {
        self.bulk.join()?;
        let progress = self.checkpoint(db, "PRAGMA wal_checkpoint(PASSIVE)")?;
        Ok(progress.is_some_and(|progress| progress.is_complete))
    }

    fn checkpoint(&self, db: &Connection, sql: &str) -> Result<Option<Progress>, Failure> {
        let _timer = self.metrics.checkpoint_seconds.start_timer();
        run_checkpoint(db, sql)
    }
}
