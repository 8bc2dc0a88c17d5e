//! Files that are not what otpd expects, for the tests of several modules.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

/// A user that otpd does not run as.
const OTHER: u32 = 65534;

type Make = fn(&Path);

/// What may be found in place of an ordinary file: what otpd calls it, and how to make it.
pub fn kinds() -> Vec<(&'static str, Make)> {
    let mut kinds: Vec<(&str, Make)> = vec![
        ("a folder", |path| fs::create_dir(path).unwrap()),
        ("a FIFO", fifo),
        ("a link", |path| symlink("elsewhere", path).unwrap()),
        ("a socket", |path| drop(UnixListener::bind(path).unwrap())),
    ];
    // Not every root can make devices.
    let folder = tempfile::tempdir().unwrap();
    if make_null(&folder.path().join("null")).is_ok() {
        kinds.push(("a device", |path| make_null(path).unwrap()));
    }
    kinds
}

pub fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// A second `/dev/null`.
fn make_null(path: &Path) -> rustix::io::Result<()> {
    mknodat(CWD, path, FileType::CharacterDevice, Mode::RUSR | Mode::WUSR, makedev(1, 3))
}

pub fn remove(path: &Path) {
    fs::remove_file(path).or_else(|_| fs::remove_dir(path)).unwrap();
}

/// Gives a file to another user, which only root can do; whether it did.
pub fn give_away(path: &Path) -> bool {
    chown(path, Some(OTHER), None).is_ok()
}
