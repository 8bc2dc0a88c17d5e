//! A missing database.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::helpers::{Server, TOKEN, fail, folder, otpd, run, succeed, text};

pub fn real(folder: &Path, name: &str) -> PathBuf {
    fs::canonicalize(folder).unwrap().join(name)
}

pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

/// Every command that works on a database and must not create one.
const COMMANDS: [&[&str]; 9] = [
    &["user", "add", "x", "--role", "admin"],
    &["user", "list"],
    &["user", "disable", "x"],
    &["token", "add", "x"],
    &["token", "list"],
    &["recipient", "reset", "09123456789"],
    &["inbox"],
    &["send-test", "09123456789"],
    &["backup", "copy.db"],
];

#[test]
fn only_serve_and_init_create_a_database_and_other_commands_report_its_path() {
    let folder = folder();
    let file = real(folder.path(), "otp.db");
    let missing = |named: &str, file: &Path, configuration: &str| {
        format!(
            "otpd: database {named}: there is no database at {}; mount its volume, correct database.path, or create a \
             new one with `otpd init` ({configuration})",
            file.display()
        )
    };
    for arguments in COMMANDS {
        assert_eq!(fail(run(folder.path(), arguments)), missing("otp.db", &file, "no configuration file"));
        assert_eq!(names(folder.path()), [""; 0]);
    }
    fs::write(folder.path().join("otp.toml"), "[database]\npath = \"./other.db\"\n").unwrap();
    let other = real(folder.path(), "other.db");
    for arguments in COMMANDS {
        assert_eq!(
            fail(run(folder.path(), arguments)),
            missing("./other.db", &other, "configuration file: otp.toml"),
            "{arguments:?}"
        );
    }
    // An empty file is not a database.
    fs::write(&other, "").unwrap();
    for arguments in COMMANDS {
        assert_eq!(
            fail(run(folder.path(), arguments)),
            missing("./other.db", &other, "configuration file: otp.toml"),
            "{arguments:?}"
        );
    }
    assert_eq!(fs::metadata(&other).unwrap().len(), 0);
    assert_eq!(names(folder.path()), ["other.db", "otp.toml"]);
}

#[test]
fn doctor_reports_that_there_is_no_database() {
    let folder = folder();
    let said = text(run(folder.path(), &["doctor"]).stdout);
    assert!(said.contains("error database: database otp.db: there is no database at "), "{said}");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_start_creates_no_database_beside_files_of_an_older_one() {
    for trace in
        ["admin.token", "otp.db-outbox", "otp.db-wal", "otp.db-shm", "otp.db.before-2026-01-01T00:00:00.000000Z"]
    {
        for is_empty in [false, true] {
            let folder = folder();
            fs::write(folder.path().join(trace), "kept").unwrap();
            if is_empty {
                fs::write(folder.path().join("otp.db"), "").unwrap();
            }
            let before = names(folder.path());
            let line = fail(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).output().unwrap());
            assert_eq!(
                line,
                format!(
                    "otpd: database otp.db: there is no database at {}, but files of an older database are in its \
                     directory ({trace}); mount its volume, restore a backup, or create a new one with `otpd init` \
                     (no configuration file)",
                    real(folder.path(), "otp.db").display()
                )
            );
            assert_eq!(names(folder.path()), before);
            assert_eq!(fs::read_to_string(folder.path().join(trace)).unwrap(), "kept");
        }
    }
}

#[test]
fn a_start_initialises_no_empty_file_beside_files_of_an_older_database() {
    let folder = folder();
    rusqlite::Connection::open(folder.path().join("otp.db")).unwrap().execute_batch("VACUUM").unwrap();
    assert!(fs::metadata(folder.path().join("otp.db")).unwrap().len() > 0);
    fs::write(folder.path().join("admin.token"), "kept").unwrap();
    let line = fail(run(folder.path(), &["serve"]));
    assert!(line.contains("files of an older database are in its directory (admin.token)"), "{line}");
    let line = fail(run(folder.path(), &["user", "list"]));
    assert!(line.starts_with("otpd: database otp.db: there is no database at "), "{line}");
    fs::remove_file(folder.path().join("admin.token")).unwrap();
    drop(Server::start(folder.path()));
}

#[test]
fn a_start_creates_no_database_if_disabled_or_through_a_link() {
    let folder = folder();
    let missing = |file: &str| {
        format!(
            "otpd: database otp.db: there is no database at {}; mount its volume, correct database.path, or create a \
             new one with `otpd init` (no configuration file)",
            real(folder.path(), file).display()
        )
    };
    let refused = otpd(folder.path()).env("OTPD_DATABASE__CREATE", "false").output().unwrap();
    assert_eq!(fail(refused), missing("otp.db"));
    fs::create_dir(folder.path().join("volume")).unwrap();
    symlink("volume/otp.db", folder.path().join("otp.db")).unwrap();
    assert_eq!(fail(run(folder.path(), &["serve"])), missing("volume/otp.db"));
    assert_eq!(names(&folder.path().join("volume")), [""; 0]);
    succeed(folder.path(), &["init"]);
    assert!(folder.path().join("volume/admin.token").exists() && !folder.path().join("admin.token").exists());
    drop(Server::spawn(otpd(folder.path()).env("OTPD_DATABASE__CREATE", "false")));
}

#[test]
fn concurrent_starts_share_a_new_database() {
    for _ in 0..3 {
        let folder = folder();
        let servers: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..3).map(|_| scope.spawn(|| Server::start(folder.path()))).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        let token = fs::read_to_string(folder.path().join("admin.token")).unwrap();
        for server in &servers {
            assert_eq!(server.send("GET", "/api/notifications/otp/1", token.trim(), "").0, 404);
        }
        assert_eq!(succeed(folder.path(), &["user", "list"]).lines().count(), 1);
    }
}
