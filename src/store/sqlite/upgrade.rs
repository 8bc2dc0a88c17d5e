//! Brings the schema of an existing database up to date. The database is copied first, so that the upgrade can be
//! undone.
//!
//! Each copy is named after the first version that it lacks, such as `otp.db.before-V5`. The copies hold personal data.
//! otpd never deletes them; the operator deletes them when the new version works.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};
use rustix::fs::statvfs;

use crate::store::open_error::OpenError;
use crate::store::sqlite::backup::{self, Replace};
use crate::store::sqlite::create::Create;
use crate::store::sqlite::identity::Files;
use crate::store::sqlite::path::{Location, beside, folder_of};
use crate::store::sqlite::{migrations, open, otp_search};

/// Bytes compared at a time.
const CHUNK: u64 = 1024 * 1024;
/// The most copies kept for one version. Each holds another state of the database.
const MAX_COPIES: u32 = 100;

/// The right to upgrade a database. Only one process has it at a time.
struct UpgradeLock {
    /// The locked WAL. It exists as long as a connection is open, and SQLite itself does not lock it. The kernel
    /// releases the lock when the process ends.
    #[expect(dead_code, reason = "the lock lasts as long as the file is open")]
    wal: File,
    /// The database itself, with symbolic links resolved.
    database: PathBuf,
}

impl UpgradeLock {
    /// Waits until no other process upgrades the database at `path`. `None` if it needs no upgrade or is new.
    ///
    /// # Errors
    /// The database can't be read or locked.
    fn wait(db: &Connection, path: &Path) -> Result<Option<Self>, OpenError> {
        let sqlite = |cause| OpenError::sqlite(path, &cause);
        let is_new = migrations::current(db).map_err(sqlite)? == 0;
        if is_new || migrations::pending(db).map_err(sqlite)?.is_empty() {
            return Ok(None);
        }
        let locked = fs::canonicalize(path).and_then(|database| Ok(Self { wal: lock(&database)?, database }));
        locked.map(Some).map_err(|cause| OpenError::new(path, format!("can't be locked: {cause}")))
    }
}

/// Opens the write connection, brings the schema up to date, and records the open files.
///
/// # Errors
/// One sentence for the operator.
pub(super) fn open_writer(location: Location, create: Create) -> Result<(Connection, Files), OpenError> {
    let (mut connection, file) = open::writer(&location, create)?;
    let path = &location.given().to_owned();
    let lock = UpgradeLock::wait(&connection, location.file())?;
    // If a process holds the write lock permanently, every write fails; the start is the time to report it.
    connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").map_err(|cause| OpenError::sqlite(path, &cause))?;
    let replaced =
        |cause: String| OpenError::new(path, format!("changed while it was being opened: {cause}; start again"));
    let files = Files::opened(location, file).map_err(replaced)?;
    run(&mut connection, path, lock.as_ref())?;
    Ok((connection, files))
}

/// Applies the pending migrations to the database at `path`. With an upgrade lock, the database is copied before.
///
/// # Errors
/// The copy can't be made, or a migration fails. The schema is unchanged then.
fn run(db: &mut Connection, path: &Path, lock: Option<&UpgradeLock>) -> Result<(), OpenError> {
    // Another process may have done the upgrade while this one waited.
    let pending = migrations::pending(db).map_err(|cause| OpenError::sqlite(path, &cause))?;
    if let (Some(lock), Some((first, _))) = (lock, pending.first()) {
        let copy = copy_before(db, &lock.database, *first).map_err(|cause| {
            let reason = format!("it can't be copied, so its schema was not changed: {cause}");
            OpenError::new(path, reason)
        })?;
        log::info!(
            "the database was copied to {} before its schema is migrated; the copy contains personal data; delete it \
             when it is no longer needed",
            copy.display()
        );
        for (version, description) in &pending {
            log::info!("schema migration V{version}: {description}");
        }
    }
    migrations::apply(db)
        .map_err(|cause| OpenError::new(path, format!("the schema can't be brought up to date: {cause}")))?;
    // A migration, another program or an older otpd that was still running may have changed codes.
    index_changes(db).map_err(|cause| OpenError::sqlite(path, &cause))
}

fn index_changes(db: &mut Connection) -> rusqlite::Result<()> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    otp_search::update(&transaction)?;
    transaction.commit()
}

fn lock(database: &Path) -> io::Result<File> {
    let wal = File::open(beside(database, "-wal"))?;
    if wal.try_lock().is_err() {
        log::info!("waiting for another process that migrates the schema of {}", database.display());
    }
    loop {
        match wal.lock() {
            Ok(()) => return Ok(wal),
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
}

/// Copies the database to a new file beside it, with mode 0600 and the owner of the database. Returns the path of the
/// copy. An existing copy is never overwritten. If the last copy holds the same state, the new one is removed.
fn copy_before(db: &Connection, database: &Path, version: i64) -> Result<PathBuf, Box<dyn std::error::Error>> {
    require_space(free_bytes(database), bytes(db)?, database)?;
    let (last, copy) = free_name(database, version)?;
    backup::backup(database, &copy, Replace::Never, &|_, _| {})?;
    if let Some(last) = last
        && have_same_content(&last, &copy)?
    {
        fs::remove_file(&copy)?;
        return Ok(last);
    }
    let (owner, own) = (fs::metadata(database)?, fs::metadata(&copy)?);
    if owner.uid() != own.uid() {
        chown(&copy, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(copy)
}

/// The first free name for a copy, and the name before it.
fn free_name(database: &Path, version: i64) -> Result<(Option<PathBuf>, PathBuf), String> {
    let mut last = None;
    for number in 1..=MAX_COPIES {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let name = beside(database, &format!(".before-V{version}{suffix}"));
        if fs::symlink_metadata(&name).is_err_and(|cause| cause.kind() == ErrorKind::NotFound) {
            return Ok((last, name));
        }
        last = Some(name);
    }
    Err(format!("there are {MAX_COPIES} copies from before V{version}; delete some"))
}

fn bytes(db: &Connection) -> rusqlite::Result<u64> {
    let number = |name| db.pragma_query_value(None, name, |row| row.get::<_, u32>(0)).map(u64::from);
    Ok(number("page_count")? * number("page_size")?)
}

/// Free bytes for this process on the file system of the database; `None` if unknown.
fn free_bytes(database: &Path) -> Option<u64> {
    statvfs(folder_of(database)).ok().map(|there| there.f_bavail.saturating_mul(there.f_frsize))
}

fn require_space(free: Option<u64>, needed: u64, database: &Path) -> Result<(), String> {
    match free {
        Some(free) if free < needed => {
            let folder = folder_of(database).display();
            Err(format!("the copy needs {needed} bytes, and {folder} has {free} bytes free; free some space"))
        }
        _ => Ok(()),
    }
}

fn have_same_content(one: &Path, other: &Path) -> io::Result<bool> {
    let file = fs::symlink_metadata(one)?;
    if !file.is_file() || file.len() != fs::metadata(other)?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (io::BufReader::new(File::open(one)?), io::BufReader::new(File::open(other)?));
    let (mut from_one, mut from_other) = (Vec::new(), Vec::new());
    loop {
        from_one.clear();
        from_other.clear();
        one.by_ref().take(CHUNK).read_to_end(&mut from_one)?;
        other.by_ref().take(CHUNK).read_to_end(&mut from_other)?;
        if from_one != from_other {
            return Ok(false);
        }
        if from_one.is_empty() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests;
