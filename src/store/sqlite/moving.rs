//! SQLite files as the source and the target of a copy between engines.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::store::db::Db;
use crate::store::open_error::OpenError;
use crate::store::sqlite::backup::{Replace, locate_target};
use crate::store::sqlite::create::{self, Create};
use crate::store::sqlite::draft::Draft;
use crate::store::sqlite::extent::require_not_far_less;
use crate::store::sqlite::files::{self, OF_SQLITE};
use crate::store::sqlite::path::Location;
use crate::store::sqlite::{migrations, open};

/// Runs `work` in a read transaction of the database at `path`. No other process has the database open meanwhile, and
/// the files of the database are not changed.
///
/// # Errors
/// One sentence for the operator, also if another process has the database open.
pub(in crate::store) fn read_alone<T>(
    path: &Path,
    work: impl FnOnce(&Db) -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    let source = open::locate(path, Create::Never)?;
    create::require_readable(&source)?;
    files::require_sound(&source)?;
    let sqlite = |cause| OpenError::sqlite(source.given(), &cause);
    let db = open_alone(&source).map_err(|cause| match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::new(
            source.given(),
            "is in use; stop otpd and all other programs that have it open, then try again",
        ),
        _ => sqlite(cause),
    })?;
    open::require_ours(&db, &source)?;
    match migrations::current(&db).map_err(sqlite)? {
        0 => return Err(OpenError::unsound(source.given(), "is empty", open::RESTORE)),
        found if found < migrations::latest() => {
            let reason = "has the schema of an older otpd; start this otpd on it once and stop it, then try again";
            return Err(OpenError::new(source.given(), reason));
        }
        _ => {}
    }
    let transaction = db.unchecked_transaction().map_err(sqlite)?;
    work(&Db::sqlite(&transaction))
}

/// Opens a database with SQLite's exclusive lock, which conflicts with every other connection to a database with a WAL.
/// The connection neither writes nor moves the WAL into the database.
fn open_alone(source: &Location) -> rusqlite::Result<Connection> {
    let db = open::connect(source.file(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    db.busy_timeout(Duration::ZERO)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = ON")?;
    // The first read takes the lock, which lasts as long as the connection.
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(db)
}

/// A file that does not exist yet, or a backup that is replaced.
pub(in crate::store) struct NewFile {
    target: Location,
    is_there: bool,
    /// `None`: the file becomes a database.
    backup: Option<Replace>,
}

impl NewFile {
    /// A new database.
    ///
    /// # Errors
    /// There is a file, or a file of an older database beside it.
    pub(in crate::store) fn database(path: &Path) -> Result<Self, OpenError> {
        let target = open::locate(path, Create::IfNew)?;
        if target.is_link() || fs::symlink_metadata(target.file()).is_ok() {
            return Err(OpenError::new(path, "already exists; give a path at which there is no file"));
        }
        if let Some(suffix) = OF_SQLITE.into_iter().find(|suffix| fs::symlink_metadata(target.beside(suffix)).is_ok()) {
            let reason = "would be read as part of the database; move or delete it";
            return Err(OpenError::of_file(&target.shown_beside(suffix), reason));
        }
        Ok(Self { target, is_there: false, backup: None })
    }

    /// A backup.
    ///
    /// # Errors
    /// The file must not be replaced.
    pub(in crate::store) fn backup(path: &Path, replace: Replace) -> Result<Self, OpenError> {
        let (target, is_there) = locate_target(path, None, replace)?;
        Ok(Self { target, is_there, backup: Some(replace) })
    }

    /// The path as given.
    pub(in crate::store) fn shown(&self) -> String {
        self.target.given().display().to_string()
    }

    /// Creates the schema in a temporary file and lets `work` fill it in one transaction. The file gets its name once
    /// it is checked and synced. `work` also gets the path of the temporary file.
    ///
    /// # Errors
    /// One sentence for the operator. The target is unchanged then.
    pub(in crate::store) fn fill<T>(
        self,
        work: impl FnOnce(&Db, &Path) -> Result<T, OpenError>,
    ) -> Result<T, OpenError> {
        let draft = Draft::beside(&self.target).map_err(|error| self.named(error))?;
        let failed = |cause: rusqlite::Error| self.named(OpenError::sqlite(self.target.given(), &cause));
        let db = new_database(draft.path())
            .map_err(|cause| self.named(OpenError::new(self.target.given(), format!("can't be created: {cause}"))))?;
        let transaction = db.unchecked_transaction().map_err(failed)?;
        let done = work(&Db::sqlite(&transaction), draft.path())?;
        transaction.commit().map_err(failed)?;
        self.require_sound(&db).map_err(|error| self.named(error))?;
        if let (true, Some(Replace::UnlessFarLess { kept_since })) = (self.is_there, self.backup) {
            require_not_far_less(&self.target, &db, kept_since)?;
        }
        db.close().map_err(|(_, cause)| failed(cause))?;
        draft.put(&self.target, self.is_there).map_err(|error| self.named(error))?;
        Ok(done)
    }

    fn named(&self, error: OpenError) -> OpenError {
        if self.backup.is_some() { error.of_backup() } else { error }
    }

    fn require_sound(&self, db: &Connection) -> Result<(), OpenError> {
        open::require_ours(db, &self.target)?;
        let check = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
        let finding = check.map_err(|cause| OpenError::sqlite(self.target.given(), &cause))?;
        if finding == "ok" {
            return Ok(());
        }
        Err(OpenError::new(self.target.given(), format!("the copy is damaged ({finding}); nothing was changed")))
    }
}

/// Creates the schema in an empty file. An unfinished file is discarded, so it needs neither a journal on the disk nor
/// syncs.
fn new_database(file: &Path) -> Result<Connection, Box<dyn std::error::Error>> {
    let mut db = open::connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    db.execute_batch(
        "PRAGMA page_size = 2048;
         PRAGMA journal_mode = MEMORY;
         PRAGMA synchronous = OFF;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -16384",
    )?;
    migrations::apply(&mut db)?;
    Ok(db)
}
