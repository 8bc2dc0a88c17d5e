//! The outbox lock: only one otpd process per database delivers messages. The kernel releases the lock of a killed
//! process.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use crate::store::sqlite::files::{OUTBOX, Owners, fault_of_lock, give_to_owner_of, id, open_own};
use crate::store::sqlite::identity::Files;

/// The right to deliver messages, until it is dropped.
pub struct OutboxLock {
    #[expect(dead_code, reason = "the lock lasts as long as the file is open")]
    file: File,
    files: Arc<Files>,
}

impl OutboxLock {
    /// Whether this process may still deliver: the lock and the database are at their paths, where other processes look
    /// for them. A fault has been logged.
    pub fn is_valid(&self) -> bool {
        self.files.is_outbox_in_order()
    }
}

impl Drop for OutboxLock {
    fn drop(&mut self) {
        self.files.hold(None);
    }
}

impl OutboxLock {
    /// Tries to take the right to deliver. `None` while another process holds it, or while the lock file or the
    /// database is not in order. The cause is logged once.
    pub(super) fn try_take(files: &Arc<Files>) -> Option<Self> {
        if !files.is_database_in_place() {
            return None;
        }
        let outcome = Self::lock(files);
        let path = files.location().beside(OUTBOX);
        let failure = |cause: &io::Error| format!("{} can't be locked: {cause}", path.display());
        files.note_lock_failure(outcome.as_ref().err().map(failure));
        // Logs the cause, or that the lock is valid again.
        files.is_outbox_in_order();
        outcome.unwrap_or_default()
    }

    fn lock(files: &Arc<Files>) -> io::Result<Option<Self>> {
        let database = files.location().file();
        let path = files.location().beside(OUTBOX);
        let file = open_own(&path, File::options().write(true).create(true).truncate(false).mode(0o600))?;
        let metadata = file.metadata()?;
        if fault_of_lock(&metadata, Owners::around(database)).is_some() {
            return Ok(None);
        }
        give_to_owner_of(&file, database)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(cause)) => return Err(cause),
        }
        // The file may have been removed between opening and locking.
        match fs::symlink_metadata(&path) {
            Ok(there) if id(&there) == id(&metadata) => {}
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
            _ => return Ok(None),
        }
        files.hold(Some(id(&metadata)));
        Ok(Some(Self { file, files: Arc::clone(files) }))
    }
}
