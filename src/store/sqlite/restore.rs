//! Replaces the database with a copy. The previous files are kept beside it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use crate::domain::audit::Origin;
use crate::domain::timestamp::Timestamp;
use crate::store::open_error::OpenError;
use crate::store::sqlite::backup::{Contents, Progress, copy, full, is_full, refuse_same};
use crate::store::sqlite::create::Create;
use crate::store::sqlite::draft::Draft;
use crate::store::sqlite::files::{KEPT, other_kind};
use crate::store::sqlite::open;
use crate::store::sqlite::path::{Location, beside, rename_new};
use crate::store::sqlite::put_aside::{LOGS, hold, put_aside};
use crate::store::sqlite::returning::{Present, Returning};

/// The result of a restore.
#[derive(Debug)]
pub struct Restored {
    pub contents: Contents,
    pub returning: Returning,
    /// Where the previous database is kept; `None` if there was none.
    pub kept: Option<PathBuf>,
}

/// Replaces the database at `target` with the copy at `source`, and keeps its owner. The previous database is kept
/// under a name that contains `now`.
///
/// Before that, the copy is changed so that it allows nothing a second time: codes that were sent are consumed, and
/// `revokes_tokens` deletes the tokens that the present database no longer accepts. The audit trail keeps the events of
/// both databases, and gets an event of `origin`.
///
/// # Errors
/// One sentence for the operator, also if another process has the database open. `target` is unchanged then.
pub fn restore(
    source: &Path,
    target: &Path,
    revokes_tokens: bool,
    origin: &Origin,
    now: Timestamp,
    progress: Progress<'_>,
) -> Result<Restored, OpenError> {
    let source = locate_copy(source).map_err(OpenError::of_backup)?;
    let target = open::locate(target, Create::IfNew)?;
    refuse_same(&source, &target)?;
    require_replaceable(&target)?;
    // Read before the database is locked: when SQLite closes the file, it releases every lock of this process.
    let present = Present::read(&target, &source);
    // Held until the new file is in place, so that no process starts to use the old one meanwhile.
    let old = hold(&target)?;
    let draft = Draft::beside(&target)?;
    let (contents, returning) = copy(&source, &draft, progress, |copy| {
        let failed = |cause: Box<dyn std::error::Error>| {
            if is_full(&*cause) {
                return full(draft.path());
            }
            OpenError::new(source.given(), format!("can't be restored: {cause}"))
        };
        Returning::prepare(copy, present, revokes_tokens, origin, now).map_err(failed)
    })
    .map_err(OpenError::of_given_backup)?;
    let kept = replace(&target, old.as_ref(), draft, now)?;
    Ok(Restored { contents, returning, kept })
}

fn locate_copy(path: &Path) -> Result<Location, OpenError> {
    let unreadable = |cause: io::Error| OpenError::new(path, format!("can't be read: {cause}"));
    let location = Location::resolve(path).map_err(unreadable)?;
    let file = fs::symlink_metadata(location.file()).map_err(unreadable)?;
    match other_kind(&file) {
        Some(kind) => Err(OpenError::new(path, format!("is {kind}; give the path of a backup made by `otpd backup`"))),
        None => Ok(location),
    }
}

fn require_replaceable(target: &Location) -> Result<(), OpenError> {
    match fs::symlink_metadata(target.file()).ok().as_ref().and_then(other_kind) {
        Some(kind) => Err(OpenError::new(target.given(), format!("is {kind}; name a file in database.path"))),
        None => Ok(()),
    }
}

/// Renames the draft over the old database. Returns the name under which the old one is kept.
fn replace(target: &Location, old: Option<&File>, draft: Draft, now: Timestamp) -> Result<Option<PathBuf>, OpenError> {
    let failed = |cause: io::Error| OpenError::new(target.given(), format!("can't be replaced: {cause}"));
    if let Some(old) = old {
        let owner = old.metadata().map_err(failed)?;
        fchown(draft.file(), Some(owner.uid()), Some(owner.gid())).map_err(failed)?;
    }
    let suffix = format!("{KEPT}{now}");
    let kept = target.beside(&suffix);
    // A log may be left over although the database itself is gone.
    put_aside(target, now).map_err(failed)?;
    let put = match old {
        // A second hard link, so that the first name always has a file. Not every file system supports this.
        Some(_) => match fs::hard_link(target.file(), &kept) {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Err(cause),
            Err(_) => rename_new(target.file(), &kept),
            Ok(()) => Ok(()),
        },
        None => Ok(()),
    };
    put.map_err(failed).and_then(|()| draft.put(target, true)).inspect_err(|_| {
        // Restores the old name. A missing log is skipped.
        if old.is_some() && fs::rename(&kept, target.file()).is_ok() {
            // A rename between two names of the same file does nothing, so the second name is removed.
            let _ = fs::remove_file(&kept);
        }
        for log in LOGS {
            let _ = fs::rename(beside(&kept, log), target.beside(log));
        }
    })?;
    Ok(old.map(|_| target.shown_beside(&suffix)))
}
