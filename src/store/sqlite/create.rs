//! Decides whether a database exists and whether a new one may be created. If a database is missing where one was
//! before, its volume is usually not mounted. A new database would hide that, and its backups would replace the good
//! ones.

use std::fs::{self, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::domain::timestamp::Timestamp;
use crate::store::open_error::OpenError;
use crate::store::sqlite::files::{open_own, other_kind, other_names, traces};
use crate::store::sqlite::path::Location;
use crate::store::sqlite::put_aside::{hold, put_aside};

/// Whether a missing database is created (mode 0600).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    Never,
    /// Creates it, except if files beside it show that there was one.
    IfNew,
    /// Always creates it. An existing write-ahead log belongs to another database and is renamed; the new name contains
    /// this timestamp.
    Always(Timestamp),
}

/// Makes sure that the database file exists.
///
/// The file is created before SQLite opens it, because SQLite would make it readable for all users. Its `-wal` and
/// `-shm` files inherit the mode.
///
/// # Errors
/// The file is missing and may not be created, or it is not a regular, writable file with a single name.
pub(super) fn ensure_file(location: &Location, create: Create) -> Result<(), OpenError> {
    // Order matters: the traces are listed before the file is looked up. Another process that creates the database
    // creates the file first, so its other files are not mistaken for traces of an older database.
    let traces = traces(location);
    let found = find(location)?;
    match (found, create) {
        (Some(file), _) if file.len() > 0 || !file.is_file() => require_usable(location, &file),
        (_, Create::Never) => Err(missing(location)),
        (None, Create::IfNew) if location.is_link() => Err(missing(location)),
        (_, Create::IfNew) if !traces.is_empty() => Err(missing_with_leftovers(location, &traces)),
        (found, create) => {
            match &found {
                Some(empty) => require_usable(location, empty)?,
                None => make(location)?,
            }
            match create {
                Create::Always(now) => put_aside_if_new(location, now),
                Create::IfNew | Create::Never => Ok(()),
            }
        }
    }
}

/// The database file, if it exists.
fn find(location: &Location) -> Result<Option<Metadata>, OpenError> {
    match fs::symlink_metadata(location.file()) {
        Ok(file) => Ok(Some(file)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(OpenError::new(location.given(), format!("can't be examined: {cause}"))),
    }
}

/// Renames the WAL of an older database, which SQLite would apply to the new one. Does nothing if another process has
/// the new database open, because the WAL is then that process's.
fn put_aside_if_new(location: &Location, now: Timestamp) -> Result<(), OpenError> {
    let Ok(Some(held)) = hold(location) else { return Ok(()) };
    let outcome = match held.metadata() {
        Ok(file) if file.len() == 0 => put_aside(location, now),
        Ok(_) => Ok(()),
        Err(cause) => Err(cause),
    };
    outcome.map_err(|cause| OpenError::new(location.given(), format!("can't be created: {cause}")))
}

fn make(location: &Location) -> Result<(), OpenError> {
    let given = location.given();
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(location.file()) {
        Ok(_) => Ok(()),
        // Another process created it first.
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => match find(location)? {
            Some(file) => require_usable(location, &file),
            None => Err(OpenError::new(given, "was removed while it was being created; start again")),
        },
        Err(cause) => Err(OpenError::new(given, format!("can't be created: {cause}"))),
    }
}

/// Refuses a file without tables, unless it may become a new database. `has_tables` queries it.
///
/// # Errors
/// The file has no tables and may not get any, or it can't be read.
pub(super) fn require_may_fill(
    location: &Location,
    create: Create,
    has_tables: impl FnOnce() -> Result<bool, OpenError>,
) -> Result<(), OpenError> {
    // Order matters: the traces are listed before the tables are queried, because another process may be filling the
    // database.
    let traces = traces(location);
    if has_tables()? {
        return Ok(());
    }
    // A killed first start leaves a WAL and a database without tables.
    let is_of_sqlite = |name: &String| name.ends_with("-wal") || name.ends_with("-shm");
    let traces: Vec<String> = traces.into_iter().filter(|name| !is_of_sqlite(name)).collect();
    match create {
        Create::Never => Err(missing(location)),
        Create::IfNew if !traces.is_empty() => Err(missing_with_leftovers(location, &traces)),
        Create::IfNew | Create::Always(_) => Ok(()),
    }
}

fn missing(location: &Location) -> OpenError {
    let file = location.file().display();
    let reason = format!(
        "there is no database at {file}; mount its volume, correct database.path, or create a new one with `otpd init`"
    );
    OpenError::missing(location.given(), reason)
}

fn missing_with_leftovers(location: &Location, traces: &[String]) -> OpenError {
    let (file, traces) = (location.file().display(), traces.join(", "));
    let reason = format!(
        "there is no database at {file}, but files of an older database are in its directory ({traces}); mount its \
         volume, restore a backup, or create a new one with `otpd init`"
    );
    OpenError::missing(location.given(), reason)
}

/// Refuses to read a database that is missing, or that is not a regular file with a single name.
///
/// # Errors
/// The reason, as one sentence.
pub(super) fn require_readable(location: &Location) -> Result<(), OpenError> {
    match find(location)? {
        Some(file) if file.len() > 0 || !file.is_file() => require_regular_file(location, &file),
        _ => Err(missing(location)),
    }
}

fn require_regular_file(location: &Location, file: &Metadata) -> Result<(), OpenError> {
    let refused = |reason: String| Err(OpenError::new(location.given(), reason));
    match other_kind(file) {
        Some("a directory") => refused("is a directory; name a file in database.path".to_owned()),
        Some(kind) => refused(format!("is {kind}, not a regular file; name a regular file in database.path")),
        None if file.nlink() > 1 => refused(second_name(location.file(), file)),
        None => Ok(()),
    }
}

/// Refuses a file that can't be written. SQLite opens a write-protected file for reading and fails only at the first
/// write; the start is the time to report it.
fn require_usable(location: &Location, file: &Metadata) -> Result<(), OpenError> {
    require_regular_file(location, file)?;
    let refused = |reason: String| Err(OpenError::new(location.given(), reason));
    if file.permissions().readonly() {
        return refused("is read-only; make it writable with `chmod u+w`".to_owned());
    }
    match open_own(location.file(), OpenOptions::new().append(true)) {
        Ok(_) => Ok(()),
        Err(cause) => refused(format!("can't be written: {cause}")),
    }
}

/// The reason for refusing a file with several hard links. SQLite names the WAL after the name by which the database
/// was opened. Two names would mean two WALs and a corrupt database (<https://sqlite.org/howtocorrupt.html>, "Multiple
/// links to the same file").
fn second_name(path: &Path, file: &Metadata) -> String {
    let others: Vec<String> = other_names(path).iter().map(|other| other.display().to_string()).collect();
    let shown = path.display();
    let which = match others.as_slice() {
        [] => format!("find them with `find / -samefile {shown}`"),
        names => format!("the others are {}", names.join(", ")),
    };
    format!(
        "has {} hard links, and each would have its own write-ahead log; remove all but one ({which})",
        file.nlink()
    )
}
