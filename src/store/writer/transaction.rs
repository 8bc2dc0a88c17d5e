//! One transaction for a batch of changes.
//!
//! A refused or panicked change is rolled back alone. Savepoints would do that, but they slow the search index by a
//! third, because FTS5 flushes its data at each one. The changes therefore first run without savepoints. If one of them
//! writes something and then fails, the whole transaction is rolled back and run again, with a savepoint for each
//! change.
//!
//! A full disk inside a savepoint may make SQLite roll back the whole transaction, including released savepoints
//! (<https://sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction"). The other changes then run
//! again without the one that failed. A failed COMMIT may still have reached the disk, so its callers get
//! "unavailable", never a refusal. The same applies if the database was removed or replaced, because SQLite continues
//! to write to the open file.

use std::time::Instant;

use crate::error::Error;
use crate::metrics::Metrics;
use crate::store::Db;
use crate::store::error::Failure;
use crate::store::identity::Files;
use crate::store::otp_search;
use crate::store::writer::job::Job;

type Batch = Vec<Box<dyn Job>>;

/// The outcome of one run of a transaction.
enum Trial {
    Committed,
    /// A change wrote something and then failed, without a savepoint to separate it from the others.
    TakenBack,
    /// The change at this index made SQLite roll back the whole transaction.
    BrokenBy(usize),
    /// The files are not in place, so written data is lost.
    NotInPlace,
}

/// Runs and commits all of `batch`, and answers every caller. Returns `false` if not everything could be committed, for
/// example because the disk is full.
///
/// # Errors
/// The disk failed. Nothing may be acknowledged after this.
pub(super) fn commit(db: &Db, mut batch: Batch, files: &Files, metrics: &Metrics) -> Result<bool, Failure> {
    let mut apart = false;
    while !batch.is_empty() {
        match attempt(db, &mut batch, apart, files, metrics) {
            Ok(Trial::Committed) => {
                batch.drain(..).for_each(|job| job.answer(None));
                return Ok(true);
            }
            Ok(Trial::TakenBack) => apart = true,
            Ok(Trial::BrokenBy(guilty)) => {
                batch.remove(guilty).answer(Some(Error::unavailable("SQLite took the transaction back")));
            }
            Ok(Trial::NotInPlace) => {
                batch.drain(..).for_each(|job| job.answer(Some(Error::unavailable_as_logged())));
                return Ok(true);
            }
            Err(failure) => return give_up(db, batch, failure),
        }
    }
    Ok(false)
}

/// Answers every caller that the outcome is unknown.
fn give_up(db: &Db, batch: Batch, failure: Failure) -> Result<bool, Failure> {
    log::error!("{} changes could not be committed: {}", batch.len(), failure.cause);
    if !db.is_autocommit() {
        // Fails only if SQLite has already rolled back the transaction.
        let _ = db.execute_batch("ROLLBACK");
    }
    for job in batch {
        job.answer(Some(Error::unavailable(failure.cause.clone())));
    }
    if failure.disk { Err(failure) } else { Ok(false) }
}

fn attempt(
    db: &Db,
    batch: &mut [Box<dyn Job>],
    apart: bool,
    files: &Files,
    metrics: &Metrics,
) -> Result<Trial, Failure> {
    let execute = |sql| db.prepare_cached(sql)?.execute([]);
    execute("BEGIN IMMEDIATE")?;
    for (n, job) in batch.iter_mut().enumerate() {
        if apart {
            execute("SAVEPOINT member")?;
        }
        let before = db.total_changes();
        let refused = job.run(db).is_err();
        if job.met_disk_failure() {
            return Err(Failure { cause: "the disk failed under a change".to_owned(), disk: true });
        }
        if db.is_autocommit() {
            return Ok(Trial::BrokenBy(n));
        }
        if refused && !apart && db.total_changes() != before {
            execute("ROLLBACK")?;
            return Ok(Trial::TakenBack);
        }
        if apart {
            if refused {
                execute("ROLLBACK TO member")?;
            }
            execute("RELEASE member")?;
        }
    }
    if !files.is_database_in_place() {
        execute("ROLLBACK")?;
        return Ok(Trial::NotInPlace);
    }
    otp_search::update(db)?;
    let begun = Instant::now();
    execute("COMMIT")?;
    metrics.commit_seconds.observe(begun.elapsed().as_secs_f64());
    // If a file was removed during the COMMIT, it may or may not contain the changes.
    Ok(if files.is_database_in_place() { Trial::Committed } else { Trial::NotInPlace })
}
