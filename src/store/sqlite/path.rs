//! Resolved paths, and the files beside a file.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{self, Path, PathBuf};

/// The maximum number of symbolic links to follow, as in Linux. More links count as a loop.
const MAX_LINKS: usize = 40;

/// The location of a file: the given path, which messages show, and the resolved path. Symbolic links, `.` and `..` are
/// resolved once, so that the files beside it have the same names for every path to it.
///
/// The resolved path is absolute. SQLite therefore never treats it as a URI (`file:…`) or as `:memory:`.
#[derive(Clone, Debug)]
pub(super) struct Location {
    given: PathBuf,
    file: PathBuf,
    link_owners: Vec<u32>,
}

impl Location {
    /// Resolves `path`. The file itself may be missing, also behind a symbolic link.
    ///
    /// # Errors
    /// The folder is missing or can't be searched, links form a loop, or `path` does not end in a file name.
    pub(super) fn resolve(path: &Path) -> io::Result<Self> {
        let (mut next, mut link_owners) = (path.to_owned(), Vec::new());
        for _ in 0..MAX_LINKS {
            let name = next.file_name().ok_or_else(|| io::Error::other("the path has no file name"))?;
            let folder = fs::canonicalize(folder_of(&next))?;
            let file = folder.join(name);
            match fs::symlink_metadata(&file) {
                Ok(link) if link.is_symlink() => {
                    link_owners.push(link.uid());
                    next = folder.join(fs::read_link(&file)?);
                }
                _ => return Ok(Self { given: path.to_owned(), file, link_owners }),
            }
        }
        Err(io::Error::other("too many symbolic links"))
    }

    /// The path as given.
    pub(super) fn given(&self) -> &Path {
        &self.given
    }

    /// The resolved path: absolute and without symbolic links.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// The given path as an absolute path, if it differs from the resolved one. A link in it may later point elsewhere.
    pub(super) fn unresolved_path(&self) -> Option<PathBuf> {
        path::absolute(&self.given).ok().filter(|given| *given != self.file)
    }

    /// Whether the given path ends in a symbolic link.
    pub(super) fn is_link(&self) -> bool {
        !self.link_owners.is_empty()
    }

    /// The owners of the symbolic links at the end of the given path.
    pub(super) fn link_owners(&self) -> &[u32] {
        &self.link_owners
    }

    /// Returns the path with `suffix` appended to the file name, as SQLite names the files beside a database.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        beside(&self.file, suffix)
    }

    /// Returns the path of [`Location::beside`] as shown in messages.
    pub(super) fn shown_beside(&self, suffix: &str) -> PathBuf {
        beside(if self.is_link() { &self.file } else { &self.given }, suffix)
    }
}

/// Appends `suffix` to a file name.
pub(super) fn beside(name: &Path, suffix: &str) -> PathBuf {
    let mut name = name.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The folder that contains a file.
pub fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Renames `from` to `to`. Never replaces an existing file.
///
/// # Errors
/// `AlreadyExists` if `to` exists.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Err(cause),
        // The file system does not support hard links.
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn all_paths_to_a_file_resolve_to_the_same_path() {
        let folder = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(real.join("data/sub")).unwrap();
        let file = real.join("data/otp.db");
        symlink("data", real.join("current")).unwrap();
        symlink("current/otp.db", real.join("link.db")).unwrap();
        symlink(real.join("link.db"), real.join("second.db")).unwrap();
        let paths = ["data/otp.db", "data/./otp.db", "data/sub/../otp.db", "current/otp.db", "link.db", "second.db"];
        for is_there in [false, true] {
            if is_there {
                fs::write(&file, "").unwrap();
            }
            for path in paths {
                assert_eq!(Location::resolve(&real.join(path)).unwrap().file(), file, "{path}");
            }
        }
        let link = Location::resolve(&real.join("link.db")).unwrap();
        assert_eq!(
            (link.beside("-wal"), link.shown_beside("-wal")),
            (real.join("data/otp.db-wal"), real.join("data/otp.db-wal"))
        );
        assert_eq!(link.unresolved_path(), Some(real.join("link.db")));
        assert_eq!(Location::resolve(&file).unwrap().unresolved_path(), None);
    }

    #[test]
    fn loops_and_paths_without_a_file_name_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        symlink("b", folder.path().join("a")).unwrap();
        assert_eq!(Location::resolve(&folder.path().join("a")).unwrap_err().to_string(), "too many symbolic links");
        for path in ["..", "/"] {
            assert_eq!(Location::resolve(Path::new(path)).unwrap_err().to_string(), "the path has no file name");
        }
        let missing = Location::resolve(&folder.path().join("no/otp.db")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn names_that_sqlite_reads_as_uris_are_plain_file_names() {
        let here = fs::canonicalize(".").unwrap();
        for name in ["file:x?mode=memory", ":memory:", "file::memory:", "x?a#b%41"] {
            assert_eq!(Location::resolve(Path::new(name)).unwrap().file(), here.join(name));
        }
    }

    #[test]
    fn an_existing_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("from"), "new").unwrap();
        symlink("elsewhere", path("link")).unwrap();
        fs::write(path("file"), "old").unwrap();
        for name in ["link", "file"] {
            assert_eq!(rename_new(&path("from"), &path(name)).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        }
        rename_new(&path("from"), &path("free")).unwrap();
        assert!(!path("from").exists() && !path("elsewhere").exists());
        assert_eq!(fs::read_to_string(path("file")).unwrap(), "old");
        assert_eq!(fs::read_to_string(path("free")).unwrap(), "new");
    }
}
