//! The files that `otpd restore` reads and replaces.

use std::fs;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::{Duration, Instant};

use crate::files::fifo;
use crate::helpers::{fail, folder, otpd, run, succeed, text};

#[test]
fn a_database_behind_a_link_is_replaced_and_the_link_stays() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("volume")).unwrap();
    symlink("volume/real.db", path("otp.db")).unwrap();
    succeed(folder.path(), &["init"]);
    succeed(folder.path(), &["backup", "copy.db"]);
    succeed(folder.path(), &["user", "add", "later", "--role", "admin"]);
    symlink("copy.db", path("latest.db")).unwrap();
    let said = text(run(folder.path(), &["restore", "latest.db"]).stderr);
    let kept = said.lines().last().unwrap().strip_prefix("the previous database is kept as ").unwrap();
    assert!(kept.starts_with(fs::canonicalize(path("volume/real.db")).unwrap().to_str().unwrap()), "{kept}");
    assert!(fs::metadata(kept).unwrap().is_file());
    assert!(fs::symlink_metadata(path("otp.db")).unwrap().is_symlink());
    assert_eq!(succeed(folder.path(), &["user", "list"]).lines().count(), 1);
}

#[test]
fn a_restore_from_a_fifo_ends_at_once() {
    let folder = folder();
    fifo(&folder.path().join("copy.db"));
    let mut restore = otpd(folder.path()).args(["restore", "copy.db"]).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while restore.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "it hangs");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_leftover_journal_is_not_applied_to_the_copy() {
    let folder = folder();
    succeed(folder.path(), &["init"]);
    succeed(folder.path(), &["backup", "copy.db"]);
    fs::write(folder.path().join("otp.db-journal"), "of an earlier one").unwrap();
    fs::remove_file(folder.path().join("otp.db")).unwrap();
    succeed(folder.path(), &["restore", "copy.db"]);
    assert!(!folder.path().join("otp.db-journal").exists());
    fs::write(folder.path().join("other.db-journal"), "of an earlier one").unwrap();
    let line = fail(run(folder.path(), &["backup", "other.db"]));
    assert_eq!(line, "otpd: other.db-journal would be read as part of the backup; move or delete it");
}
