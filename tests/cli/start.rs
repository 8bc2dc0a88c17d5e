//! Conditions that prevent a start: one line on stderr, exit code 1, and an unchanged file.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::helpers::{Server, TOKEN, fail, folder, otpd, read_until, run, succeed};

/// Returns a folder with a database that otpd created, checkpointed and closed.
fn with_database() -> tempfile::TempDir {
    let folder = folder();
    succeed(folder.path(), &["init"]);
    folder
}

#[track_caller]
fn refused(folder: &Path) -> String {
    let before = fs::read(folder.join("otp.db")).unwrap();
    let line = fail(run(folder, &["serve"]));
    assert!(fs::read(folder.join("otp.db")).unwrap() == before, "the file has changed: {line}");
    line
}

#[test]
fn a_port_in_use_is_reported_and_nothing_is_created() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let line = fail(otpd(folder.path()).env("OTPD_SERVER__PORT", port.to_string()).output().unwrap());
    assert_eq!(
        line,
        format!(
            "otpd: can't listen on 127.0.0.1:{port} (server.host, server.port): Address already in use (os error 98); \
             stop the process that listens there, or choose another port"
        )
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let folder = with_database();
    let db = Connection::open(folder.path().join("otp.db")).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = DELETE;
         INSERT INTO refinery_schema_history SELECT 1000, 'later', applied_on, checksum FROM refinery_schema_history LIMIT 1",
    )
    .unwrap();
    drop(db);
    let line = refused(folder.path());
    assert!(
        line.starts_with("otpd: database otp.db: was created by a newer otpd (schema 1000; this otpd supports "),
        "{line}"
    );
    assert!(line.ends_with("); install that version"), "{line}");
}

#[test]
fn a_read_only_database_is_refused() {
    let folder = with_database();
    let path = folder.path().join("otp.db");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert_eq!(refused(folder.path()), "otpd: database otp.db: is read-only; make it writable with `chmod u+w`");
}

#[test]
fn a_file_other_than_a_database_is_refused() {
    let folder = folder();
    fs::write(folder.path().join("otp.db"), "This is a letter to my grandmother, and no database.\n".repeat(100))
        .unwrap();
    assert_eq!(
        refused(folder.path()),
        "otpd: database otp.db: is damaged or not a SQLite database (file is not a database); restore a backup, or \
         name another file in database.path"
    );
}

#[test]
fn a_truncated_database_is_refused() {
    let folder = with_database();
    let path = folder.path().join("otp.db");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..5000]).unwrap();
    let line = refused(folder.path());
    assert!(line.starts_with("otpd: database otp.db: is damaged or not a SQLite database ("), "{line}");
}

#[test]
fn a_database_with_an_overwritten_page_is_refused_or_served_correctly() {
    let folder = with_database();
    let path = folder.path().join("otp.db");
    let whole = fs::read(&path).unwrap();
    let mut refused_pages = 0;
    for page in 0..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0xa5);
        fs::write(&path, &damaged).unwrap();
        let output = run(folder.path(), &["user", "list"]);
        let said = String::from_utf8(output.stderr.clone()).unwrap();
        assert!(!said.contains("panic"), "page {page}: {said}");
        if output.status.success() {
            assert_eq!(output.stdout, b"admin\tadmin\tactive\t\n", "page {page}");
        } else {
            assert!(fail(output).starts_with("otpd: database otp.db: "), "page {page}: {said}");
            refused_pages += 1;
        }
    }
    assert!(refused_pages * 10 >= whole.len() / 4096 * 9, "{refused_pages} of {}", whole.len() / 4096);
}

#[test]
fn a_damaged_schema_history_is_refused() {
    for damage in ["applied_on = 'yesterday'", "checksum = 'x'"] {
        let folder = with_database();
        let db = Connection::open(folder.path().join("otp.db")).unwrap();
        db.execute_batch("PRAGMA journal_mode = DELETE").unwrap();
        db.execute(&format!("UPDATE refinery_schema_history SET {damage}"), []).unwrap();
        drop(db);
        assert_eq!(
            refused(folder.path()),
            "otpd: database otp.db: is damaged (its schema history can't be read); restore a backup"
        );
    }
}

#[test]
fn a_damaged_schema_is_refused_and_an_extended_one_accepted() {
    let folder = with_database();
    let db = Connection::open(folder.path().join("otp.db")).unwrap();
    db.execute_batch("CREATE INDEX mine ON otp_codes (code, id)").unwrap();
    drop(Server::start(folder.path()));
    // A change of one letter that SQLite does not detect.
    db.execute_batch(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'with_email', 'with_emaim') WHERE name = 'otp_totals'",
    )
    .unwrap();
    drop(db);
    assert_eq!(
        refused(folder.path()),
        "otpd: database otp.db: is damaged (the definition of otp_totals is wrong); restore a backup"
    );
}

#[test]
fn another_programs_database_is_refused() {
    for made in ["CREATE TABLE t (x)", "PRAGMA application_id = 7; CREATE TABLE t (x)"] {
        let folder = folder();
        Connection::open(folder.path().join("otp.db")).unwrap().execute_batch(made).unwrap();
        let line = refused(folder.path());
        assert_eq!(line, "otpd: database otp.db: belongs to another program; name another file in database.path");
    }
}

#[test]
fn a_folder_as_database_and_a_missing_folder_are_reported() {
    let folder = folder();
    fs::create_dir(folder.path().join("otp.db")).unwrap();
    assert_eq!(fail(run(folder.path(), &[])), "otpd: database otp.db: is a directory; name a file in database.path");
    let line = fail(otpd(folder.path()).env("OTPD_DATABASE__PATH", "no/otp.db").output().unwrap());
    assert_eq!(line, "otpd: database no/otp.db: can't be created: No such file or directory (os error 2)");
}

#[test]
fn a_lock_held_by_another_process_is_reported() {
    let folder = folder();
    Connection::open(folder.path().join("otp.db"))
        .unwrap()
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA application_id = 1869901924;")
        .unwrap();
    let holder = Connection::open(folder.path().join("otp.db")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let line = fail(run(folder.path(), &["serve"]));
    assert_eq!(
        line,
        "otpd: database otp.db: another process holds its write lock; stop that process, then start again"
    );
    holder.execute_batch("ROLLBACK").unwrap();
    drop(Server::start(folder.path()));
}

#[test]
fn the_first_response_comes_within_100_ms() {
    let folder = with_database();
    let timed = |trial: &dyn Fn()| {
        let begun = Instant::now();
        trial();
        begun.elapsed()
    };
    let (mut command, mut answer) = (Duration::MAX, Duration::MAX);
    for _ in 0..50 {
        command = command.min(timed(&|| drop(run(folder.path(), &["config", "check"]))));
        answer = answer.min(timed(&|| {
            let server = Server::start(folder.path());
            let mut client = std::net::TcpStream::connect(server.socket()).unwrap();
            client.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let answer = read_until(&mut client, "ok");
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }));
        // The limit is 100 ms. On a busy machine it scales with the time of a command that only reads the settings.
        if answer < Duration::from_millis(100).max(command * 20) {
            return;
        }
    }
    panic!("the fastest start took {answer:?}; a command takes {command:?}");
}

#[test]
fn a_bootstrap_token_given_later_changes_nothing() {
    let folder = with_database();
    let server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
    assert_eq!(server.send("GET", "/api/notifications/otp/1", TOKEN, "").0, 401);
}
