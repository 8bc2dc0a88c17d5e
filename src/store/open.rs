//! How a database file becomes connections: created private, recognised as ours, migrated, and set up alike everywhere.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::store::migrations;

/// "otpd" in ASCII; `migrations/V1__*.sql` writes it.
const APPLICATION_ID: i64 = 1_869_901_924;
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const CACHED_STATEMENTS: usize = 64;
/// Page cache of the writer, in KiB: the pages that a batch touches, and those of the batch before it.
const WRITER_CACHE: i64 = 16 * 1024;
/// Up to this size the whole file is checked at the start, indexes against tables too; of a larger one that would take too
/// long.
const CHECKED_BYTES: u64 = 4 * 1024 * 1024;

/// Why a database can't be used, as one line for the operator.
#[derive(Debug, thiserror::Error)]
#[error("database {path}: {reason}")]
pub struct OpenError {
    path: String,
    reason: String,
}

impl OpenError {
    pub(super) fn new(path: &Path, reason: impl Into<String>) -> Self {
        // SQLite quotes damaged schemas as they are written, line by line.
        let words: Vec<String> = reason.into().split_whitespace().map(str::to_owned).collect();
        Self { path: path.display().to_string(), reason: words.join(" ") }
    }

    pub(super) fn sqlite(path: &Path, cause: &rusqlite::Error) -> Self {
        let reason = match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another process holds its write lock; stop that process, then start again".to_owned()
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                format!(
                    "is damaged or no SQLite database ({cause}); restore a backup, or name another file in database.path"
                )
            }
            Some(ErrorCode::ReadOnly) => "is read-only; make the file and its folder writable for this user".to_owned(),
            _ => cause.to_string(),
        };
        Self::new(path, reason)
    }
}

/// The connection that writes, on a database of the latest schema.
pub(super) fn writer(path: &Path, create: bool) -> Result<Connection, OpenError> {
    ensure_file(path, create)?;
    let file = || fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    let before = file();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|cause| OpenError::sqlite(path, &cause))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|cause| OpenError::sqlite(path, &cause))?;
    require_ours(&connection, path)?;
    patiently(|| set_up(&mut connection)).map_err(|cause| OpenError::sqlite(path, &cause))?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE).map_err(|cause| OpenError::sqlite(path, &cause))?;
    // Whoever holds the write lock for good would make every write fail; the start is the time to say so.
    connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").map_err(|cause| OpenError::sqlite(path, &cause))?;
    if file() != before {
        return Err(OpenError::new(path, "was replaced while it was being opened; start again"));
    }
    migrations::apply(&mut connection)
        .map_err(|cause| OpenError::new(path, format!("the schema can't be brought up to date: {cause}")))?;
    Ok(connection)
}

/// A pool of `count` connections that only read.
pub(super) fn readers(
    path: &Path,
    count: u32,
    wait: Duration,
) -> Result<r2d2::Pool<SqliteConnectionManager>, OpenError> {
    let manager = SqliteConnectionManager::file(path)
        .with_flags(OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .with_init(|connection| {
            set_up(connection)?;
            connection.pragma_update(None, "query_only", true)
        });
    r2d2::Pool::builder()
        .max_size(count)
        .connection_timeout(wait)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_on_check_out(false)
        .build(manager)
        .map_err(|cause| OpenError::new(path, cause.to_string()))
}

/// Repeats what another process is in the way of: SQLite itself does not wait while two of them turn a new file to WAL.
fn patiently(mut step: impl FnMut() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match step() {
            Err(cause) if cause.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(10));
            }
            outcome => return outcome,
        }
    }
}

/// The pragmas of every connection. `page_size` counts where there is no page yet: a change touches some seven pages, and
/// at 2 KiB instead of 4 they make a third less to write, a fifth more changes a second, and lists no slower.
/// `busy_timeout` comes first, so that the others wait for a busy file too.
fn set_up(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    connection.execute_batch(
        "PRAGMA page_size = 2048;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA secure_delete = ON;
         PRAGMA mmap_size = 0;
         PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 16777216;",
    )
}

/// Makes the file before SQLite does: SQLite would make it readable for everyone (its `-wal` and `-shm` take its mode).
fn ensure_file(path: &Path, create: bool) -> Result<(), OpenError> {
    if !create && !path.exists() {
        return Err(OpenError::new(path, "is not there; `otpd serve` creates it, database.path says where"));
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => require_writable(path),
        Err(cause) => Err(OpenError::new(path, format!("can't be created: {cause}"))),
    }
}

/// SQLite opens a write-protected file for reading and fails at the first write; the start is the time to say so.
fn require_writable(path: &Path) -> Result<(), OpenError> {
    let metadata = fs::metadata(path).map_err(|cause| OpenError::new(path, cause.to_string()))?;
    if metadata.is_dir() {
        return Err(OpenError::new(path, "is a folder; name a file in database.path"));
    }
    if !metadata.is_file() {
        return Err(OpenError::new(path, "is no ordinary file; name one in database.path"));
    }
    if metadata.permissions().readonly() {
        return Err(OpenError::new(path, "is read-only; `chmod u+w` it"));
    }
    OpenOptions::new()
        .append(true)
        .open(path)
        .map(drop)
        .map_err(|cause| OpenError::new(path, format!("can't be written: {cause}")))
}

/// Refuses, before anything is written to it, a file that is damaged, another program's, or from a newer otpd.
pub(super) fn require_ours(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let sqlite = |cause| OpenError::sqlite(path, &cause);
    // One read transaction: another process may be making the schema at this moment.
    let connection = connection.unchecked_transaction().map_err(sqlite)?;
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(sqlite)?;
    let foreign =
        "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name <> 'refinery_schema_history'";
    let tables: i64 = connection.query_row(foreign, [], |row| row.get(0)).map_err(sqlite)?;
    if id != APPLICATION_ID && (id != 0 || tables > 0) {
        return Err(OpenError::new(path, "belongs to another program; name another file in database.path"));
    }
    if !migrations::history_is_sound(&connection).map_err(sqlite)? {
        return Err(OpenError::new(path, "is damaged (its schema history can't be read); restore a backup"));
    }
    let (found, known) = (migrations::current(&connection).map_err(sqlite)?, migrations::latest());
    if found > known {
        let reason = format!("was made by a newer otpd (schema {found}, this one knows {known}); install that version");
        return Err(OpenError::new(path, reason));
    }
    let unreadable = |cause: Box<dyn std::error::Error>| OpenError::new(path, format!("can't be compared: {cause}"));
    if found == known
        && let Some(name) = migrations::first_difference(&connection).map_err(unreadable)?
    {
        return Err(OpenError::new(path, format!("is damaged (its {name} is not as otpd makes it); restore a backup")));
    }
    let small = fs::metadata(path).is_ok_and(|metadata| metadata.len() <= CHECKED_BYTES);
    let check = || connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0));
    let finding = if small { check().map_err(sqlite)? } else { "ok".to_owned() };
    if finding != "ok" {
        return Err(OpenError::new(path, format!("is damaged ({finding}); restore a backup")));
    }
    Ok(())
}
