//! Renames an old database and its logs before a new database takes their names.

use std::fs::{self, File};
use std::io::{self, ErrorKind};

use rustix::fs::{FlockOperation, fcntl_lock};

use crate::domain::timestamp::Timestamp;
use crate::store::open_error::OpenError;
use crate::store::sqlite::files::{KEPT, open_own};
use crate::store::sqlite::path::{Location, beside};

/// Suffixes of files that SQLite would apply to any database of that name.
pub(super) const LOGS: [&str; 2] = ["-wal", "-journal"];

/// Renames the logs of `target` to match the name of the kept database. The WAL index (`-shm`) is deleted; SQLite
/// recreates it.
///
/// # Errors
/// A file can't be renamed.
pub(super) fn put_aside(target: &Location, now: Timestamp) -> io::Result<()> {
    let kept = target.beside(&format!("{KEPT}{now}"));
    let log = |suffix: &str| {
        let path = target.beside(suffix);
        // An empty log has nothing to keep.
        if fs::symlink_metadata(&path)?.len() == 0 {
            fs::remove_file(path)
        } else {
            fs::rename(path, beside(&kept, suffix))
        }
    };
    for outcome in LOGS.map(log).into_iter().chain([fs::remove_file(target.beside("-shm"))]) {
        match outcome {
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
    }
    Ok(())
}

/// Locks a database against all other processes; `None` if there is no file. SQLite holds a shared lock on every
/// database that it has open, damaged or not, and this exclusive lock conflicts with it.
///
/// # Errors
/// Another process has the database open.
pub(super) fn hold(target: &Location) -> Result<Option<File>, OpenError> {
    let file = match open_own(target.file(), File::options().read(true).write(true)) {
        Ok(file) => file,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(OpenError::new(target.given(), format!("can't be replaced: {cause}"))),
    };
    fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        OpenError::new(target.given(), "is in use; stop otpd and all other programs that have it open, then try again")
    })?;
    Ok(Some(file))
}
