//! Copies a live database. A copy is complete, consistent, checked, and synced to disk before it gets its final name.

use std::error::Error;
use std::fs;
use std::iter;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::process::geteuid;

use crate::domain::timestamp::Timestamp;
use crate::store::open_error::OpenError;
use crate::store::sqlite::create::{self, Create};
use crate::store::sqlite::draft::Draft;
use crate::store::sqlite::extent::require_not_far_less;
use crate::store::sqlite::files::{self, OF_SQLITE, other_kind};
use crate::store::sqlite::migrations;
use crate::store::sqlite::open;
use crate::store::sqlite::path::Location;

/// Progress callback: receives the percentage copied so far and the path of the temporary file. It may end the process;
/// only that file is then left behind.
pub type Progress<'a> = &'a (dyn Fn(u64, &Path) + Sync);

const TELL_EVERY: Duration = Duration::from_millis(200);

/// Row counts of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    pub codes: i64,
    pub users: i64,
    pub tokens: i64,
}

/// Whether a copy may replace an existing file.
#[derive(Clone, Copy, Debug)]
pub enum Replace {
    Never,
    /// Replaces a copy of the same database, except if it holds far more. Codes that expired before `kept_since` don't
    /// count, because retention deletes them. `None` if expired codes are kept.
    UnlessFarLess {
        kept_since: Option<Timestamp>,
    },
}

/// Copies the database at `source` to `target` while other processes read and write it, and returns the row counts of
/// the copy. A symbolic link at `target` is followed if it belongs to this user or to root.
///
/// # Errors
/// One sentence for the operator. `target` is unchanged then.
pub fn backup(source: &Path, target: &Path, replace: Replace, progress: Progress<'_>) -> Result<Contents, OpenError> {
    let source = open::locate(source, Create::Never)?;
    create::require_readable(&source)?;
    let (target, is_there) = locate_target(target, Some(&source), replace)?;
    let draft = Draft::beside(&target).map_err(OpenError::of_backup)?;
    let (contents, ()) = copy(&source, &draft, progress, |copy| match replace {
        Replace::UnlessFarLess { kept_since } if is_there => require_not_far_less(&target, copy, kept_since),
        Replace::UnlessFarLess { .. } | Replace::Never => Ok(()),
    })?;
    draft.put(&target, is_there).map_err(OpenError::of_backup)?;
    Ok(contents)
}

/// Finds the file that a backup is written to. Returns whether it exists. `source` is the database, if it is a file.
///
/// # Errors
/// The file must not be replaced, or a file beside it would be read as part of it.
pub(super) fn locate_target(
    path: &Path,
    source: Option<&Location>,
    replace: Replace,
) -> Result<(Location, bool), OpenError> {
    let target = open::locate(path, Create::IfNew).map_err(OpenError::of_backup)?;
    let is_there = require_target(&target, source).map_err(OpenError::of_backup)?;
    if is_there && matches!(replace, Replace::Never) {
        return Err(OpenError::new(target.given(), "already exists; --force replaces it").of_backup());
    }
    for suffix in OF_SQLITE {
        if fs::symlink_metadata(target.beside(suffix)).is_ok() {
            let reason = if is_there {
                "exists: another program uses the file that it belongs to, or did not close it; choose another path"
            } else {
                "would be read as part of the backup; move or delete it"
            };
            return Err(OpenError::of_file(&target.shown_beside(suffix), reason));
        }
    }
    Ok((target, is_there))
}

/// Returns whether `target` exists. Refuses files that a copy must not replace.
fn require_target(target: &Location, source: Option<&Location>) -> Result<bool, OpenError> {
    let refused = |reason: String| Err(OpenError::new(target.given(), reason));
    if let Some(source) = source {
        refuse_same(source, target)?;
        if files::is_of_database(target.file(), source) {
            return refused("is one of the database's own files; choose another path".to_owned());
        }
    }
    let is_trusted = |owner: &&u32| **owner == 0 || **owner == geteuid().as_raw();
    if let Some(owner) = target.link_owners().iter().find(|owner| !is_trusted(owner)) {
        return refused(format!("is a symbolic link that belongs to user {owner}; give the path of its target"));
    }
    match fs::symlink_metadata(target.file()) {
        Ok(file) => match other_kind(&file) {
            Some(kind) => refused(format!("is {kind}; give the path of a regular file or of a new file")),
            None => Ok(true),
        },
        Err(_) => Ok(false),
    }
}

/// Refuses a copy of a file onto itself, which would destroy the file.
pub(super) fn refuse_same(source: &Location, target: &Location) -> Result<(), OpenError> {
    let file = |location: &Location| fs::symlink_metadata(location.file()).map(|file| files::id(&file)).ok();
    match (file(source), file(target)) {
        (Some(source), Some(same)) if source == same => {
            Err(OpenError::new(target.given(), "is both the source and the target; choose another file"))
        }
        _ => Ok(()),
    }
}

/// Copies the database into `draft` in one step; with smaller steps, every write of a server would restart the copy.
/// `finish` may change the copy before it is checked. Returns the row counts and the result of `finish`.
pub(super) fn copy<T>(
    source: &Location,
    draft: &Draft,
    progress: Progress<'_>,
    finish: impl FnOnce(&mut Connection) -> Result<T, OpenError>,
) -> Result<(Contents, T), OpenError> {
    let sqlite = |cause| if is_full(&cause) { full(draft.path()) } else { OpenError::sqlite(source.given(), &cause) };
    let unsound = |finding: &str| {
        let finding = format!("the copy is damaged ({finding}); nothing was changed");
        Err(OpenError::new(source.given(), finding))
    };
    let from = open::connect(source.file(), OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(sqlite)?;
    open::require_ours(&from, source)?;
    if migrations::current(&from).map_err(sqlite)? == 0 {
        return Err(OpenError::unsound(source.given(), "is empty", open::RESTORE));
    }
    let mut to = open::connect(draft.path(), OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(sqlite)?;
    // An unfinished copy is discarded, so it needs neither a rollback journal nor a sync.
    to.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF").map_err(sqlite)?;
    let (there, here) = watched(&from, draft, progress, || copy_whole(&from, &mut to)).map_err(sqlite)?;
    if here != there {
        return unsound(&format!("it has {here:?} instead of {there:?}"));
    }
    to.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA foreign_keys = ON").map_err(sqlite)?;
    let finished = finish(&mut to)?;
    let finding: String = to.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(sqlite)?;
    if finding != "ok" {
        return unsound(&finding);
    }
    Ok((contents(&to).map_err(sqlite)?, finished))
}

/// Whether an error, or one of its causes, is that there is no disk space. Only the copy needs some, not the source.
pub(super) fn is_full(error: &(dyn Error + 'static)) -> bool {
    iter::successors(Some(error), |&error| error.source()).any(|error| {
        let sqlite = error.downcast_ref::<rusqlite::Error>();
        sqlite.and_then(rusqlite::Error::sqlite_error_code) == Some(ErrorCode::DiskFull)
    })
}

/// The error if there is no space for a draft.
pub(super) fn full(draft: &Path) -> OpenError {
    let folder = draft.parent().unwrap_or(draft).display();
    OpenError::sentence(format!("the disk of {folder} is full; nothing was changed"))
}

/// Copies everything. Returns the row counts of the database and of the copy.
fn copy_whole(from: &Connection, to: &mut Connection) -> rusqlite::Result<(Contents, Contents)> {
    // One read transaction: the counts and the copy show the same state.
    let from = from.unchecked_transaction()?;
    let there = contents(&from)?;
    Backup::new(&from, to)?.step(-1)?;
    // The copy needs no WAL. The next process that opens it creates one.
    to.pragma_update(None, "journal_mode", "DELETE")?;
    Ok((there, contents(to)?))
}

/// Runs `work`, which copies `from` into `draft`, and reports progress at intervals and at the end.
fn watched<T>(from: &Connection, draft: &Draft, progress: Progress<'_>, work: impl FnOnce() -> T) -> T {
    let number = |name| from.pragma_query_value(None, name, |row| row.get::<_, u32>(0)).map_or(0, u64::from);
    let whole = (number("page_count") * number("page_size")).max(1);
    let (done, until_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            loop {
                let goes_on = until_done.recv_timeout(TELL_EVERY) == Err(RecvTimeoutError::Timeout);
                let bytes = draft.file().metadata().map_or(0, |file| file.len());
                progress((bytes * 100 / whole).min(100), draft.path());
                if !goes_on {
                    break;
                }
            }
        });
        let outcome = work();
        drop(done);
        outcome
    })
}

fn contents(db: &Connection) -> rusqlite::Result<Contents> {
    db.query_row(
        "SELECT (SELECT count(*) FROM otp_codes), (SELECT count(*) FROM users), (SELECT count(*) FROM api_tokens)",
        [],
        |row| Ok(Contents { codes: row.get(0)?, users: row.get(1)?, tokens: row.get(2)? }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error;

    #[test]
    fn a_full_disk_is_found_among_the_causes() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch("PRAGMA max_page_count = 3; CREATE TABLE filler (data BLOB);").unwrap();
        let full = || db.execute("INSERT INTO filler VALUES (zeroblob(100000))", []).unwrap_err();
        assert!(is_full(&full()));
        assert!(is_full(&error::Error::from(full())));
        assert!(!is_full(&error::Error::unavailable("database or disk is full")));
        assert!(!is_full(&db.execute("INSERT INTO missing VALUES (1)", []).unwrap_err()));
        assert!(is_full(&*migrations::apply(&mut db).unwrap_err()));
    }
}
