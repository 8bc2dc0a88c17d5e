//! The SQL statement that makes a checkpoint.

use rusqlite::Connection;

use crate::store::error::Failure;

/// The state of the WAL after a checkpoint.
pub(super) struct Progress {
    /// Whether all of the WAL is in the database now.
    pub(super) is_complete: bool,
    /// Pages of the WAL that are in the database.
    pub(super) moved: i64,
}

/// Runs a checkpoint statement. Returns `None`, and logs the cause, if anything but the disk failed.
///
/// # Errors
/// The disk failed.
pub(super) fn run_checkpoint(db: &Connection, sql: &str) -> Result<Option<Progress>, Failure> {
    let outcome = db.query_row(sql, [], |row| {
        let number = |column| row.get::<_, i64>(column);
        Ok((number(0)?, number(1)?, number(2)?))
    });
    match outcome.map_err(Failure::from) {
        Ok((busy, in_wal, moved)) => Ok(Some(Progress { is_complete: busy == 0 && in_wal == moved, moved })),
        Err(failure) if failure.disk => Err(failure),
        Err(failure) => {
            log::warn!("the WAL could not be moved into the database and keeps growing: {}", failure.cause);
            Ok(None)
        }
    }
}
