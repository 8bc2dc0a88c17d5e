use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use crate::bounded::SetAtEnd;
use crate::helpers::{Server, TOKEN, fail, folder, otpd, run, succeed, text};

const OTPS: &str = "/api/notifications/otp/";
const BODY: &str = r#"{"code":1,"email":"a@b.com"}"#;

#[test]
fn a_backup_under_load_contains_all_acknowledged_changes() {
    let folder = folder();
    let server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _end = SetAtEnd(&stop);
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    server.send("POST", OTPS, TOKEN, BODY);
                }
            });
        }
        for n in 0..5 {
            let (_, last) = server.send("POST", OTPS, TOKEN, BODY);
            let last = serde_json::from_str::<serde_json::Value>(&last).unwrap()["id"].as_i64().unwrap();
            let name = format!("copy{n}.db");
            let output = run(folder.path(), &["backup", &name]);
            assert!(output.status.success(), "{output:?}");
            let said = text(output.stderr);
            let copy = folder.path().join(&name);
            let db = Connection::open(&copy).unwrap();
            let (codes, newest): (i64, i64) = db
                .query_row("SELECT count(*), max(id) FROM otp_codes", [], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap();
            assert!(newest >= last && codes == newest, "{codes} codes up to {newest}, {last} was acknowledged");
            let codes = if codes == 1 { "1 code".to_owned() } else { format!("{codes} codes") };
            assert_eq!(said, format!("{codes}, 1 user and 1 token were backed up to {name}\n"));
            assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        }
    });
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().ends_with(".part")), "{names:?}");
    let restored = Server::spawn(otpd(folder.path()).env("OTPD_DATABASE__PATH", "copy4.db"));
    assert_eq!(restored.send("GET", &format!("{OTPS}1"), TOKEN, "").0, 200);
}

#[test]
fn an_existing_file_is_only_replaced_with_force() {
    let folder = folder();
    succeed(folder.path(), &["init"]);
    fs::write(folder.path().join("copy.db"), "precious").unwrap();
    let line = fail(run(folder.path(), &["backup", "copy.db"]));
    assert_eq!(line, "otpd: backup copy.db: already exists; --force replaces it");
    assert_eq!(fs::read(folder.path().join("copy.db")).unwrap(), b"precious");
    fs::remove_file(folder.path().join("copy.db")).unwrap();
    succeed(folder.path(), &["backup", "copy.db"]);
    succeed(folder.path(), &["user", "add", "later", "--role", "staff"]);
    assert_eq!(
        fail(run(folder.path(), &["backup", "copy.db"])),
        "otpd: backup copy.db: already exists; --force replaces it"
    );
    succeed(folder.path(), &["backup", "--force", "copy.db"]);
    let users = "SELECT count(*) FROM users";
    let copy = Connection::open(folder.path().join("copy.db")).unwrap();
    assert_eq!(copy.query_row(users, [], |row| row.get::<_, i64>(0)).unwrap(), 2);
}

#[test]
fn a_failed_backup_prints_one_line_and_leaves_no_file() {
    let folder = folder();
    assert!(fail(run(folder.path(), &["backup", "copy.db"])).starts_with("otpd: database otp.db: "));
    fs::write(folder.path().join("otp.db"), "no database at all ".repeat(1000)).unwrap();
    let line = fail(run(folder.path(), &["backup", "copy.db"]));
    assert!(line.starts_with("otpd: database otp.db: is damaged or not a SQLite database"), "{line}");
    assert!(
        fail(run(folder.path(), &["backup", "no/copy.db"])).starts_with("otpd: backup no/copy.db: can't be created")
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_backup_onto_the_database_itself_is_refused() {
    let folder = folder();
    succeed(folder.path(), &["init"]);
    for (command, file) in [("backup", "otp.db"), ("restore", "./otp.db")] {
        let line = fail(run(
            folder.path(),
            &[&[command, file][..], &["--force"][..usize::from(command == "backup")]].concat(),
        ));
        let subject = if command == "backup" { "backup" } else { "database" };
        assert_eq!(line, format!("otpd: {subject} otp.db: is both the source and the target; choose another file"));
    }
    assert_eq!(succeed(folder.path(), &["user", "list"]).lines().count(), 1);
}

#[test]
fn leftovers_of_a_killed_backup_are_overwritten_unless_locked() {
    let folder = folder();
    succeed(folder.path(), &["init"]);
    let part = folder.path().join(".copy.db.part");
    fs::write(&part, "left behind ".repeat(10_000)).unwrap();
    let at_work = fs::File::open(&part).unwrap();
    at_work.lock().unwrap();
    let line = fail(run(folder.path(), &["backup", "copy.db"]));
    assert_eq!(
        line,
        "otpd: backup .copy.db.part: is being written by another otpd process; wait until it has \
                      finished"
    );
    at_work.unlock().unwrap();
    succeed(folder.path(), &["backup", "copy.db"]);
    assert!(!part.exists());
    assert!(fs::metadata(folder.path().join("copy.db")).unwrap().len() < 200_000);
}

#[test]
fn a_restore_keeps_the_previous_database() {
    let folder = folder();
    let mut server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
    server.send("POST", OTPS, TOKEN, BODY);
    succeed(folder.path(), &["backup", "copy.db"]);
    server.send("POST", OTPS, TOKEN, BODY);
    let line = fail(run(folder.path(), &["restore", "copy.db"]));
    assert_eq!(
        line,
        "otpd: database otp.db: is in use; stop otpd and all other programs that have it open, then try \
                      again"
    );
    assert_eq!(server.send("GET", &format!("{OTPS}2"), TOKEN, "").0, 200);
    server.signal("KILL");
    server.wait();
    assert!(folder.path().join("otp.db-wal").exists());

    let output = run(folder.path(), &["restore", "copy.db"]);
    assert!(output.status.success(), "{output:?}");
    let said = text(output.stderr);
    let kept = said.lines().last().unwrap().strip_prefix("the previous database is kept as ").unwrap().to_owned();
    assert_eq!(said.lines().next().unwrap(), "1 code, 1 user and 1 token were restored to otp.db");
    assert_eq!(fs::metadata(folder.path().join("otp.db")).unwrap().permissions().mode() & 0o777, 0o600);
    let answers = |database: &str| {
        let server = Server::spawn(otpd(folder.path()).env("OTPD_DATABASE__PATH", database));
        [1, 2].map(|id| server.send("GET", &format!("{OTPS}{id}"), TOKEN, "").0)
    };
    assert_eq!(answers("otp.db"), [200, 404]);
    assert_eq!(answers(&kept), [200, 200], "its log went with it");
}

#[test]
fn a_damaged_database_can_be_replaced_and_a_damaged_copy_replaces_nothing() {
    let folder = folder();
    succeed(folder.path(), &["init"]);
    succeed(folder.path(), &["backup", "copy.db"]);
    let path = |name: &str| folder.path().join(name);
    fs::write(path("otp.db"), "no database at all ".repeat(1000)).unwrap();
    fs::write(path("bad.db"), "nor is this ".repeat(1000)).unwrap();
    let line = fail(run(folder.path(), &["restore", "bad.db"]));
    assert_eq!(
        line,
        "otpd: bad.db is not an otpd backup: it is damaged or not a SQLite database (file is not a database); give \
         the path of a backup"
    );
    assert!(fs::read(path("otp.db")).unwrap().starts_with(b"no database at all"));
    succeed(folder.path(), &["restore", "copy.db"]);
    assert_eq!(succeed(folder.path(), &["user", "list"]).lines().count(), 1);
    fs::remove_file(path("otp.db")).unwrap();
    let output = run(folder.path(), &["restore", "copy.db"]);
    let said = text(output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "0 codes, 1 user and 1 token were restored to otp.db");
    let why =
        "the previous database can't be read (it does not exist), so all users and tokens of the backup are listed:";
    assert_eq!(lines[1..3], [why, "user admin (admin) is restored"]);
    assert!(lines[3].starts_with("token otpd_") && lines[3].ends_with(" of admin is restored"), "{said}");
    assert_eq!(lines.len(), 5, "nothing was there before: {said}");
}

#[test]
fn a_leftover_wal_is_not_applied_to_the_copy() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let mut server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
    let create = r#"{"code":1,"email":"a@b.com"}"#;
    succeed(folder.path(), &["backup", "copy.db"]);
    assert_eq!(server.send("POST", OTPS, TOKEN, create).0, 201);
    server.signal("KILL");
    server.wait();
    // An operator moves the database away but leaves its write-ahead log.
    fs::rename(path("otp.db"), path("otp.db.bad")).unwrap();
    assert!(path("otp.db-wal").exists());
    succeed(folder.path(), &["restore", "copy.db"]);
    let server = Server::spawn(&mut otpd(folder.path()));
    assert_eq!(server.send("GET", &format!("{OTPS}1"), TOKEN, "").0, 404);
    drop(server);
    fs::write(path("other.db-wal"), "of an earlier one").unwrap();
    let line = fail(run(folder.path(), &["backup", "other.db"]));
    assert_eq!(line, "otpd: other.db-wal would be read as part of the backup; move or delete it");
}
