//! Helpers of several modules: files of an unexpected kind or owner.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

/// A user id other than that of otpd.
const OTHER: u32 = 65534;

type Make = fn(&Path);

/// Returns the kinds of files that are not regular files: the name that otpd uses, and a function that creates one.
pub fn kinds() -> Vec<(&'static str, Make)> {
    let mut kinds: Vec<(&str, Make)> = vec![
        ("a directory", |path| fs::create_dir(path).unwrap()),
        ("a FIFO", fifo),
        ("a link", |path| symlink("elsewhere", path).unwrap()),
        ("a socket", |path| drop(UnixListener::bind(path).unwrap())),
    ];
    // Root in a container may lack the right to create devices.
    let folder = tempfile::tempdir().unwrap();
    if make_null(&folder.path().join("null")).is_ok() {
        kinds.push(("a device", |path| make_null(path).unwrap()));
    }
    kinds
}

pub fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// Creates a second `/dev/null`.
fn make_null(path: &Path) -> rustix::io::Result<()> {
    mknodat(CWD, path, FileType::CharacterDevice, Mode::RUSR | Mode::WUSR, makedev(1, 3))
}

pub fn remove(path: &Path) {
    fs::remove_file(path).or_else(|_| fs::remove_dir(path)).unwrap();
}

/// Changes the owner of a file. Returns false if the test does not run as root.
pub fn give_away(path: &Path) -> bool {
    chown(path, Some(OTHER), None).is_ok()
}
