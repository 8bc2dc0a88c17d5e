//! A copy of a database that is in use: whole, of one moment, checked, and on the disk before it bears its name.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::OpenFlags;
use rusqlite::backup::Backup;

use crate::store::Db;
use crate::store::open::{self, OpenError};

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
pub fn backup(source: &Path, target: &Path, force: bool) -> Result<Contents, OpenError> {
    if target.exists() && !force {
        return Err(OpenError::new(target, "is there already; --force replaces it"));
    }
    let draft = Draft::beside(target)?;
    let contents = copy(source, &draft.0).map_err(|cause| OpenError::sqlite(source, &cause))??;
    put(&draft.0, target).map_err(|cause| OpenError::new(target, format!("can't be written: {cause}")))?;
    Ok(contents)
}

/// Copies in one step: smaller ones would begin again at every write of the server's.
fn copy(source: &Path, draft: &Path) -> rusqlite::Result<Result<Contents, OpenError>> {
    let from = Db::open_with_flags(source, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    from.busy_timeout(open::BUSY_TIMEOUT)?;
    if let Err(refusal) = open::require_ours(&from, source) {
        return Ok(Err(refusal));
    }
    // The counts and the copy see the same moment.
    let from = from.unchecked_transaction()?;
    let there = contents(&from)?;
    let mut to = Db::open(draft)?;
    Backup::new(&from, &mut to)?.step(-1)?;
    // One file, without a log beside it.
    to.pragma_update(None, "journal_mode", "DELETE")?;
    let finding: String = to.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    let here = contents(&to)?;
    Ok(if finding == "ok" && here == there {
        Ok(here)
    } else {
        Err(OpenError::new(source, format!("the copy is not sound ({})", finding.replace('\n', " "))))
    })
}

fn contents(db: &Db) -> rusqlite::Result<Contents> {
    db.query_row(
        "SELECT (SELECT count(*) FROM otp_codes), (SELECT count(*) FROM users), (SELECT count(*) FROM api_tokens)",
        [],
        |row| Ok(Contents { codes: row.get(0)?, users: row.get(1)?, tokens: row.get(2)? }),
    )
}

/// Moves a finished draft to its name, in such an order that no power cut leaves half of it there.
fn put(draft: &Path, target: &Path) -> io::Result<()> {
    File::open(draft)?.sync_all()?;
    fs::rename(draft, target)?;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// A private file beside the target that is gone again unless it was put in its place.
struct Draft(PathBuf);

impl Draft {
    fn beside(target: &Path) -> Result<Self, OpenError> {
        let name = target.file_name().ok_or_else(|| OpenError::new(target, "names no file"))?;
        let draft = target.with_file_name(format!(".{}.{}.part", name.display(), std::process::id()));
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .map_err(|cause| OpenError::new(&draft, format!("can't be created: {cause}")))?;
        Ok(Self(draft))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Where it bears its name now, there is nothing to remove.
        let _ = fs::remove_file(&self.0);
    }
}
