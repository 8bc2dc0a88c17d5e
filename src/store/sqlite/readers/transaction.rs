//! Read transactions, and the error of a read that panicked.

use std::ffi::c_int;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::error::Error;
use crate::store::db::Db;

/// How long one read may take.
pub(super) const READ_DEADLINE: Duration = Duration::from_secs(2);
/// SQLite VM instructions (some microseconds) between two checks of the deadline.
const INSTRUCTIONS_PER_CHECK: c_int = 1000;

/// The error for a read that panicked. The panic message may contain the data that the read worked on, so it is not
/// passed on.
pub(super) fn panicked() -> Error {
    Error::internal("a read panicked; the log contains the location")
}

/// A read transaction with a deadline. It reads one snapshot, and SQLite takes its locks once.
pub(super) struct ReadTransaction<'a>(&'a Connection);

impl<'a> ReadTransaction<'a> {
    pub(super) fn begin(db: &'a Connection) -> rusqlite::Result<Self> {
        let deadline = Instant::now() + READ_DEADLINE;
        db.progress_handler(INSTRUCTIONS_PER_CHECK, Some(move || Instant::now() > deadline))?;
        db.prepare_cached("BEGIN")?.execute([])?;
        Ok(Self(db))
    }

    pub(super) fn db(&self) -> Db<'_> {
        Db::sqlite(self.0)
    }
}

impl Drop for ReadTransaction<'_> {
    /// Also runs after a panic, because the connection goes back to the pool.
    fn drop(&mut self) {
        let ended = self.0.progress_handler(0, None::<fn() -> bool>).and_then(|()| roll_back(self.0));
        if let Err(error) = ended {
            log::error!("a read transaction did not end: {error}");
        }
    }
}

/// Ends a read transaction, if SQLite has not already ended it after an error.
pub(super) fn roll_back(db: &Connection) -> rusqlite::Result<()> {
    if db.is_autocommit() { Ok(()) } else { db.prepare_cached("ROLLBACK")?.execute([]).map(drop) }
}
