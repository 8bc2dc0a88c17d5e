//! Opens connections to a database file: creates it for this user only, checks that it is otpd's, and sets the pragmas.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::store::open_error::OpenError;
use crate::store::sqlite::create::{self, Create};
use crate::store::sqlite::files::{self, open_own};
use crate::store::sqlite::migrations;
use crate::store::sqlite::path::Location;

/// "otpd" in ASCII. `migrations/sqlite/V1__*.sql` sets it.
const APPLICATION_ID: i64 = 1_869_901_924;
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const CACHED_STATEMENTS: usize = 64;
/// The advice for a damaged database.
pub(super) const RESTORE: &str = "restore a backup";
/// Page cache of the writer, in KiB. It holds the pages of the current batch and of the previous one.
const WRITER_CACHE: i64 = 16 * 1024;
/// Files up to this size get a full integrity check at the start, including the indexes. For a larger file the check
/// takes too long.
const CHECKED_BYTES: u64 = 4 * 1024 * 1024;

/// Resolves the path of a database.
///
/// # Errors
/// The folder is missing or can't be searched.
pub(super) fn locate(path: &Path, create: Create) -> Result<Location, OpenError> {
    Location::resolve(path).map_err(|cause| match (cause.kind(), create) {
        (ErrorKind::NotFound, Create::Never) => {
            OpenError::missing(path, "its directory does not exist; mount its volume, or correct database.path")
        }
        _ => OpenError::new(path, format!("can't be created: {cause}")),
    })
}

/// The flags of every connection. The path is already resolved; a symbolic link put there later is not followed.
fn flags(access: OpenFlags) -> OpenFlags {
    access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW
}

/// Opens a connection to an existing file.
pub(super) fn connect(file: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(file, flags(access))?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Opens an otpd database for inspection without leaving a WAL behind; `None` for any other file.
///
/// # Errors
/// The file can't be read, or another process locks it.
pub(super) fn open_for_inspection(file: &Path) -> rusqlite::Result<Option<Connection>> {
    let open = || {
        let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        Ok((id == APPLICATION_ID).then_some(connection))
    };
    open().or_else(|cause: rusqlite::Error| if is_of_other_format(&cause) { Ok(None) } else { Err(cause) })
}

/// Whether an error shows that a file is not a sound database, in contrast to a file that can't be read at present.
pub(super) fn is_of_other_format(cause: &rusqlite::Error) -> bool {
    matches!(cause.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

/// Opens the write connection, with the schema unchanged, and the database file itself.
pub(super) fn writer(location: &Location, create: Create) -> Result<(Connection, File), OpenError> {
    let path = location.given();
    create::ensure_file(location, create)?;
    files::require_sound(location)?;
    let file = open_own(location.file(), File::options().read(true));
    let file = file.map_err(|cause| OpenError::new(path, format!("can't be read: {cause}")))?;
    let sqlite = |cause| OpenError::sqlite(path, &cause);
    let mut connection = connect(location.file(), OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(sqlite)?;
    require_ours(&connection, location)?;
    create::require_may_fill(location, create, || Ok(migrations::current(&connection).map_err(sqlite)? > 0))?;
    retry_while_busy(|| set_up(&mut connection)).map_err(sqlite)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE).map_err(sqlite)?;
    Ok((connection, file))
}

/// Opens a reader for look-ups on an event loop. It does not wait while another process locks the database.
pub(super) fn loop_reader(location: &Location) -> Result<Connection, OpenError> {
    let open = || {
        let mut connection = connect(location.file(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        set_up_reader(&mut connection)?;
        connection.busy_timeout(Duration::ZERO)?;
        Ok(connection)
    };
    open().map_err(|cause| OpenError::sqlite(location.given(), &cause))
}

/// Opens the connection that makes the bulk of the checkpoints.
pub(super) fn checkpointer(location: &Location) -> Result<Connection, OpenError> {
    let open = || {
        let mut connection = connect(location.file(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        set_up(&mut connection)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(connection)
    };
    open().map_err(|cause| OpenError::sqlite(location.given(), &cause))
}

/// Opens a pool of `count` read-only connections.
pub(super) fn readers(
    location: &Location,
    count: u32,
    wait: Duration,
) -> Result<r2d2::Pool<SqliteConnectionManager>, OpenError> {
    let manager = SqliteConnectionManager::file(location.file())
        .with_flags(flags(OpenFlags::SQLITE_OPEN_READ_ONLY))
        .with_init(set_up_reader);
    r2d2::Pool::builder()
        .max_size(count)
        .connection_timeout(wait)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_on_check_out(false)
        .build(manager)
        .map_err(|cause| OpenError::new(location.given(), cause.to_string()))
}

/// Retries `step` while another process blocks it. SQLite itself does not wait while two processes switch a new file to
/// WAL.
fn retry_while_busy(mut step: impl FnMut() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
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

/// Sets the pragmas of every connection. `page_size` has an effect only on an empty database. A change touches about
/// seven pages. Pages of 2 KiB instead of 4 mean a third less to write and a fifth more changes per second, and lists
/// are no slower. `busy_timeout` comes first, so that the other pragmas wait for a busy file too.
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
         PRAGMA temp_store = MEMORY;",
    )
}

fn set_up_reader(connection: &mut Connection) -> rusqlite::Result<()> {
    set_up(connection)?;
    connection.pragma_update(None, "query_only", true)
}

/// Refuses a file that is damaged, belongs to another program, or comes from a newer otpd. Writes nothing to it.
///
/// # Errors
/// The reason, as one sentence.
pub(super) fn require_ours(connection: &Connection, location: &Location) -> Result<(), OpenError> {
    let path = location.given();
    let sqlite = |cause| OpenError::sqlite(path, &cause);
    // One read transaction: another process may be creating the schema at this moment.
    let connection = connection.unchecked_transaction().map_err(sqlite)?;
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(sqlite)?;
    let foreign =
        "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name <> 'refinery_schema_history'";
    let tables: i64 = connection.query_row(foreign, [], |row| row.get(0)).map_err(sqlite)?;
    if id != APPLICATION_ID && (id != 0 || tables > 0) {
        return Err(OpenError::unsound(path, "belongs to another program", "name another file in database.path"));
    }
    if !migrations::history_is_sound(&connection).map_err(sqlite)? {
        return Err(OpenError::unsound(path, "is damaged (its schema history can't be read)", RESTORE));
    }
    let (found, known) = (migrations::current(&connection).map_err(sqlite)?, migrations::latest());
    if found > known {
        let reason =
            format!("was created by a newer otpd (schema {found}; this otpd supports {known}); install that version");
        return Err(OpenError::new(path, reason));
    }
    let unreadable = |cause: Box<dyn std::error::Error>| OpenError::new(path, format!("can't be checked: {cause}"));
    if found == known
        && let Some(name) = migrations::first_difference(&connection).map_err(unreadable)?
    {
        return Err(OpenError::unsound(path, format!("is damaged (the definition of {name} is wrong)"), RESTORE));
    }
    let small = fs::metadata(location.file()).is_ok_and(|metadata| metadata.len() <= CHECKED_BYTES);
    let check = || connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0));
    let finding = if small { check().map_err(sqlite)? } else { "ok".to_owned() };
    if finding != "ok" {
        return Err(OpenError::unsound(path, format!("is damaged ({finding})"), RESTORE));
    }
    Ok(())
}
