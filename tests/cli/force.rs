//! What `otpd backup --force` replaces, and what it refuses to replace.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use rusqlite::Connection;

use crate::files::{give_away, kinds, remove};
use crate::helpers::{Server, TOKEN, fail, folder, otpd, run, succeed};

const OTPS: &str = "/api/notifications/otp/";

fn with_database() -> tempfile::TempDir {
    let folder = folder();
    succeed(folder.path(), &["init"]);
    folder
}

fn is_copy(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3\0"))
}

pub fn temporary_files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".part")).collect()
}

#[test]
fn only_regular_files_are_replaced_or_restored() {
    let folder = with_database();
    let path = folder.path().join("copy.db");
    for (kind, make) in kinds().into_iter().filter(|(kind, _)| *kind != "a link") {
        make(&path);
        for arguments in [&["backup", "copy.db"][..], &["backup", "--force", "copy.db"]] {
            let line = format!("otpd: backup copy.db: is {kind}; give the path of a regular file or of a new file");
            assert_eq!(fail(run(folder.path(), arguments)), line);
        }
        let line = format!("otpd: backup copy.db: is {kind}; give the path of a backup made by `otpd backup`");
        assert_eq!(fail(run(folder.path(), &["restore", "copy.db"])), line);
        assert!(!fs::symlink_metadata(&path).unwrap().is_file());
        remove(&path);
    }
    succeed(folder.path(), &["backup", "copy.db"]);
    fs::rename(folder.path().join("otp.db"), folder.path().join("away")).unwrap();
    for (kind, make) in kinds().into_iter().filter(|(kind, _)| *kind != "a link") {
        make(&folder.path().join("otp.db"));
        let line = format!("otpd: database otp.db: is {kind}; name a file in database.path");
        assert_eq!(fail(run(folder.path(), &["restore", "copy.db"])), line);
        remove(&folder.path().join("otp.db"));
    }
    assert_eq!(temporary_files(folder.path()), [""; 0]);
}

#[test]
fn files_of_the_database_are_never_replaced() {
    let folder = with_database();
    let server = Server::start(folder.path());
    crate::helpers::until("the lock is there", || folder.path().join("otp.db-outbox").exists());
    symlink("otp.db-wal", folder.path().join("link")).unwrap();
    for name in ["otp.db-wal", "otp.db-shm", "otp.db-outbox", "otp.db-journal", "admin.token", "./otp.db-wal", "link"] {
        let line = fail(run(folder.path(), &["backup", "--force", name]));
        assert_eq!(line, format!("otpd: backup {name}: is one of the database's own files; choose another path"));
    }
    assert_eq!(server.send("GET", "/readyz", TOKEN, "").0, 200);
}

#[test]
fn an_existing_temporary_file_is_not_used() {
    let folder = with_database();
    let (part, copy) = (folder.path().join(".copy.db.part"), folder.path().join("copy.db"));
    fs::write(folder.path().join("precious"), "precious").unwrap();
    let foreign = |path: &Path| {
        fs::write(path, "").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
        give_away(path);
    };
    let link = |path: &Path| symlink("precious", path).unwrap();
    for make in [&foreign as &dyn Fn(&Path), &link] {
        make(&part);
        let before = fs::symlink_metadata(&part).unwrap();
        succeed(folder.path(), &["backup", "copy.db"]);
        let made = fs::symlink_metadata(&copy).unwrap();
        assert!(made.is_file() && is_copy(&copy));
        assert_eq!((made.permissions().mode() & 0o777, made.uid()), (0o600, rustix::process::geteuid().as_raw()));
        if let Ok(after) = fs::symlink_metadata(&part) {
            assert_eq!(after.ino(), before.ino());
            remove(&part);
        }
        remove(&copy);
    }
    assert_eq!(fs::read_to_string(folder.path().join("precious")).unwrap(), "precious");
}

#[test]
fn a_link_is_followed_unless_another_user_owns_it() {
    let folder = with_database();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("backups")).unwrap();
    symlink("backups/today.db", path("latest.db")).unwrap();
    succeed(folder.path(), &["backup", "latest.db"]);
    succeed(folder.path(), &["backup", "--force", "latest.db"]);
    assert!(fs::symlink_metadata(path("latest.db")).unwrap().is_symlink());
    assert!(fs::symlink_metadata(path("backups/today.db")).unwrap().is_file() && is_copy(&path("backups/today.db")));
    assert_eq!(fs::metadata(path("backups/today.db")).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(path("precious"), "precious").unwrap();
    symlink("precious", path("trap.db")).unwrap();
    if std::os::unix::fs::lchown(path("trap.db"), Some(65534), None).is_ok() {
        let line = fail(run(folder.path(), &["backup", "--force", "trap.db"]));
        assert_eq!(
            line,
            "otpd: backup trap.db: is a symbolic link that belongs to user 65534; give the path of its target"
        );
        assert_eq!(fs::read_to_string(path("precious")).unwrap(), "precious");
    }
}

/// Creates a database with codes that have these expiration times, and with `users` users besides the admin.
fn add_codes_and_users(folder: &Path, codes: &[&str], users: usize) {
    let mut command = otpd(folder);
    let server = Server::spawn(command.env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).env("OTPD_OTP__RETENTION", "0s"));
    for valid_to in codes {
        let body = format!(r#"{{"code":1,"email":"a@b.com","valid_to":"{valid_to}"}}"#);
        assert_eq!(server.send("POST", OTPS, TOKEN, &body).0, 201);
    }
    for n in 0..users {
        succeed(folder, &["user", "add", &format!("user{n}"), "--role", "staff"]);
    }
}

#[track_caller]
fn is_refused(folder: &Path, counts: &str) {
    let before = fs::read(folder.join("copy.db")).unwrap();
    let line = fail(run(folder, &["backup", "--force", "copy.db"]));
    let said = format!(
        "otpd: backup copy.db: contains far more data than the new copy ({counts}); check database.path, or \
         delete this file first if it is no longer needed"
    );
    assert_eq!(line, said);
    assert!(fs::read(folder.join("copy.db")).unwrap() == before, "the file has changed");
    assert_eq!(temporary_files(folder), [""; 0]);
}

#[test]
fn an_empty_database_does_not_replace_the_backup_of_a_full_one() {
    let folder = folder();
    add_codes_and_users(folder.path(), &["2099-01-01"; 10], 3);
    succeed(folder.path(), &["backup", "copy.db"]);
    for name in ["otp.db", "otp.db-wal", "otp.db-shm", "otp.db-outbox"] {
        let _ = fs::remove_file(folder.path().join(name));
    }
    drop(Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN)));
    is_refused(
        folder.path(),
        "10 codes with ids up to 10 and 4 users; the new copy has 0 codes with ids up to 0 and 1 user",
    );
    remove(&folder.path().join("copy.db"));
    succeed(folder.path(), &["backup", "--force", "copy.db"]);
}

#[test]
fn a_backup_with_far_fewer_codes_or_users_does_not_replace_one_with_more() {
    let folder = folder();
    add_codes_and_users(folder.path(), &["2099-01-01"; 10], 3);
    succeed(folder.path(), &["backup", "copy.db"]);
    let change = |sql: &str| Connection::open(folder.path().join("otp.db")).unwrap().execute(sql, []).unwrap();
    change("DELETE FROM otp_codes WHERE id <= 5");
    change("DELETE FROM users WHERE name IN ('user1', 'user2')");
    succeed(folder.path(), &["backup", "--force", "copy.db"]);
    change("DELETE FROM otp_codes WHERE id <= 8");
    is_refused(
        folder.path(),
        "5 codes with ids up to 10 and 2 users; the new copy has 2 codes with ids up to 10 and 2 users",
    );
    remove(&folder.path().join("copy.db"));
    succeed(folder.path(), &["user", "add", "user3", "--role", "staff"]);
    succeed(folder.path(), &["backup", "--force", "copy.db"]);
    change("DELETE FROM users WHERE name <> 'admin'");
    is_refused(
        folder.path(),
        "2 codes with ids up to 10 and 3 users; the new copy has 2 codes with ids up to 10 and 1 user",
    );
}

#[test]
fn codes_past_their_retention_do_not_count() {
    let folder = folder();
    add_codes_and_users(folder.path(), &["2020-01-01"; 10], 0);
    let keep =
        |path: &Path| otpd(path).args(["backup", "--force", "copy.db"]).env("OTPD_OTP__RETENTION", "0s").output();
    assert!(keep(folder.path()).unwrap().status.success());
    let db = Connection::open(folder.path().join("otp.db")).unwrap();
    db.execute("DELETE FROM otp_codes", []).unwrap();
    let line = fail(keep(folder.path()).unwrap());
    assert!(
        line.contains("(10 codes with ids up to 10 and 1 user; the new copy has 0 codes with ids up to 10 and 1 user)"),
        "{line}"
    );
    succeed(folder.path(), &["backup", "--force", "copy.db"]);
}

#[test]
fn the_backup_of_a_database_with_greater_ids_is_not_replaced() {
    let folder = folder();
    add_codes_and_users(folder.path(), &["2020-01-01"; 10], 0);
    Connection::open(folder.path().join("otp.db")).unwrap().execute("DELETE FROM otp_codes", []).unwrap();
    succeed(folder.path(), &["backup", "copy.db"]);
    for name in ["otp.db", "otp.db-wal", "otp.db-shm", "otp.db-outbox"] {
        let _ = fs::remove_file(folder.path().join(name));
    }
    add_codes_and_users(folder.path(), &["2099-01-01"; 3], 0);
    is_refused(
        folder.path(),
        "0 codes with ids up to 10 and 1 user; the new copy has 3 codes with ids up to 3 and 1 user",
    );
}
