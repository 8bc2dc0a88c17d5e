//! Checks that the open files are still the files at their paths. A file that was removed, replaced or unmounted can
//! still be written, but its content is lost when the process ends. Nothing may be acknowledged then.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::mem::ManuallyDrop;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::error::{self, Error};
use crate::store::sqlite::files::{FileId, OUTBOX, Owners, fault_of_lock, id};
use crate::store::sqlite::path::Location;

/// The first bytes of a database do not change while it has a WAL. A copy made by otpd has no WAL, so its header
/// differs (<https://sqlite.org/fileformat.html#the_database_header>).
const HEADER: usize = 20;

/// The files of an open database, and its outbox lock.
pub(super) struct Files {
    location: Location,
    /// The given path, if it contains a symbolic link that may later point elsewhere.
    unresolved_path: Option<PathBuf>,
    /// Never closed: closing it would release SQLite's locks, which belong to the process and not to the descriptor.
    file: ManuallyDrop<File>,
    header: [u8; HEADER],
    database: FileId,
    wal: (PathBuf, FileId),
    shm: (PathBuf, FileId),
    /// The lock that this process holds.
    held: Mutex<Option<FileId>>,
    /// Why the last attempt to take the lock failed.
    lock_failure: Mutex<Option<String>>,
    database_faults: FaultLog,
    outbox_faults: FaultLog,
}

/// Logs a fault once when it begins and once when it ends.
struct FaultLog {
    consequence: &'static str,
    recovered_message: &'static str,
    has_fault: Mutex<bool>,
}

impl FaultLog {
    fn new(consequence: &'static str, recovered_message: &'static str) -> Self {
        Self { consequence, recovered_message, has_fault: Mutex::new(false) }
    }

    /// Runs `check` and logs a change of state. Returns whether there is no fault. The mutex is held meanwhile, so
    /// that no outdated result is logged.
    fn check(&self, check: impl FnOnce() -> Result<(), String>) -> bool {
        let mut has_fault = self.has_fault.lock();
        let outcome = check();
        match &outcome {
            Err(cause) if !*has_fault => log::error!("{}: {cause}", self.consequence),
            Ok(()) if *has_fault => log::info!("{}", self.recovered_message),
            _ => {}
        }
        *has_fault = outcome.is_err();
        !*has_fault
    }
}

impl Files {
    /// Records the files that a connection has open now. `file` was opened at its path before. The connection has
    /// already read the database, so SQLite has opened the WAL too.
    ///
    /// # Errors
    /// A file is not in place.
    pub(super) fn opened(location: Location, file: File) -> Result<Self, String> {
        let file = ManuallyDrop::new(file);
        let unreadable = |cause: io::Error| format!("{} can't be read: {cause}", location.file().display());
        let database = id(&file.metadata().map_err(unreadable)?);
        let header = header(&file).map_err(unreadable)?;
        let beside = |suffix: &str| {
            let path = location.beside(suffix);
            match fs::symlink_metadata(&path) {
                Ok(file) => Ok((path, id(&file))),
                Err(cause) => Err(format!("{} can't be examined: {cause}", path.display())),
            }
        };
        let (wal, shm) = (beside("-wal")?, beside("-shm")?);
        let files = Self {
            unresolved_path: location.unresolved_path(),
            file,
            header,
            database,
            wal,
            shm,
            held: Mutex::new(None),
            lock_failure: Mutex::new(None),
            database_faults: FaultLog::new(
                "changes are refused until the database files are restored or otpd is started again",
                "the database files are restored: changes are accepted again",
            ),
            outbox_faults: FaultLog::new(
                "messages are neither accepted nor delivered",
                "the outbox lock is valid again: messages are accepted and delivered",
            ),
            location,
        };
        files.require_as_opened().map(|()| files)
    }

    /// The same check as while serving, without logging. Used before serving begins.
    ///
    /// # Errors
    /// Which file is not in place.
    pub(super) fn require_as_opened(&self) -> Result<(), String> {
        self.database_fault().map_or(Ok(()), Err)
    }

    /// Syncs the database file, but not the WAL, to the disk.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn sync_database(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    pub(super) fn location(&self) -> &Location {
        &self.location
    }

    /// Whether every file of the database is in place. Logs the cause as an error when a file is first found missing.
    pub(super) fn is_database_in_place(&self) -> bool {
        self.database_faults.check(|| self.require_as_opened())
    }

    /// Whether the database is in place, and the outbox lock is in order or can be created.
    pub(super) fn is_outbox_in_order(&self) -> bool {
        // If the folder is gone, the lock is gone too. That is one cause and is logged once.
        let check = || match self.outbox_fault() {
            Some(fault) if self.require_as_opened().is_ok() => Err(fault),
            _ => Ok(()),
        };
        self.is_database_in_place() && self.outbox_faults.check(check)
    }

    /// The check behind `/readyz`: refuses while a file is not in place.
    ///
    /// # Errors
    /// Unavailable. The cause has been logged.
    pub(super) fn require_in_place(&self) -> error::Result<()> {
        if self.is_outbox_in_order() { Ok(()) } else { Err(Error::unavailable_as_logged()) }
    }

    /// Whether the database is in place while the WAL or its index is missing, and no other file is at their paths. The
    /// open WAL is then the only one.
    pub(super) fn is_only_wal_missing(&self) -> bool {
        let is_gone = |path: &Path| fs::symlink_metadata(path).is_err_and(|cause| cause.kind() == ErrorKind::NotFound);
        let is_harmless = |(path, open): &(PathBuf, FileId)| {
            is_gone(path) || file_fault(path, *open, fs::symlink_metadata(path)).is_none()
        };
        self.path_fault().is_none() && is_harmless(&self.wal) && is_harmless(&self.shm)
    }

    fn database_fault(&self) -> Option<String> {
        let of = |(path, open): &(PathBuf, FileId)| file_fault(path, *open, fs::symlink_metadata(path));
        self.path_fault().or_else(|| of(&self.wal)).or_else(|| of(&self.shm))
    }

    /// Detects another file copied over the database, which keeps the name and inode.
    fn content_fault(&self) -> Option<String> {
        match header(&self.file) {
            Ok(header) if header == self.header => None,
            _ => Some(format!("{} was overwritten while otpd had it open", self.location.file().display())),
        }
    }

    fn path_fault(&self) -> Option<String> {
        let file = self.location.file();
        file_fault(file, self.database, fs::symlink_metadata(file))
            .or_else(|| {
                self.unresolved_path.as_ref().and_then(|path| file_fault(path, self.database, fs::metadata(path)))
            })
            .or_else(|| self.content_fault())
    }

    fn outbox_fault(&self) -> Option<String> {
        if let Some(failure) = self.lock_failure.lock().clone() {
            return Some(failure);
        }
        let path = self.location.beside(OUTBOX);
        let there = fs::symlink_metadata(&path);
        let owners = Owners::around(self.location.file());
        if let Some(fault) = there.as_ref().ok().and_then(|file| fault_of_lock(file, owners)) {
            return Some(format!("{} {fault}", path.display()));
        }
        match (there, *self.held.lock()) {
            (there, Some(open)) => file_fault(&path, open, there),
            (Err(cause), None) if cause.kind() != ErrorKind::NotFound => {
                Some(format!("{} can't be examined: {cause}", path.display()))
            }
            _ => None,
        }
    }

    /// Records why the lock can't be taken although no other process holds it; `None` if it can be taken.
    pub(super) fn note_lock_failure(&self, failure: Option<String>) {
        *self.lock_failure.lock() = failure;
    }

    /// Records which lock this process holds; `None` if none.
    pub(super) fn hold(&self, lock: Option<FileId>) {
        *self.held.lock() = lock;
    }
}

fn header(file: &File) -> io::Result<[u8; HEADER]> {
    let mut header = [0; HEADER];
    file.read_exact_at(&mut header, 0).map(|()| header)
}

/// Describes what happened to an open file, as a sentence; `None` if it is still at its path.
fn file_fault(path: &Path, open: FileId, there: io::Result<Metadata>) -> Option<String> {
    let shown = path.display();
    match there {
        Ok(file) if id(&file) == open => None,
        Ok(_) => Some(format!("{shown} was replaced by another file while otpd had it open")),
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Some(format!("{shown} was removed, renamed or unmounted while otpd had it open"))
        }
        Err(cause) => Some(format!("{shown} can't be examined: {cause}")),
    }
}
