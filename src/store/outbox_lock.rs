//! The outbox lock: only one otpd process per database delivers messages. The kernel releases the lock of a killed
//! process.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use crate::error::Result;
use crate::store::Store;
use crate::store::files::{OUTBOX, Owners, fault_of_lock, give_to_owner_of, id, open_own};
use crate::store::identity::Files;

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

impl Store {
    /// Tries to take the right to deliver. `None` while another process holds it, or while the lock file or the
    /// database is not in order. The cause is logged once, and `/readyz` answers 503.
    pub fn try_own_outbox(&self) -> Option<OutboxLock> {
        if !self.files.is_database_in_place() {
            return None;
        }
        let outcome = self.lock_outbox();
        let path = self.files.location().beside(OUTBOX);
        let failure = |cause: &io::Error| format!("{} can't be locked: {cause}", path.display());
        self.files.note_lock_failure(outcome.as_ref().err().map(failure));
        // Logs the cause, or that the lock is valid again.
        self.files.is_outbox_in_order();
        outcome.unwrap_or_default()
    }

    fn lock_outbox(&self) -> io::Result<Option<OutboxLock>> {
        let database = self.files.location().file();
        let path = self.files.location().beside(OUTBOX);
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
        self.files.hold(Some(id(&metadata)));
        Ok(Some(OutboxLock { file, files: Arc::clone(&self.files) }))
    }

    /// Refuses a message that no process could deliver.
    ///
    /// # Errors
    /// Unavailable, while the outbox lock is not in order. The cause has been logged.
    pub fn require_outbox(&self) -> Result<()> {
        self.files.require_in_place()
    }
}
