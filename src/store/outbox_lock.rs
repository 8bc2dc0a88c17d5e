//! Who delivers: of several processes on one database the one that holds this lock. The kernel takes it away from one that
//! is killed.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;

use crate::store::Store;
use crate::store::path::beside;

/// The right to deliver, for as long as it is held.
#[derive(Debug)]
pub struct OutboxLock(#[expect(dead_code, reason = "the lock lasts as long as the file is open")] File);

impl Store {
    /// Takes the right to deliver; `None` while another process has it.
    ///
    /// # Errors
    /// Where the file beside the database can't be made or locked.
    pub fn try_own_outbox(&self) -> io::Result<Option<OutboxLock>> {
        let path = beside(&self.path, "-outbox");
        let file = File::options().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(OutboxLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(cause),
        }
    }
}
