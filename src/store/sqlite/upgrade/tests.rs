use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::store::sqlite::open;

/// Opens the write connection of a database.
fn opened(path: &Path, create: Create) -> Result<Connection, OpenError> {
    Ok(open_writer(open::locate(path, create)?, create)?.0)
}

/// A folder with a database of schema version 4 that contains one code.
fn version_4() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otp.db");
    let mut db = Connection::open(&path).unwrap();
    migrations::apply_up_to(&mut db, 4);
    let sql = "INSERT INTO otp_codes (code, email, valid_to, created_at, updated_at) VALUES (1, 'a@b.com', 0, 0, 0)";
    db.execute(sql, []).unwrap();
    (folder, path)
}

fn version_and_codes(path: &Path) -> (i64, i64) {
    let db = Connection::open(path).unwrap();
    let codes = db.query_row("SELECT count(*) FROM otp_codes", [], |row| row.get(0)).unwrap();
    (migrations::current(&db).unwrap(), codes)
}

/// The names in a folder, without SQLite's files.
fn names(folder: &TempDir) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.contains("-wal") && !name.contains("-shm")).collect();
    names.sort_unstable();
    names
}

#[test]
fn an_old_database_is_copied_before_it_is_migrated() {
    let (folder, path) = version_4();
    let db = opened(&path, Create::Never).unwrap();
    let copy = folder.path().join("otp.db.before-V5");
    assert_eq!(migrations::current(&db).unwrap(), migrations::latest());
    assert_eq!(names(&folder), ["otp.db", "otp.db.before-V5"]);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(version_and_codes(&copy), (4, 1));
}

#[test]
fn new_and_current_databases_are_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otp.db");
    for create in [Create::IfNew, Create::Never] {
        drop(opened(&path, create).unwrap());
        assert_eq!(names(&folder), ["otp.db"]);
    }
}

#[test]
fn an_existing_copy_is_kept_and_a_different_state_gets_a_new_copy() {
    let (folder, path) = version_4();
    fs::write(folder.path().join("otp.db.before-V5"), "an earlier copy").unwrap();
    drop(opened(&path, Create::Never).unwrap());
    assert_eq!(names(&folder), ["otp.db", "otp.db.before-V5", "otp.db.before-V5-2"]);
    assert_eq!(fs::read_to_string(folder.path().join("otp.db.before-V5")).unwrap(), "an earlier copy");
    assert_eq!(version_and_codes(&folder.path().join("otp.db.before-V5-2")), (4, 1));
}

#[test]
fn a_repeated_upgrade_makes_no_second_copy() {
    let (folder, path) = version_4();
    let db = Connection::open(&path).unwrap();
    for _ in 0..2 {
        assert_eq!(copy_before(&db, &path, 5).unwrap(), folder.path().join("otp.db.before-V5"));
    }
    assert_eq!(names(&folder), ["otp.db", "otp.db.before-V5"]);
    db.execute("DELETE FROM otp_codes", []).unwrap();
    assert_eq!(copy_before(&db, &path, 5).unwrap(), folder.path().join("otp.db.before-V5-2"));
    assert_eq!(version_and_codes(&folder.path().join("otp.db.before-V5")), (4, 1));
    assert_eq!(version_and_codes(&folder.path().join("otp.db.before-V5-2")), (4, 0));
}

#[test]
fn concurrent_starts_make_one_copy() {
    let (folder, path) = version_4();
    std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| opened(&path, Create::Never).map(drop))).collect();
        for start in starts {
            start.join().unwrap().unwrap();
        }
    });
    assert_eq!(names(&folder), ["otp.db", "otp.db.before-V5"]);
    assert_eq!(version_and_codes(&folder.path().join("otp.db.before-V5")), (4, 1));
}

#[test]
fn the_copy_of_a_linked_database_is_in_the_folder_of_the_database() {
    let (folder, path) = version_4();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    drop(opened(&link, Create::Never).unwrap());
    assert_eq!(names(&elsewhere), ["link.db"]);
    assert_eq!(names(&folder), ["otp.db", "otp.db.before-V5"]);
}

#[test]
fn a_database_that_cannot_be_copied_is_not_migrated() {
    let (folder, path) = version_4();
    // SQLite would use this file as the WAL of the copy.
    fs::write(folder.path().join("otp.db.before-V5-wal"), "").unwrap();
    let refused = opened(&path, Create::Never).unwrap_err().to_string();
    let wal = fs::canonicalize(folder.path()).unwrap().join("otp.db.before-V5-wal");
    let expected = format!(
        "database {}: it can't be copied, so its schema was not changed: {} would be read as part of the backup; move \
         or delete it",
        path.display(),
        wal.display()
    );
    assert_eq!(refused, expected);
    assert_eq!(version_and_codes(&path), (4, 1));
}

#[test]
fn a_copy_is_refused_if_the_disk_space_is_insufficient() {
    let path = Path::new("/var/lib/otpd/otp.db");
    assert_eq!(require_space(Some(1000), 1000, path), Ok(()));
    assert_eq!(require_space(None, 1000, path), Ok(()));
    assert_eq!(
        require_space(Some(999), 1000, path),
        Err("the copy needs 1000 bytes, and /var/lib/otpd has 999 bytes free; free some space".to_owned())
    );
    let (_folder, path) = version_4();
    let db = Connection::open(&path).unwrap();
    assert_eq!(bytes(&db).unwrap(), fs::metadata(&path).unwrap().len());
    assert!(free_bytes(&path).unwrap() > 0);
}

#[test]
fn a_start_during_an_upgrade_waits_for_its_end() {
    let (folder, path) = version_4();
    let mut db = Connection::open(&path).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    let lock = UpgradeLock::wait(&db, &path).unwrap();
    std::thread::scope(|scope| {
        let start = scope.spawn(|| opened(&path, Create::Never).map(drop));
        // This is longer than the timeout for the write lock of another process.
        let busy = db.unchecked_transaction().unwrap();
        busy.execute("UPDATE otp_codes SET code = 2", []).unwrap();
        std::thread::sleep(open::BUSY_TIMEOUT + std::time::Duration::from_secs(1));
        assert!(!start.is_finished());
        busy.commit().unwrap();
        run(&mut db, &path, lock.as_ref()).unwrap();
        drop(lock);
        start.join().unwrap().unwrap();
    });
    assert_eq!(names(&folder), ["otp.db", "otp.db.before-V5"]);
}
