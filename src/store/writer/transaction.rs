//! One transaction for a whole batch of changes.
//!
//! Each member is on its own all the same: a refusal or a panic takes back that member alone. Savepoints do that, and
//! they cost the search index a third of its speed, for FTS5 writes out what it holds at each. So the members first run
//! without, which is right unless one of them changes something and then fails; where that happens everything is taken
//! back and run again, each member in a savepoint of its own.
//!
//! A full disk inside a savepoint may make SQLite take back the whole transaction, members already released included
//! (<https://sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction"): then the innocent run again
//! without the guilty. A COMMIT that failed may yet have reached the disk: its members are told "unavailable", never
//! "refused". The same holds if the database was removed or replaced: SQLite writes on into the file that it has open.

use std::time::Instant;

use crate::error::Error;
use crate::metrics::Metrics;
use crate::store::Db;
use crate::store::error::Failure;
use crate::store::identity::Files;
use crate::store::writer::job::Job;

type Batch = Vec<Box<dyn Job>>;

/// How one try at a transaction went.
enum Trial {
    Committed,
    /// A member failed after it had changed something, and nothing kept the others' changes apart from its own.
    TakenBack,
    /// This member made SQLite take the whole transaction back.
    BrokenBy(usize),
    /// The files are not in place: what is written now is lost.
    NotInPlace,
}

/// Runs and commits all of `batch`, and answers every member. `false`: not everything could be committed, for want of room
/// perhaps.
///
/// # Errors
/// The disk failed: nothing may be acknowledged after this.
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

/// Answers everybody that the outcome is not known.
fn give_up(db: &Db, batch: Batch, failure: Failure) -> Result<bool, Failure> {
    log::error!("{} changes could not be committed: {}", batch.len(), failure.cause);
    if !db.is_autocommit() {
        // Fails only where SQLite has taken the transaction back by itself.
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
    let begun = Instant::now();
    execute("COMMIT")?;
    metrics.commit_seconds.observe(begun.elapsed().as_secs_f64());
    // A file that was taken away during the COMMIT may or may not hold the changes.
    Ok(if files.is_database_in_place() { Trial::Committed } else { Trial::NotInPlace })
}
