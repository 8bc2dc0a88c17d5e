//! A file in the making: private, beside the one it is to become, and gone again unless it took that one's place.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::store::open::OpenError;
use crate::store::path::folder_of;

/// It is locked while it is written: what another process left behind when it was killed can be told from what one is
/// writing now.
pub(super) struct Draft {
    path: PathBuf,
    file: File,
    is_placed: bool,
}

impl Draft {
    /// An empty draft of `target`.
    pub(super) fn beside(target: &Path) -> Result<Self, OpenError> {
        let name = target.file_name().ok_or_else(|| OpenError::new(target, "names no file"))?;
        let path = target.with_file_name(format!(".{}.part", name.display()));
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|cause| OpenError::new(&path, format!("can't be created: {cause}")))?;
        let busy = || OpenError::new(&path, "is being written by another otpd; wait until it is done");
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(busy()),
            Err(TryLockError::Error(cause)) => return Err(OpenError::new(&path, cause.to_string())),
        }
        // Between opening and locking, the other one may have finished and given the file its name.
        if fs::metadata(&path).and_then(|there| Ok(there.ino() == file.metadata()?.ino())).unwrap_or(false) {
            let draft = Self { path, file, is_placed: false };
            draft.file.set_len(0).map_err(|cause| OpenError::new(target, cause.to_string()))?;
            Ok(draft)
        } else {
            Err(busy())
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it the name of `target`, in such an order that no power cut leaves half of it there.
    pub(super) fn put(mut self, target: &Path) -> Result<(), OpenError> {
        let mut put = || {
            self.file.sync_all()?;
            fs::rename(&self.path, target)?;
            self.is_placed = true;
            File::open(folder_of(target))?.sync_all()
        };
        put().map_err(|cause: io::Error| OpenError::new(target, format!("can't be written: {cause}")))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_placed {
            // It is still locked, so nobody else's is removed; where it can't be, the next one writes over it.
            let _ = fs::remove_file(&self.path);
        }
    }
}
