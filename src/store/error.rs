//! From SQLite's result codes to the kinds of error that the rest of the program knows.

use rusqlite::ErrorCode;

use crate::error::Error;

impl From<rusqlite::Error> for Error {
    /// Busy, full, failing and damaged disks, and what took too long, are no fault of ours. Nor is a statement that SQLite
    /// can't read: ours are literals and tried, so the schema was damaged.
    fn from(cause: rusqlite::Error) -> Self {
        if matches!(cause, rusqlite::Error::SqlInputError { .. }) {
            return Self::unavailable(cause);
        }
        match cause.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase,
            ) => Self::unavailable(cause),
            _ => Self::internal(cause),
        }
    }
}

/// A row that is not what was written.
#[derive(Debug, thiserror::Error)]
#[error("code {0} is damaged on the disk; restore a backup")]
pub(super) struct Damaged(pub(super) i64);

/// Whether a row was damaged: it will be the next time too.
pub fn is_damaged_row(error: &Error) -> bool {
    error.cause().is_some_and(|cause| cause.is::<Damaged>())
}

/// Whether the disk itself failed. What SQLite believes to be on it may not be: nothing may be acknowledged after this.
pub(super) fn is_disk_failure(error: &Error) -> bool {
    error
        .cause()
        .and_then(|cause| cause.downcast_ref::<rusqlite::Error>())
        .and_then(rusqlite::Error::sqlite_error)
        // The shared memory of the WAL could not grow: the disk is full, and nothing that matters was to be written.
        .filter(|error| error.extended_code != rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
        .is_some_and(|error| error.code == ErrorCode::SystemIoFailure)
}

/// Why the writer could not commit a transaction, or move the WAL into the database.
pub(super) struct Failure {
    pub(super) cause: String,
    /// The disk itself failed: nothing may be acknowledged any more.
    pub(super) disk: bool,
}

impl From<rusqlite::Error> for Failure {
    fn from(cause: rusqlite::Error) -> Self {
        let error = Error::from(cause);
        Self { cause: error.to_string(), disk: is_disk_failure(&error) }
    }
}
