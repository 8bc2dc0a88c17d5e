//! Files that are not backups of the database: `backup --force` does not replace them, and `restore` does not restore
//! them.

use std::fs;

use rusqlite::Connection;

use crate::force::temporary_files;
use crate::helpers::{TOKEN, fail, folder, run, succeed};

fn with_database() -> tempfile::TempDir {
    let folder = folder();
    succeed(folder.path(), &["init"]);
    folder
}

#[test]
fn a_file_that_is_not_a_backup_of_the_database_is_never_replaced() {
    let folder = with_database();
    let path = |name: &str| folder.path().join(name);
    succeed(folder.path(), &["backup", "good.db"]);
    let backup = fs::read(path("good.db")).unwrap();
    let open = |name: &str| Connection::open(path(name)).unwrap();
    fs::write(path("otp.toml"), "[otp]\nexpiration = \"6m\"\n").unwrap();
    fs::write(path("api.token"), TOKEN).unwrap();
    fs::write(path("empty"), "").unwrap();
    fs::write(path("truncated.db"), &backup[..4096]).unwrap();
    fs::write(path("damaged.db"), [&backup[..100], &vec![0xff; backup.len() - 100]].concat()).unwrap();
    open("other.db").execute_batch("CREATE TABLE t (x)").unwrap();
    open("foreign.db").execute_batch("PRAGMA application_id = 7; CREATE TABLE users (x)").unwrap();
    open("bare.db").execute_batch("PRAGMA application_id = 1869901924; CREATE TABLE t (x)").unwrap();
    let names = ["otp.toml", "api.token", "empty", "truncated.db", "damaged.db", "other.db", "foreign.db", "bare.db"];
    for name in names {
        let before = fs::read(path(name)).unwrap();
        let line = fail(run(folder.path(), &["backup", "--force", name]));
        let said = format!("otpd: {name} is not a backup of this database; delete it, or choose another path");
        assert_eq!(line, said);
        assert!(fs::read(path(name)).unwrap() == before, "{name} has changed");
    }
    assert_eq!(temporary_files(folder.path()), [""; 0]);
}

#[test]
fn the_backup_of_another_database_is_not_replaced() {
    let (folder, other) = (with_database(), with_database());
    succeed(other.path(), &["backup", "copy.db"]);
    fs::copy(other.path().join("copy.db"), folder.path().join("copy.db")).unwrap();
    let line = fail(run(folder.path(), &["backup", "--force", "copy.db"]));
    let said = "otpd: backup copy.db: is a backup of another database; check database.path, or delete this file first \
                if it is no longer needed";
    assert_eq!(line, said);
}

#[test]
fn a_file_that_is_not_a_backup_is_not_restored() {
    let folder = with_database();
    let path = |name: &str| folder.path().join(name);
    let open = |name: &str| Connection::open(path(name)).unwrap();
    fs::write(path("otp.toml"), "[otp]\nexpiration = \"6m\"\n").unwrap();
    fs::write(path("empty"), "").unwrap();
    open("other.db").execute_batch("CREATE TABLE t (x)").unwrap();
    succeed(folder.path(), &["backup", "altered.db"]);
    open("altered.db").execute_batch("DROP INDEX api_tokens_by_user").unwrap();
    succeed(folder.path(), &["backup", "newer.db"]);
    let newer = "INSERT INTO refinery_schema_history
                 SELECT version + 1000, name, applied_on, checksum FROM refinery_schema_history LIMIT 1";
    open("newer.db").execute_batch(newer).unwrap();
    let before = fs::read(path("otp.db")).unwrap();
    for (name, fault) in [
        ("otp.toml", "is damaged or not a SQLite database (file is not a database)"),
        ("empty", "is empty"),
        ("other.db", "belongs to another program"),
        ("altered.db", "is damaged (the definition of api_tokens_by_user is wrong)"),
    ] {
        let line = fail(run(folder.path(), &["restore", name]));
        assert_eq!(line, format!("otpd: {name} is not an otpd backup: it {fault}; give the path of a backup"));
    }
    let line = fail(run(folder.path(), &["restore", "newer.db"]));
    assert!(line.starts_with("otpd: backup newer.db: was created by a newer otpd (schema "), "{line}");
    let line = fail(run(folder.path(), &["restore", "missing.db"]));
    assert_eq!(line, "otpd: backup missing.db: can't be read: No such file or directory (os error 2)");
    assert!(fs::read(path("otp.db")).unwrap() == before, "the database has changed");
    assert_eq!(temporary_files(folder.path()), [""; 0]);
}
