//! Whether there is a database, and whether a new one may be made. A database that is missing where one has been is
//! mostly a volume that is not mounted: a new one would hide that, and its backups would replace the good ones.

use std::fs::{self, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::domain::timestamp::Timestamp;
use crate::store::files::{open_own, other_kind, other_names, traces};
use crate::store::open_error::OpenError;
use crate::store::path::Location;
use crate::store::put_aside::{hold, put_aside};

/// Whether a database is made (mode 0600) if there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    Never,
    /// Unless files beside it show that there was one.
    IfNew,
    /// In any case. A write-ahead log that lies there is of another database: it is kept under a name with this moment in it.
    Always(Timestamp),
}

/// Makes sure that there is a file to open.
///
/// It is made before SQLite makes it: SQLite would make it readable for everyone (its `-wal` and `-shm` take its mode).
///
/// # Errors
/// There is none and none may be made, or what is there is no ordinary, writable file with one name.
pub(super) fn ensure_file(location: &Location, create: Create) -> Result<(), OpenError> {
    // Another process may be making the database. It makes the file first, so what is seen beside it now can't be taken
    // for traces of an older one: the file is seen after them.
    let traces = traces(location);
    let found = fs::symlink_metadata(location.file()).ok();
    match (found, create) {
        (Some(file), _) if file.len() > 0 || !file.is_file() => require_usable(location, &file),
        (_, Create::Never) => Err(missing(location)),
        (None, Create::IfNew) if location.is_link() => Err(missing(location)),
        (_, Create::IfNew) if !traces.is_empty() => Err(missing_beside(location, &traces)),
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

/// Renames the log of an older database, which SQLite would take for the new one's. Where another process has the new
/// database open, the log is that process's.
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
        // Another process was faster.
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {
            let file = fs::symlink_metadata(location.file());
            let file = file.map_err(|cause| OpenError::new(given, format!("can't be examined: {cause}")))?;
            require_usable(location, &file)
        }
        Err(cause) => Err(OpenError::new(given, format!("can't be created: {cause}"))),
    }
}

/// Refuses a file without tables, unless it may become a new database. `has_tables` looks into it.
///
/// # Errors
/// It has none and may get none, or it can't be read.
pub(super) fn require_may_fill(
    location: &Location,
    create: Create,
    has_tables: impl FnOnce() -> Result<bool, OpenError>,
) -> Result<(), OpenError> {
    // Another process may be filling it: what is seen beside it then is seen before the tables are.
    let traces = traces(location);
    if has_tables()? {
        return Ok(());
    }
    // A start that was killed leaves a log, and a database that is not filled yet.
    let is_of_sqlite = |name: &String| name.ends_with("-wal") || name.ends_with("-shm");
    let traces: Vec<String> = traces.into_iter().filter(|name| !is_of_sqlite(name)).collect();
    match create {
        Create::Never => Err(missing(location)),
        Create::IfNew if !traces.is_empty() => Err(missing_beside(location, &traces)),
        Create::IfNew | Create::Always(_) => Ok(()),
    }
}

fn missing(location: &Location) -> OpenError {
    let file = location.file().display();
    let reason = format!(
        "there is no database at {file}; mount its volume, correct database.path, or make a new one with `otpd init`"
    );
    OpenError::missing(location.given(), reason)
}

fn missing_beside(location: &Location, traces: &[String]) -> OpenError {
    let (file, traces) = (location.file().display(), traces.join(", "));
    let reason = format!(
        "there is no database at {file}, but beside it is what one leaves behind ({traces}); mount its volume, restore a \
         backup, or make a new one with `otpd init`"
    );
    OpenError::missing(location.given(), reason)
}

/// Refuses to read a database that is missing, or that is no ordinary file with one name.
///
/// # Errors
/// Which of these it is.
pub(super) fn require_readable(location: &Location) -> Result<(), OpenError> {
    match fs::symlink_metadata(location.file()) {
        Ok(file) if file.len() > 0 || !file.is_file() => require_ordinary(location, &file),
        _ => Err(missing(location)),
    }
}

fn require_ordinary(location: &Location, file: &Metadata) -> Result<(), OpenError> {
    let refused = |reason: String| Err(OpenError::new(location.given(), reason));
    match other_kind(file) {
        Some("a folder") => refused("is a folder; name a file in database.path".to_owned()),
        Some(kind) => refused(format!("is {kind}, not an ordinary file; name one in database.path")),
        None if file.nlink() > 1 => refused(second_name(location.file(), file)),
        None => Ok(()),
    }
}

/// SQLite opens a write-protected file for reading and fails at the first write; the start is the time to report it.
fn require_usable(location: &Location, file: &Metadata) -> Result<(), OpenError> {
    require_ordinary(location, file)?;
    let refused = |reason: String| Err(OpenError::new(location.given(), reason));
    if file.permissions().readonly() {
        return refused("is read-only; `chmod u+w` it".to_owned());
    }
    match open_own(location.file(), OpenOptions::new().append(true)) {
        Ok(_) => Ok(()),
        Err(cause) => refused(format!("can't be written: {cause}")),
    }
}

/// SQLite keeps the log under the name by which a database was opened: under two names it would have two logs, and be
/// corrupted (<https://sqlite.org/howtocorrupt.html>, "Multiple links to the same file").
fn second_name(path: &Path, file: &Metadata) -> String {
    let others: Vec<String> = other_names(path).iter().map(|other| other.display().to_string()).collect();
    let shown = path.display();
    let which = match others.as_slice() {
        [] => format!("find them with `find / -samefile {shown}`"),
        names => format!("the others are {}", names.join(", ")),
    };
    format!(
        "has {} names (hard links), and each would have a log of its own; remove all but one ({which})",
        file.nlink()
    )
}
