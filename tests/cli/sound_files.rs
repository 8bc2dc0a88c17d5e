//! Unsuitable files beside the database: the start refuses them, and `doctor` reports them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::files::{give_away, kinds, remove};
use crate::helpers::{Server, fail, folder, otpd, run, succeed, text};

/// Returns a folder with a database. The only other file is the admin's token.
fn with_database() -> tempfile::TempDir {
    let folder = folder();
    succeed(folder.path(), &["init"]);
    for name in ["otp.db-wal", "otp.db-shm"] {
        let _ = fs::remove_file(folder.path().join(name));
    }
    folder
}

/// Returns the `error` lines of `doctor`.
fn findings(folder: &Path) -> Vec<String> {
    let said = text(run(folder, &["doctor"]).stdout);
    said.lines().filter_map(|line| line.strip_prefix("error ")).map(str::to_owned).collect()
}

#[track_caller]
fn is_reported(folder: &Path, line: &str) {
    let findings = findings(folder);
    assert!(findings.iter().any(|finding| finding.ends_with(line)), "{line}: {findings:#?}");
}

#[test]
fn files_other_than_regular_ones_are_refused_and_reported() {
    let folder = with_database();
    for (name, shown) in [
        ("otp.db-outbox", "otp.db-outbox".to_owned()),
        ("otp.db-wal", "otp.db-wal".to_owned()),
        ("otp.db-shm", "otp.db-shm".to_owned()),
        ("otp.db-journal", "otp.db-journal".to_owned()),
        ("admin.token", fs::canonicalize(folder.path()).unwrap().join("admin.token").display().to_string()),
    ] {
        let path = folder.path().join(name);
        for (kind, make) in kinds() {
            let _ = fs::remove_file(&path);
            make(&path);
            let line = format!("database {shown}: is {kind}, but otpd needs a regular file there; remove it");
            assert_eq!(fail(run(folder.path(), &["serve"])), format!("otpd: {line}"));
            is_reported(folder.path(), &line);
            assert!(fs::symlink_metadata(&path).is_ok(), "{name} was {kind}, and is gone");
            remove(&path);
        }
    }
    drop(Server::start(folder.path()));
}

#[test]
fn the_database_must_be_a_regular_file() {
    for (kind, make) in kinds() {
        let folder = folder();
        make(&folder.path().join("otp.db"));
        let line = fail(run(folder.path(), &["serve"]));
        match kind {
            "a directory" => assert_eq!(line, "otpd: database otp.db: is a directory; name a file in database.path"),
            // The link is followed, but its target does not exist.
            "a link" => assert!(line.starts_with("otpd: database otp.db: there is no database at "), "{line}"),
            kind => assert_eq!(
                line,
                format!("otpd: database otp.db: is {kind}, not a regular file; name a regular file in database.path")
            ),
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn files_of_another_user_are_refused_at_the_start_and_reported_by_doctor() {
    let folder = with_database();
    for name in ["otp.db-outbox", "otp.db-wal", "otp.db-shm", "otp.db-journal"] {
        let path = folder.path().join(name);
        fs::write(&path, "").unwrap();
        if !give_away(&path) {
            return;
        }
        let line =
            format!("database {name}: belongs to user 65534, but otpd runs as user 0; change its owner or remove it");
        assert_eq!(fail(run(folder.path(), &["serve"])), format!("otpd: {line}"));
        is_reported(folder.path(), &line);
        remove(&path);
    }
    assert!(give_away(&folder.path().join("admin.token")));
    assert!(
        fail(run(folder.path(), &["serve"])).contains("admin.token: belongs to user 65534, but otpd runs as user 0")
    );
}

#[test]
fn files_of_the_database_owner_are_accepted_and_new_files_get_the_same_owner() {
    let folder = with_database();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("otp.db-outbox"), "").unwrap();
    if !["otp.db", "otp.db-outbox", "admin.token"].into_iter().all(|name| give_away(&path(name))) {
        return;
    }
    drop(Server::start(folder.path()));
    remove(&path("otp.db-outbox"));
    let server = Server::start(folder.path());
    crate::helpers::until("the lock is there", || path("otp.db-outbox").exists());
    drop(server);
    for name in ["otp.db-wal", "otp.db-shm", "otp.db-outbox"] {
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&fs::metadata(path(name)).unwrap()), 65534, "{name}");
    }
}

#[test]
fn a_lock_or_a_database_with_a_second_hard_link_is_refused() {
    let folder = with_database();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("otp.db-outbox"), "").unwrap();
    fs::hard_link(path("otp.db-outbox"), path("other.db-outbox")).unwrap();
    let line = "database otp.db-outbox: has a second hard link; remove both, and otpd creates a new file";
    assert_eq!(fail(run(folder.path(), &["serve"])), format!("otpd: {line}"));
    is_reported(folder.path(), line);
    remove(&path("other.db-outbox"));

    fs::hard_link(path("otp.db"), path("second.db")).unwrap();
    let real = fs::canonicalize(folder.path()).unwrap();
    for (name, other) in [("otp.db", "second.db"), ("second.db", "otp.db")] {
        for arguments in [&["serve"][..], &["user", "list"], &["backup", "copy.db"]] {
            let refused = otpd(folder.path()).args(arguments).env("OTPD_DATABASE__PATH", name).output().unwrap();
            let line = format!(
                "otpd: database {name}: has 2 hard links, and each would have its own write-ahead log; remove all but \
                 one (the others are {})",
                real.join(other).display()
            );
            assert_eq!(fail(refused), line);
        }
    }
    is_reported(folder.path(), &format!("(the others are {})", real.join("second.db").display()));
    remove(&path("second.db"));
    drop(Server::start(folder.path()));
}

#[test]
fn doctor_reports_files_that_others_can_read() {
    let folder = with_database();
    let path = fs::canonicalize(folder.path()).unwrap().join("admin.token");
    let line = format!("other users can read {0}; run `chmod 600 {0}`", path.display());
    assert!(!findings(folder.path()).iter().any(|finding| finding.ends_with(&line)));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    is_reported(folder.path(), &line);
}
