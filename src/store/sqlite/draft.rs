//! Temporary files: private, in the folder of the target file, and removed unless renamed to the target.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rand::TryRng;
use rand::rngs::SysRng;
use rustix::process::geteuid;

use crate::store::open_error::OpenError;
use crate::store::sqlite::files::{id, open_own};
use crate::store::sqlite::path::{Location, folder_of, rename_new};

const PREFIX: &str = ".";
const SUFFIX: &str = ".part";
/// Digits of the random part of a draft's name.
const RANDOM_DIGITS: usize = 16;
/// How many names are tried. A draft is removed between its creation and its lock only if another otpd clears the
/// folder at that moment.
const TRIES: usize = 8;

/// A temporary file with an unpredictable name, so that no file or link can already exist there.
///
/// It is locked while it is written. The lock distinguishes it from the leftovers of a killed process.
pub(super) struct Draft {
    path: PathBuf,
    file: File,
    is_placed: bool,
}

impl Draft {
    /// Creates an empty draft of `target`. Removes drafts of `target` that killed processes left behind.
    ///
    /// # Errors
    /// Another process is writing a draft of `target`, or the folder can't be written.
    pub(super) fn beside(target: &Location) -> Result<Self, OpenError> {
        remove_leftovers(target)?;
        let failed = |cause: io::Error| OpenError::new(target.given(), format!("can't be created: {cause}"));
        for _ in 0..TRIES {
            if let Some(draft) = Self::create(target.file()).map_err(failed)? {
                return Ok(draft);
            }
        }
        Err(failed(io::Error::other("another process removed its temporary file repeatedly")))
    }

    /// Creates and locks a draft. `None` if another process removed it before it was locked.
    fn create(target: &Path) -> io::Result<Option<Self>> {
        let random = SysRng.try_next_u64().map_err(io::Error::other)?;
        let name = target.file_name().unwrap_or_default().display();
        let path = target.with_file_name(format!("{PREFIX}{name}.{random:016x}{SUFFIX}"));
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        // The umask may have removed permission bits.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        let draft = Self { path, file, is_placed: false };
        match draft.file.try_lock() {
            Ok(()) => Ok(draft.is_in_place().then_some(draft)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(cause),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    fn is_in_place(&self) -> bool {
        let there = fs::symlink_metadata(&self.path);
        there.is_ok_and(|there| self.file.metadata().is_ok_and(|file| id(&there) == id(&file)))
    }

    /// Renames the draft to `target`. The file is synced first, so a power cut never leaves a partial file there. An
    /// existing file is replaced only if `replaces` is true.
    ///
    /// # Errors
    /// The name is taken, or the disk fails.
    pub(super) fn put(mut self, target: &Location, replaces: bool) -> Result<(), OpenError> {
        let put = self.place(target.file(), replaces).or_else(|cause| {
            // After the rename the file is in place; a failed sync of the folder does not change that.
            if self.is_placed { Ok(()) } else { Err(cause) }
        });
        put.map_err(|cause| match cause.kind() {
            ErrorKind::AlreadyExists => OpenError::new(target.given(), "already exists; --force replaces it"),
            _ => OpenError::new(target.given(), format!("can't be written: {cause}")),
        })
    }

    fn place(&mut self, target: &Path, replaces: bool) -> io::Result<()> {
        self.file.sync_all()?;
        if !self.is_in_place() {
            return Err(io::Error::other("its temporary file was replaced"));
        }
        if replaces {
            fs::rename(&self.path, target)?;
        } else {
            rename_new(&self.path, target)?;
        }
        self.is_placed = true;
        File::open(folder_of(target))?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_placed && self.is_in_place() {
            // It is still locked, so no other process uses it. If it can't be removed, the next draft removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes drafts of `target` that are certainly otpd's own and that no process is writing.
///
/// # Errors
/// A process is writing one.
fn remove_leftovers(target: &Location) -> Result<(), OpenError> {
    let name = target.file().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let entries = fs::read_dir(folder_of(target.file())).into_iter().flatten().flatten();
    let drafts = entries.filter(|entry| is_draft(&entry.file_name().to_string_lossy(), &name));
    for path in drafts.map(|entry| entry.path()) {
        if remove_leftover(&path).is_err_and(|cause| cause.kind() == ErrorKind::WouldBlock) {
            let path = target.given().with_file_name(path.file_name().unwrap_or_default());
            return Err(OpenError::new(&path, "is being written by another otpd process; wait until it has finished"));
        }
    }
    Ok(())
}

/// Whether `name` is a name of a draft of `target`. Drafts of the first versions have no random part.
fn is_draft(name: &str, target: &str) -> bool {
    let middle =
        name.strip_prefix(PREFIX).and_then(|name| name.strip_prefix(target)).and_then(|name| name.strip_suffix(SUFFIX));
    let is_random = |digits: &str| {
        digits.len() == RANDOM_DIGITS && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    middle.is_some_and(|middle| middle.is_empty() || middle.strip_prefix('.').is_some_and(is_random))
}

/// Removes one leftover draft.
///
/// # Errors
/// `WouldBlock` if a process is writing it. After any other error the file stays.
fn remove_leftover(path: &Path) -> io::Result<()> {
    let file = open_own(path, File::options().read(true))?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.uid() != geteuid().as_raw() {
        return Ok(());
    }
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(cause)) => return Err(cause),
    }
    // Between opening and locking, the other process may have finished, and the name may belong to another file.
    if id(&fs::symlink_metadata(path)?) == id(&metadata) { fs::remove_file(path) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, FileType, Gid, Mode, Uid, chown, mknodat};

    use super::*;

    #[test]
    fn only_drafts_that_are_certainly_otpds_own_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let gone = [".copy.db.part", ".copy.db.0123456789abcdef.part"];
        let kept = [
            ".copy.db.0123456789abcdeg.part",
            ".copy.db.0123.part",
            ".copy.db.1123456789abcdef.part2",
            ".other.db.0123456789abcdef.part",
            "copy.db.0123456789abcdef.part",
        ];
        for name in gone.iter().chain(&kept) {
            fs::write(path(name), "x").unwrap();
        }
        symlink("copy.db.0123456789abcdef.part", path(".copy.db.aaaaaaaaaaaaaaaa.part")).unwrap();
        fs::create_dir(path(".copy.db.bbbbbbbbbbbbbbbb.part")).unwrap();
        mknodat(CWD, path(".copy.db.cccccccccccccccc.part"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let foreign = path(".copy.db.dddddddddddddddd.part");
        fs::write(&foreign, "x").unwrap();
        let can_give_away = chown(&foreign, Some(Uid::from_raw(65534)), None::<Gid>).is_ok();

        let target = Location::resolve(&path("copy.db")).unwrap();
        let draft = Draft::beside(&target).unwrap();
        let name = draft.path().file_name().unwrap().to_str().unwrap().to_owned();
        assert!(is_draft(&name, "copy.db"), "{name}");
        let is_there = |name: &&&str| fs::symlink_metadata(path(name)).is_ok();
        assert_eq!(gone.iter().filter(is_there).count(), 0);
        assert_eq!(kept.iter().filter(is_there).count(), kept.len());
        assert_eq!(foreign.exists(), can_give_away);
        for letter in ["a", "b", "c"] {
            assert!(fs::symlink_metadata(path(&format!(".copy.db.{}.part", letter.repeat(16)))).is_ok());
        }
        assert!(Draft::beside(&target).is_err_and(|busy| busy.to_string().ends_with("wait until it has finished")));
        drop(draft);
        assert!(!path(&name).exists());
    }

    #[test]
    fn a_draft_replaces_an_existing_file_only_if_requested() {
        let folder = tempfile::tempdir().unwrap();
        let target = Location::resolve(&folder.path().join("copy.db")).unwrap();
        let draft = |text: &str| {
            let draft = Draft::beside(&target).unwrap();
            io::Write::write_all(&mut draft.file(), text.as_bytes()).unwrap();
            draft
        };
        draft("first").put(&target, false).unwrap();
        let refused = draft("second").put(&target, false).unwrap_err().to_string();
        assert!(refused.ends_with("already exists; --force replaces it"), "{refused}");
        assert_eq!(fs::read_to_string(target.file()).unwrap(), "first");
        draft("third").put(&target, true).unwrap();
        assert_eq!(fs::read_to_string(target.file()).unwrap(), "third");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
