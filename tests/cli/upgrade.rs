//! The first start of a new version on an old database.

use std::path::Path;
use std::process::Stdio;

use refinery::Target;
use rusqlite::Connection;

use crate::helpers::{Server, folder, otpd, succeed, text};

refinery::embed_migrations!("migrations/sqlite");

/// Returns a folder with a database of schema version 4, as an older otpd leaves it.
fn with_version_4() -> tempfile::TempDir {
    let folder = folder();
    let mut db = Connection::open(folder.path().join("otp.db")).unwrap();
    migrations::runner().set_target(Target::Version(4)).run(&mut db).unwrap();
    let sql = "INSERT INTO users (name, role, created_at) VALUES ('amir', 'admin', 0)";
    db.execute(sql, []).unwrap();
    folder
}

fn copies(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains("before")).collect()
}

#[test]
fn the_log_names_the_copy_and_describes_each_migration() {
    let folder = with_version_4();
    let server = Server::start(folder.path());
    let copy = folder.path().canonicalize().unwrap().join("otp.db.before-V5");
    let log = server.stderr();
    let messages: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split_once(" INFO  otpd::store::sqlite::upgrade: "))
        .map(|(_, said)| said)
        .collect();
    assert_eq!(
        messages[..2],
        [
            &*format!(
                "the database was copied to {} before its schema is migrated; the copy contains personal data; delete \
                 it when it is no longer needed",
                copy.display()
            ),
            "schema migration V5: stores e-mail domains in ASCII form, merges the failures and limits of addresses that \
             become equal, and dates failures so that they can be deleted",
        ]
    );
    drop(server);
    let log = Server::start(folder.path()).stderr();
    assert!(!log.contains("otpd::store::sqlite::upgrade"), "{log}");
    assert_eq!(copies(folder.path()), ["otp.db.before-V5"]);
}

#[test]
fn a_new_database_logs_no_migration() {
    let folder = folder();
    let log = Server::start(folder.path()).stderr();
    assert!(!log.contains("otpd::store::sqlite::upgrade"), "{log}");
    assert_eq!(copies(folder.path()), [""; 0]);
}

#[test]
fn concurrent_starts_on_an_old_database_make_one_copy() {
    let folder = with_version_4();
    let start = || otpd(folder.path()).args(["user", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let started: Vec<_> = (0..6).map(|_| start().unwrap()).collect();
    let mut logs = String::new();
    for process in started {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(text(output.stdout), "amir\tadmin\tactive\t\t\n");
        logs.push_str(&text(output.stderr));
    }
    assert_eq!(logs.matches("the database was copied to ").count(), 1, "{logs}");
    assert_eq!(logs.matches("schema migration V5: ").count(), 1, "{logs}");
    assert_eq!(copies(folder.path()), ["otp.db.before-V5"]);
}

#[test]
fn the_copy_can_be_restored() {
    let folder = with_version_4();
    assert_eq!(succeed(folder.path(), &["user", "list"]), "amir\tadmin\tactive\t\t\n");
    succeed(folder.path(), &["user", "disable", "amir"]);
    succeed(folder.path(), &["restore", "otp.db.before-V5"]);
    let db = Connection::open(folder.path().join("otp.db")).unwrap();
    let version = db.query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get::<_, i64>(0));
    assert_eq!(version.unwrap(), 14, "a restore brings the schema up to date");
    assert_eq!(succeed(folder.path(), &["user", "list"]), "amir\tadmin\tactive\t\t\n");
}
