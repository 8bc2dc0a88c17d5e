//! otpd's own files: the database, the files that SQLite and otpd keep beside it, and the first admin's token. Each
//! must be a regular file that belongs to the user that otpd runs as or to the owner of the database. Root is checked
//! too, because permission bits do not restrict root.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::geteuid;

use crate::store::open_error::OpenError;
use crate::store::sqlite::path::{Location, folder_of};

/// Suffixes of the files that SQLite keeps beside a database.
pub(super) const OF_SQLITE: [&str; 3] = ["-wal", "-shm", "-journal"];
/// Suffix of the lock file of the process that delivers messages.
pub(super) const OUTBOX: &str = "-outbox";
/// Name of the file to which the first start writes the admin's token.
pub(super) const ADMIN_TOKEN: &str = "admin.token";
/// Suffix of the files that `restore` and `init` keep; a timestamp follows.
pub(super) const KEPT: &str = ".before-";

/// Device and inode: identifies a file independently of its name.
pub(super) type FileId = (u64, u64);

pub(super) fn id(file: &Metadata) -> FileId {
    (file.dev(), file.ino())
}

/// Opens a file without following a symbolic link, and without blocking on a FIFO.
///
/// # Errors
/// Those of opening a file.
pub(super) fn open_own(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()).open(path)
}

/// The kind of a file that is not a regular one; `None` for a regular file.
pub(super) fn other_kind(file: &Metadata) -> Option<&'static str> {
    let kind = file.file_type();
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a directory")
    } else if kind.is_symlink() {
        Some("a link")
    } else if kind.is_fifo() {
        Some("a FIFO")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}

/// The users whose files are accepted.
#[derive(Clone, Copy)]
pub(super) struct Owners {
    process: u32,
    database: Option<u32>,
}

impl Owners {
    /// Accepts the user that this process runs as and the owner of `database`.
    pub(super) fn around(database: &Path) -> Self {
        let owner = fs::symlink_metadata(database).ok().map(|file| file.uid());
        Self { process: geteuid().as_raw(), database: owner }
    }

    /// What is wrong with a file: the end of a sentence that begins with its name. `None` if nothing is wrong.
    pub(super) fn fault(&self, file: &Metadata) -> Option<String> {
        if let Some(kind) = other_kind(file) {
            return Some(format!("is {kind}, but otpd needs a regular file there; remove it"));
        }
        if file.uid() == self.process || Some(file.uid()) == self.database {
            return None;
        }
        let (owner, process) = (file.uid(), self.process);
        Some(format!("belongs to user {owner}, but otpd runs as user {process}; change its owner or remove it"))
    }

    /// The same for the file at `path`; `None` if it does not exist.
    pub(super) fn fault_at(&self, path: &Path) -> Option<String> {
        match fs::symlink_metadata(path) {
            Ok(file) => self.fault(&file),
            Err(cause) if cause.kind() == ErrorKind::NotFound => None,
            Err(cause) => Some(format!("can't be examined: {cause}")),
        }
    }
}

/// What is wrong with a lock file. One with a second hard link could also be the lock of another database.
pub(super) fn fault_of_lock(file: &Metadata, owners: Owners) -> Option<String> {
    owners.fault(file).or_else(|| {
        (file.nlink() > 1).then(|| "has a second hard link; remove both, and otpd creates a new file".to_owned())
    })
}

/// Refuses a database if a file that SQLite keeps beside it is not otpd's own.
///
/// # Errors
/// Names the file and what is wrong with it.
pub(super) fn require_sound(location: &Location) -> Result<(), OpenError> {
    let owners = Owners::around(location.file());
    let second_name = |path: &Path| {
        let is_linked = fs::symlink_metadata(path).is_ok_and(|file| file.nlink() > 1);
        is_linked.then(|| "has a second hard link, and SQLite would overwrite that file; remove it".to_owned())
    };
    let fault = |suffix: &'static str| {
        let path = location.beside(suffix);
        Some((suffix, owners.fault_at(&path).or_else(|| second_name(&path))?))
    };
    match OF_SQLITE.into_iter().find_map(fault) {
        Some((suffix, fault)) => Err(OpenError::new(&location.shown_beside(suffix), fault)),
        None => Ok(()),
    }
}

/// Refuses an outbox lock or an admin token file that is not otpd's own. A server needs both in addition to the
/// database.
///
/// # Errors
/// Names the file and what is wrong with it.
pub(super) fn require_sound_for_serving(location: &Location) -> Result<(), OpenError> {
    let owners = Owners::around(location.file());
    let lock = match fs::symlink_metadata(location.beside(OUTBOX)) {
        Ok(file) => fault_of_lock(&file, owners),
        Err(_) => owners.fault_at(&location.beside(OUTBOX)),
    };
    if let Some(fault) = lock {
        return Err(OpenError::new(&location.shown_beside(OUTBOX), fault));
    }
    let token = location.file().with_file_name(ADMIN_TOKEN);
    match owners.fault_at(&token) {
        Some(fault) => Err(OpenError::new(&token, fault)),
        None => Ok(()),
    }
}

/// Findings for `otpd doctor`, one sentence each: a file beside the database that a start would refuse, and files that
/// other users can read.
pub fn findings(path: &Path) -> Vec<String> {
    let Ok(location) = Location::resolve(path) else { return Vec::new() };
    let refused = require_sound_for_serving(&location).err().map(|error| error.to_string());
    let token = location.file().with_file_name(ADMIN_TOKEN);
    let beside = OF_SQLITE.into_iter().chain([OUTBOX]).map(|suffix| location.beside(suffix));
    let is_open =
        |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|file| file.is_file() && file.mode() & 0o077 != 0);
    let open = beside.chain([token]).filter(is_open);
    refused
        .into_iter()
        .chain(open.map(|path| format!("other users can read {0}; run `chmod 600 {0}`", path.display())))
        .collect()
}

/// The file to which the first start on this database writes the admin's token.
pub fn admin_token_of(database: &Path) -> PathBuf {
    let location = Location::resolve(database);
    location.as_ref().map_or(database, Location::file).with_file_name(ADMIN_TOKEN)
}

/// Whether `path` is a database, or a file that otpd or SQLite keeps beside it.
pub(super) fn is_of_database(path: &Path, database: &Location) -> bool {
    let beside = OF_SQLITE.into_iter().chain(["", OUTBOX]).map(|suffix| database.beside(suffix));
    beside.chain([database.file().with_file_name(ADMIN_TOKEN)]).any(|own| own == path)
}

/// The names of existing files that serving or restoring a database leaves beside it.
pub(super) fn traces(location: &Location) -> Vec<String> {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let fixed = [location.file().with_file_name(ADMIN_TOKEN), location.beside(OUTBOX)];
    let of_sqlite = ["-wal", "-shm"].map(|suffix| location.beside(suffix));
    let mut traces: Vec<String> = fixed
        .iter()
        .chain(&of_sqlite)
        .filter(|path| fs::symlink_metadata(path).is_ok())
        .filter_map(|path| name(path))
        .collect();
    let kept = name(&location.beside(KEPT)).unwrap_or_default();
    let mut others: Vec<String> =
        names_in(folder_of(location.file())).filter(|other| other.starts_with(&kept)).collect();
    others.sort_unstable();
    traces.append(&mut others);
    traces
}

/// The other hard links of a file in its folder.
pub(super) fn other_names(path: &Path) -> Vec<PathBuf> {
    let Ok(file) = fs::symlink_metadata(path) else { return Vec::new() };
    let folder = folder_of(path);
    let same =
        |other: &PathBuf| other != path && fs::symlink_metadata(other).is_ok_and(|other| id(&other) == id(&file));
    names_in(folder).map(|name| folder.join(name)).filter(same).collect()
}

/// The names in a folder; empty if it can't be read.
fn names_in(folder: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
}

/// Changes the owner of a file that root created beside a database to the owner of the database, because that user may
/// run otpd later.
///
/// # Errors
/// The owner can't be changed.
pub fn give_to_owner_of(file: &File, database: &Path) -> io::Result<()> {
    match fs::symlink_metadata(database) {
        Ok(database) if geteuid().is_root() && database.uid() != 0 => {
            fchown(file, Some(database.uid()), Some(database.gid()))
        }
        _ => Ok(()),
    }
}
