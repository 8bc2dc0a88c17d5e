//! Maps SQLite's result codes to the program's kinds of error.

use rusqlite::ErrorCode;

use crate::error::Error;

impl From<rusqlite::Error> for Error {
    /// Busy, full, failing or damaged disks and timeouts are "unavailable", not internal errors. So is an SQL error:
    /// otpd's statements are tested literals, so such an error means a damaged schema.
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

/// A row that differs from what was written.
#[derive(Debug, thiserror::Error)]
#[error("code {0} is damaged on the disk; restore a backup")]
pub(super) struct Damaged(pub(super) i64);

/// Whether a row is damaged. A retry fails in the same way.
pub fn is_damaged_row(error: &Error) -> bool {
    error.cause().is_some_and(|cause| cause.is::<Damaged>())
}

/// Whether the disk itself failed. SQLite's view of the file may then be wrong, so nothing may be acknowledged after
/// this.
pub(super) fn is_disk_failure(error: &Error) -> bool {
    error
        .cause()
        .and_then(|cause| cause.downcast_ref::<rusqlite::Error>())
        .and_then(rusqlite::Error::sqlite_error)
        // The shared memory of the WAL could not grow: the disk is full, and no data was lost.
        .filter(|error| error.extended_code != rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
        .is_some_and(|error| error.code == ErrorCode::SystemIoFailure)
}

/// Why the writer could not commit a transaction or make a checkpoint.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) cause: String,
    /// Whether the disk itself failed. Nothing may be acknowledged after that.
    pub(super) disk: bool,
}

impl From<rusqlite::Error> for Failure {
    fn from(cause: rusqlite::Error) -> Self {
        let error = Error::from(cause);
        Self { cause: error.to_string(), disk: is_disk_failure(&error) }
    }
}
