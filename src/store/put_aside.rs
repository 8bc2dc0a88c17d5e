//! Moving an old database and its logs out of the way of a new one.

use std::fs::{self, File};
use std::io::{self, ErrorKind};

use rustix::fs::{FlockOperation, fcntl_lock};

use crate::domain::timestamp::Timestamp;
use crate::store::files::{KEPT, open_own};
use crate::store::open_error::OpenError;
use crate::store::path::{Location, beside};

/// Files that SQLite would take for a part of whatever database lies beside them.
pub(super) const LOGS: [&str; 2] = ["-wal", "-journal"];

/// Gives the logs of `target` the names that go with the kept database. The index of the WAL is made anew when it is
/// needed.
///
/// # Errors
/// One can't be renamed.
pub(super) fn put_aside(target: &Location, now: Timestamp) -> io::Result<()> {
    let kept = target.beside(&format!("{KEPT}{now}"));
    let log = |suffix: &str| {
        let path = target.beside(suffix);
        // There is nothing in it to keep.
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

/// Locks a database against all other processes; nothing where there is no file. SQLite holds a lock on every database that
/// it has open, damaged or not, and this one excludes them all.
///
/// # Errors
/// Another process has it open.
pub(super) fn hold(target: &Location) -> Result<Option<File>, OpenError> {
    let file = match open_own(target.file(), File::options().read(true).write(true)) {
        Ok(file) => file,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(OpenError::new(target.given(), format!("can't be replaced: {cause}"))),
    };
    fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        OpenError::new(target.given(), "is in use; stop otpd, and what else has it open, then try again")
    })?;
    Ok(Some(file))
}
