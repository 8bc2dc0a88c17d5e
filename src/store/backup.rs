//! Copies of the database: one of a live database, and one put back in its place. A copy is whole, of one moment,
//! checked, and on the disk before it bears its name.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rusqlite::OpenFlags;
use rusqlite::backup::Backup;
use rustix::fs::{FlockOperation, fcntl_lock};

use crate::domain::timestamp::Timestamp;
use crate::store::Db;
use crate::store::draft::Draft;
use crate::store::open::{self, OpenError};
use crate::store::path::beside;

/// Hears how much of a copy is made, in percent.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

const TELL_EVERY: Duration = Duration::from_millis(200);

/// What a copy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    pub codes: i64,
    pub users: i64,
    pub tokens: i64,
}

/// Copies the database at `source` to `target` while others read and write it. A file that is there already is replaced
/// only if `force` says so.
///
/// # Errors
/// One sentence for the operator; `target` is then as it was.
pub fn backup(source: &Path, target: &Path, force: bool, progress: Progress<'_>) -> Result<Contents, OpenError> {
    refuse_same(source, target)?;
    if target.exists() && !force {
        return Err(OpenError::new(target, "is there already; --force replaces it"));
    }
    let wal = beside(target, "-wal");
    if wal.exists() {
        return Err(OpenError::new(&wal, "would be taken for a part of the copy; move it away"));
    }
    let draft = Draft::beside(target)?;
    let contents = copy(source, &draft, progress)?;
    draft.put(target)?;
    Ok(contents)
}

/// Puts the copy at `source` in the place of the database at `target`, with the owner that it had. What was there is kept
/// under the name that is given back; `now` is a part of it.
///
/// # Errors
/// One sentence for the operator, also where another process has the database open; `target` is then as it was.
pub fn restore(
    source: &Path,
    target: &Path,
    now: Timestamp,
    progress: Progress<'_>,
) -> Result<(Contents, Option<PathBuf>), OpenError> {
    refuse_same(source, target)?;
    // Held until the new file is in place, so that nobody begins to work with the old one meanwhile.
    let old = hold(target)?;
    let draft = Draft::beside(target)?;
    let contents = copy(source, &draft, progress)?;
    let unwritable = |cause: io::Error| OpenError::new(target, format!("can't be replaced: {cause}"));
    if let Some(old) = &old {
        let owner = old.metadata().map_err(unwritable)?;
        chown(draft.path(), Some(owner.uid()), Some(owner.gid())).map_err(unwritable)?;
    }
    let kept = beside(target, &format!(".before-{now}"));
    // A WAL may have stayed behind where the database itself is gone.
    keep_wal(target, &kept).map_err(unwritable)?;
    let put = match &old {
        // A second name, so that the first is never without a file; not every file system can.
        Some(_) => fs::hard_link(target, &kept).or_else(|_| fs::rename(target, &kept)).map_err(unwritable),
        None => Ok(()),
    };
    put.and_then(|()| draft.put(target)).inspect_err(|_| {
        // Where there was no WAL, none comes back.
        let _ = fs::rename(beside(&kept, "-wal"), beside(target, "-wal"));
    })?;
    Ok((contents, old.map(|_| kept)))
}

/// A copy onto itself would destroy what it copies.
fn refuse_same(source: &Path, target: &Path) -> Result<(), OpenError> {
    let file = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    match (file(source), file(target)) {
        (Some(source), Some(same)) if source == same => Err(OpenError::new(target, "is the file to be copied itself")),
        _ => Ok(()),
    }
}

/// Locks a database against everybody else; nothing where there is no file. SQLite holds a lock on every database that it
/// has open, damaged or not, and this one excludes them all.
fn hold(target: &Path) -> Result<Option<File>, OpenError> {
    let file = match File::options().read(true).write(true).open(target) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(OpenError::new(target, format!("can't be replaced: {cause}"))),
    };
    fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| OpenError::new(target, "is in use; stop otpd, and what else has it open, then try again"))?;
    Ok(Some(file))
}

/// Gives the WAL of `target` the name that goes with `kept`: under the copy's name it would be taken for the
/// copy's.
fn keep_wal(target: &Path, kept: &Path) -> io::Result<()> {
    for outcome in [fs::rename(beside(target, "-wal"), beside(kept, "-wal")), fs::remove_file(beside(target, "-shm"))] {
        match outcome {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
    }
    Ok(())
}

/// Copies in one step: smaller ones would begin again at every write of a server's.
fn copy(source: &Path, draft: &Draft, progress: Progress<'_>) -> Result<Contents, OpenError> {
    let sqlite = |cause| OpenError::sqlite(source, &cause);
    let from = Db::open_with_flags(source, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(sqlite)?;
    from.busy_timeout(open::BUSY_TIMEOUT).map_err(sqlite)?;
    open::require_ours(&from, source)?;
    let outcome = watched(&from, draft.path(), progress, || copy_whole(&from, draft.path())).map_err(sqlite)?;
    outcome.map_err(|finding| OpenError::new(source, format!("the copy is not sound ({finding}); nothing was changed")))
}

/// What the copy holds, or what is wrong with it.
fn copy_whole(from: &Db, draft: &Path) -> rusqlite::Result<Result<Contents, String>> {
    // The counts and the copy see the same moment.
    let from = from.unchecked_transaction()?;
    let there = contents(&from)?;
    let mut to = Db::open(draft)?;
    // Whoever opens the file later makes a log of his own; until it is whole, nothing of it is worth a sync.
    to.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
    Backup::new(&from, &mut to)?.step(-1)?;
    to.pragma_update(None, "journal_mode", "DELETE")?;
    let finding: String = to.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    let here = contents(&to)?;
    Ok(match finding.as_str() {
        "ok" if here == there => Ok(here),
        "ok" => Err(format!("{here:?} instead of {there:?}")),
        finding => Err(finding.replace('\n', " ")),
    })
}

/// Runs `work`, which makes a copy of `from` at `draft`, and tells now and then how large it is.
fn watched<T>(from: &Db, draft: &Path, progress: Progress<'_>, work: impl FnOnce() -> T) -> T {
    let number = |name| from.pragma_query_value(None, name, |row| row.get::<_, u32>(0)).map_or(0, u64::from);
    let whole = (number("page_count") * number("page_size")).max(1);
    let (done, until_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = until_done.recv_timeout(TELL_EVERY) {
                progress((fs::metadata(draft).map_or(0, |file| file.len()) * 100 / whole).min(100));
            }
        });
        let outcome = work();
        drop(done);
        outcome
    })
}

fn contents(db: &Db) -> rusqlite::Result<Contents> {
    db.query_row(
        "SELECT (SELECT count(*) FROM otp_codes), (SELECT count(*) FROM users), (SELECT count(*) FROM api_tokens)",
        [],
        |row| Ok(Contents { codes: row.get(0)?, users: row.get(1)?, tokens: row.get(2)? }),
    )
}
