//! A copy is put in the place of the database. What was there is kept beside it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use crate::domain::timestamp::Timestamp;
use crate::store::backup::{Contents, Progress, copy, refuse_same};
use crate::store::create::Create;
use crate::store::draft::Draft;
use crate::store::files::{KEPT, other_kind};
use crate::store::open;
use crate::store::open_error::OpenError;
use crate::store::path::{Location, beside, rename_new};
use crate::store::put_aside::{LOGS, hold, put_aside};
use crate::store::returning::{Present, Returning};

/// What a restore did.
#[derive(Debug)]
pub struct Restored {
    pub contents: Contents,
    pub returning: Returning,
    /// What was there before.
    pub kept: Option<PathBuf>,
}

/// Puts the copy at `source` in the place of the database at `target`, with the owner that it had. `now` is part of the name
/// under which what was there is kept.
///
/// What the copy would allow a second time is taken out of it first: codes that were sent are spent, and
/// `revokes_tokens` deletes the tokens that the present database no longer honours.
///
/// # Errors
/// One sentence for the operator, also where another process has the database open; `target` is then as it was.
pub fn restore(
    source: &Path,
    target: &Path,
    revokes_tokens: bool,
    now: Timestamp,
    progress: Progress<'_>,
) -> Result<Restored, OpenError> {
    let source = locate_copy(source)?;
    let target = open::locate(target, Create::IfNew)?;
    refuse_same(&source, &target)?;
    require_replaceable(&target)?;
    // Before the database is held: SQLite gives up every lock of this process when it closes the file.
    let present = Present::read(&target);
    // Held until the new file is in place, so that no process begins to work with the old one meanwhile.
    let old = hold(&target)?;
    let draft = Draft::beside(&target)?;
    let (contents, returning) = copy(&source, &draft, progress, |copy| {
        let failed =
            |cause: Box<dyn std::error::Error>| OpenError::new(source.given(), format!("can't be restored: {cause}"));
        Returning::prepare(copy, present, revokes_tokens, now).map_err(failed)
    })?;
    let kept = replace(&target, old.as_ref(), draft, now)?;
    Ok(Restored { contents, returning, kept })
}

fn locate_copy(path: &Path) -> Result<Location, OpenError> {
    let unreadable = |cause: io::Error| OpenError::new(path, format!("can't be read: {cause}"));
    let location = Location::resolve(path).map_err(unreadable)?;
    let file = fs::symlink_metadata(location.file()).map_err(unreadable)?;
    match other_kind(&file) {
        Some(kind) => Err(OpenError::new(path, format!("is {kind}; name a copy that `otpd backup` made"))),
        None => Ok(location),
    }
}

fn require_replaceable(target: &Location) -> Result<(), OpenError> {
    match fs::symlink_metadata(target.file()).ok().as_ref().and_then(other_kind) {
        Some(kind) => Err(OpenError::new(target.given(), format!("is {kind}; name a file in database.path"))),
        None => Ok(()),
    }
}

/// Puts the draft in the place of the old database; the name under which that is kept.
fn replace(target: &Location, old: Option<&File>, draft: Draft, now: Timestamp) -> Result<Option<PathBuf>, OpenError> {
    let failed = |cause: io::Error| OpenError::new(target.given(), format!("can't be replaced: {cause}"));
    if let Some(old) = old {
        let owner = old.metadata().map_err(failed)?;
        fchown(draft.file(), Some(owner.uid()), Some(owner.gid())).map_err(failed)?;
    }
    let suffix = format!("{KEPT}{now}");
    let kept = target.beside(&suffix);
    // A log may have stayed behind although the database itself is gone.
    put_aside(target, now).map_err(failed)?;
    let put = match old {
        // A second name, so that the first is never without a file. Not every file system can do that.
        Some(_) => match fs::hard_link(target.file(), &kept) {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Err(cause),
            Err(_) => rename_new(target.file(), &kept),
            Ok(()) => Ok(()),
        },
        None => Ok(()),
    };
    put.map_err(failed).and_then(|()| draft.put(target, true)).inspect_err(|_| {
        // The old database has its only name back. A log that did not exist is skipped.
        if old.is_some() && fs::rename(&kept, target.file()).is_ok() {
            // Renaming one of two names of the same file does nothing.
            let _ = fs::remove_file(&kept);
        }
        for log in LOGS {
            let _ = fs::rename(beside(&kept, log), target.beside(log));
        }
    })?;
    Ok(old.map(|_| target.shown_beside(&suffix)))
}
