//! One transaction for a batch of changes. A refused or panicked change is rolled back alone, to a savepoint.
//!
//! A full disk inside a savepoint may make SQLite roll back the whole transaction, including released savepoints
//! (<https://sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction"). The other changes then run
//! again without the one that failed. If the search index can't be updated, for example because one of its entries is
//! damaged, each change runs in a transaction of its own.
//!
//! A failed COMMIT may still have reached the disk, so its callers get "unavailable", never a refusal. The same applies
//! if the database was removed or replaced, because SQLite continues to write to the open file.

use std::time::Instant;

use rusqlite::Connection;

use crate::domain::count::counted;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::store::db::Db;
use crate::store::error::Failure;
use crate::store::sqlite::checkpoint::DiskFailed;
use crate::store::sqlite::commits::Commits;
use crate::store::sqlite::identity::Files;
use crate::store::sqlite::otp_search::SearchIndex;
use crate::store::sqlite::writer::job::Job;

type Batch = Vec<Box<dyn Job>>;

/// What a transaction works with.
pub(super) struct Context<'a> {
    pub(super) db: &'a Connection,
    pub(super) files: &'a Files,
    pub(super) commits: &'a Commits,
    pub(super) search_index: &'a SearchIndex,
    pub(super) checkpoint_failed: &'a DiskFailed,
    pub(super) metrics: &'a Metrics,
}

/// The outcome of one run of a transaction.
enum Trial {
    Committed,
    /// The change at this index made SQLite roll back the whole transaction.
    BrokenBy(usize),
    /// The search index could not be updated.
    NotIndexed(Failure),
    /// The files are not in place, so written data is lost.
    NotInPlace,
}

impl Context<'_> {
    /// Runs and commits all of `batch`, and answers every caller. Returns `false` if the last transaction failed, for
    /// example because the disk is full.
    ///
    /// # Errors
    /// The disk failed. Nothing may be acknowledged after this.
    pub(super) fn commit(&self, mut batch: Batch) -> Result<bool, Failure> {
        while !batch.is_empty() {
            match self.attempt(&mut batch) {
                Ok(Trial::Committed) => {
                    batch.drain(..).for_each(|job| job.answer(None));
                    return Ok(true);
                }
                Ok(Trial::BrokenBy(guilty)) => {
                    batch.remove(guilty).answer(Some(Error::unavailable("SQLite rolled back the transaction")));
                }
                Ok(Trial::NotInPlace) => {
                    batch.drain(..).for_each(|job| job.answer(Some(Error::unavailable_as_logged())));
                    return Ok(true);
                }
                Ok(Trial::NotIndexed(failure)) if batch.len() == 1 || failure.disk => {
                    return self.give_up(batch, failure);
                }
                Ok(Trial::NotIndexed(_)) => {
                    self.roll_back();
                    return batch.into_iter().try_fold(false, |any, job| Ok(self.commit(vec![job])? || any));
                }
                Err(failure) => return self.give_up(batch, failure),
            }
        }
        Ok(false)
    }

    fn roll_back(&self) {
        if !self.db.is_autocommit() {
            // Fails only if SQLite has already rolled back the transaction.
            let _ = self.db.execute_batch("ROLLBACK");
        }
    }

    /// Answers every caller that the outcome is unknown.
    fn give_up(&self, batch: Batch, failure: Failure) -> Result<bool, Failure> {
        log::error!("{} may not have been committed: {}", counted(batch.len(), "change"), failure.cause);
        self.roll_back();
        for job in batch {
            job.answer(Some(Error::unavailable(failure.cause.clone())));
        }
        if failure.disk { Err(failure) } else { Ok(false) }
    }

    fn attempt(&self, batch: &mut [Box<dyn Job>]) -> Result<Trial, Failure> {
        self.execute("BEGIN IMMEDIATE")?;
        for (n, job) in batch.iter_mut().enumerate() {
            self.execute("SAVEPOINT change")?;
            let refused = job.run(&Db::sqlite(self.db)).is_err();
            if job.met_disk_failure() {
                return Err(Failure { cause: "the disk failed under a change".to_owned(), disk: true });
            }
            if self.db.is_autocommit() {
                return Ok(Trial::BrokenBy(n));
            }
            if refused {
                self.execute("ROLLBACK TO change")?;
            }
            self.execute("RELEASE change")?;
        }
        if !self.files.is_database_in_place() {
            self.execute("ROLLBACK")?;
            return Ok(Trial::NotInPlace);
        }
        if let Err(cause) = self.search_index.update(self.db) {
            return Ok(Trial::NotIndexed(cause.into()));
        }
        let begun = Instant::now();
        let outcome = self.execute("COMMIT");
        // A failed COMMIT may have reached the disk, so readers must not rely on what they know.
        self.commits.add();
        outcome?;
        if self.checkpoint_failed.is_set() {
            return Err(Failure { cause: "the disk failed during a checkpoint".to_owned(), disk: true });
        }
        self.metrics.commit_seconds.observe(begun.elapsed().as_secs_f64());
        // If a file was removed during the COMMIT, it may or may not contain the changes.
        Ok(if self.files.is_database_in_place() { Trial::Committed } else { Trial::NotInPlace })
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<usize> {
        self.db.prepare_cached(sql)?.execute([])
    }
}
