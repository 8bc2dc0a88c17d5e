//! Which process delivers: of several on one database the one that holds this lock. The kernel takes it away from a process
//! that is killed.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use crate::error::Result;
use crate::store::Store;
use crate::store::files::{OUTBOX, Owners, fault_of_lock, give_to_owner_of, id, open_own};
use crate::store::identity::Files;

/// The right to deliver, for as long as it is held.
pub struct OutboxLock {
    #[expect(dead_code, reason = "the lock lasts as long as the file is open")]
    file: File,
    files: Arc<Files>,
}

impl OutboxLock {
    /// Whether this process may still deliver: the lock is at its path, where other processes look for it, and so is the
    /// database. What is wrong has been logged.
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
    /// Takes the right to deliver; `None` while another process has it, or while the file of the lock or the database is not
    /// in order. The cause is logged once, and `/readyz` answers 503.
    pub fn try_own_outbox(&self) -> Option<OutboxLock> {
        if !self.files.is_database_in_place() {
            return None;
        }
        let outcome = self.lock_outbox();
        let path = self.files.location().beside(OUTBOX);
        let failure = |cause: &io::Error| format!("{} can't be locked: {cause}", path.display());
        self.files.note_lock_failure(outcome.as_ref().err().map(failure));
        // Logs the cause, or that all is well again.
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
        // It may have been removed between opening and locking.
        match fs::symlink_metadata(&path) {
            Ok(there) if id(&there) == id(&metadata) => {}
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
            _ => return Ok(None),
        }
        self.files.hold(Some(id(&metadata)));
        Ok(Some(OutboxLock { file, files: Arc::clone(&self.files) }))
    }

    /// Lets a message be accepted only if this process or another one may deliver it.
    ///
    /// # Errors
    /// Unavailable, while the lock of the outbox is not in order; the cause has been logged.
    pub fn require_outbox(&self) -> Result<()> {
        self.files.require_in_place()
    }
}
