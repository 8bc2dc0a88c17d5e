//! When the WAL moves into the database. SQLite's own checkpoint after a commit is off: it would hold back the answers
//! of that commit, and hide that the disk failed. Here the writer does it, when its callers have been answered.
//!
//! A checkpoint that waits for nobody is enough as long as no reader looks at an old state for long. Where readers
//! always overlap, the WAL could never begin anew: past a limit the writer waits for them.

use std::cell::Cell;
use std::ffi::c_int;
use std::time::{Duration, Instant};

use rusqlite::hooks::Wal;

use crate::metrics::Metrics;
use crate::store::error::Failure;
use crate::store::{Db, Options};

/// After so many steps without a new beginning of the WAL the writer waits for readers, for a moment.
const PATIENCE: c_int = 2;
const WAIT_FOR_OTHERS: Duration = Duration::from_millis(250);
/// After so many it waits until each of otpd's own readers must have ended: one that was there, and one that began while
/// it was waited for. A read takes two seconds at most.
const LAST_PATIENCE: c_int = 3;
const WAIT_FOR_ALL: Duration = Duration::from_millis(4500);
/// Whoever is there even then is another program, such as a backup: no change waits for it again so soon.
const PAUSE: Duration = Duration::from_secs(60);

thread_local! {
    /// Pages in the WAL after the last commit of this thread.
    static PAGES: Cell<c_int> = const { Cell::new(0) };
}

/// What the writer knows of its checkpoints.
pub(super) struct Checkpoints {
    ours: bool,
    /// Pages between two of them.
    every: c_int,
    /// The size of the WAL, in pages, at which the next one is due.
    due: c_int,
    not_before: Instant,
    metrics: Metrics,
}

impl Checkpoints {
    /// Takes over the checkpoints of `db`, unless another program makes them.
    pub(super) fn new(db: &Db, options: &Options, metrics: Metrics) -> rusqlite::Result<Self> {
        let ours = options.checkpoints;
        db.pragma_update(None, "wal_autocheckpoint", 0)?;
        if !ours {
            db.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        }
        db.wal_hook(Some(|_: &Wal, pages| {
            PAGES.set(pages);
            Ok(())
        }));
        let page_kib = db.pragma_query_value(None, "page_size", |row| row.get::<_, c_int>(0))?.max(1024) / 1024;
        let every = c_int::try_from(options.checkpoint_kib).unwrap_or(c_int::MAX) / page_kib;
        Ok(Self { ours, every, due: every, not_before: Instant::now(), metrics })
    }

    /// After a commit: moves the WAL into the database if it is time to.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn keep_small(&mut self, db: &Db) -> Result<(), Failure> {
        let pages = PAGES.get();
        // A WAL that has begun anew is small again.
        self.due = self.due.min(pages - pages % self.every + self.every);
        if !self.ours || pages < self.due {
            return Ok(());
        }
        self.due = pages + self.every;
        let is_large = pages >= LAST_PATIENCE * self.every;
        if pages < PATIENCE * self.every || Instant::now() < self.not_before {
            return self.checkpoint(db, "PRAGMA wal_checkpoint(PASSIVE)").map(drop);
        }
        let deadline = Instant::now() + if is_large { WAIT_FOR_ALL } else { WAIT_FOR_OTHERS };
        db.busy_timeout(WAIT_FOR_OTHERS)?;
        // In short tries: SQLite waits for a lock that a reader in the way shares with readers that are not, and finds out
        // which is which only when it begins.
        while !self.checkpoint(db, "PRAGMA wal_checkpoint(TRUNCATE)")? {
            if Instant::now() >= deadline {
                self.not_before = Instant::now() + if is_large { PAUSE } else { Duration::ZERO };
                break;
            }
        }
        Ok(())
    }

    /// Leaves the database tidy: statistics fresh, the whole WAL in the file. It waits for others, but not for long: who is
    /// at work on the database will do it later.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn tidy(&mut self, db: &Db) -> Result<(), Failure> {
        db.busy_timeout(WAIT_FOR_OTHERS)?;
        match db.execute_batch("PRAGMA optimize").map_err(Failure::from) {
            Ok(()) => {}
            Err(failure) if failure.disk => return Err(failure),
            Err(failure) => log::debug!("the statistics were left to the next time: {}", failure.cause),
        }
        if self.ours {
            self.checkpoint(db, "PRAGMA wal_checkpoint(TRUNCATE)")?;
        }
        Ok(())
    }

    /// Whether otpd makes the checkpoints, and not another program.
    pub(super) fn are_ours(&self) -> bool {
        self.ours
    }

    /// Moves into the database what a WAL holds that no other process can open any more, whoever makes the checkpoints;
    /// whether all of it is there now.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn rescue(&self, db: &Db) -> Result<bool, Failure> {
        self.checkpoint(db, "PRAGMA wal_checkpoint(PASSIVE)")
    }

    /// Whether all of the WAL is in the database now.
    fn checkpoint(&self, db: &Db, sql: &str) -> Result<bool, Failure> {
        let begun = Instant::now();
        let outcome = db.query_row(sql, [], |row| {
            let number = |column| row.get::<_, i64>(column);
            Ok((number(0)?, number(1)?, number(2)?))
        });
        self.metrics.checkpoint_seconds.observe(begun.elapsed().as_secs_f64());
        match outcome.map_err(Failure::from) {
            Ok((busy, in_wal, moved)) => Ok(busy == 0 && in_wal == moved),
            Err(failure) if failure.disk => Err(failure),
            Err(failure) => {
                log::warn!("the WAL could not be moved into the database, it goes on growing: {}", failure.cause);
                Ok(false)
            }
        }
    }
}
