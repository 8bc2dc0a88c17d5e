//! A database file that is replaced or removed while the server runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::files::remove;
use crate::helpers::{Server, TOKEN, folder, otpd, until};

const OTPS: &str = "/api/notifications/otp/";
const BODY: &str = r#"{"code":1,"email":"a@b.com","valid_to":"2099-01-01"}"#;
const REFUSED: &str = "changes are refused until the database files are restored or otpd is started again: ";

/// Starts a server on `data/otp.db` below a folder.
fn serve(folder: &Path, path: &str) -> Server {
    fs::create_dir_all(folder.join("data")).unwrap();
    Server::spawn(otpd(folder).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).env("OTPD_DATABASE__PATH", path))
}

pub fn errors(server: &Server) -> Vec<String> {
    server.stderr().lines().filter(|line| line.contains(" ERROR ")).map(str::to_owned).collect()
}

/// A way to remove or replace a file. `undo` is `Some` if the file can be put back.
struct Case {
    path: &'static str,
    change: fn(&Path),
    undo: Option<fn(&Path)>,
    /// The expected log text and the file that it names.
    said: (&'static str, &'static str),
}

const REMOVED: &str = "was removed, renamed or unmounted while otpd had it open";
const REPLACED: &str = "was replaced by another file while otpd had it open";

const OVERWRITTEN: &str = "was overwritten while otpd had it open";

fn move_file(from: PathBuf, to: PathBuf) {
    fs::rename(from, to).unwrap();
}

const CASES: [Case; 12] = [
    Case { path: "data/otp.db", change: |f| remove(&f.join("data/otp.db")), undo: None, said: ("otp.db", REMOVED) },
    Case {
        path: "data/otp.db",
        change: |f| move_file(f.join("data/otp.db"), f.join("away")),
        undo: Some(|f| move_file(f.join("away"), f.join("data/otp.db"))),
        said: ("otp.db", REMOVED),
    },
    Case {
        path: "data/otp.db",
        change: |f| {
            fs::copy(f.join("data/otp.db"), f.join("other.db")).unwrap();
            move_file(f.join("other.db"), f.join("data/otp.db"));
        },
        undo: None,
        said: ("otp.db", REPLACED),
    },
    Case {
        path: "data/otp.db",
        change: |f| {
            remove(&f.join("data/otp.db"));
            fs::write(f.join("data/otp.db"), "").unwrap();
        },
        undo: None,
        // The server may detect the removal or the replacement.
        said: ("otp.db", "while otpd had it open"),
    },
    Case {
        path: "data/otp.db",
        change: |f| {
            fs::hard_link(f.join("data/otp.db"), f.join("away")).unwrap();
            symlink("../away", f.join("link")).unwrap();
            move_file(f.join("link"), f.join("data/otp.db"));
        },
        undo: Some(|f| move_file(f.join("away"), f.join("data/otp.db"))),
        said: ("otp.db", REPLACED),
    },
    Case {
        path: "data/otp.db",
        change: |f| remove(&f.join("data/otp.db-wal")),
        undo: None,
        said: ("otp.db-wal", REMOVED),
    },
    Case {
        path: "data/otp.db",
        change: |f| {
            fs::copy(f.join("data/otp.db-wal"), f.join("other")).unwrap();
            fs::hard_link(f.join("data/otp.db-wal"), f.join("away")).unwrap();
            move_file(f.join("other"), f.join("data/otp.db-wal"));
        },
        undo: Some(|f| move_file(f.join("away"), f.join("data/otp.db-wal"))),
        said: ("otp.db-wal", REPLACED),
    },
    Case {
        path: "data/otp.db",
        change: |f| remove(&f.join("data/otp.db-shm")),
        undo: None,
        said: ("otp.db-shm", REMOVED),
    },
    Case {
        path: "data/../data/otp.db",
        change: |f| move_file(f.join("data"), f.join("elsewhere")),
        undo: Some(|f| move_file(f.join("elsewhere"), f.join("data"))),
        said: ("otp.db", REMOVED),
    },
    // `cp` overwrites the existing file in place.
    Case {
        path: "data/otp.db",
        change: |f| {
            assert!(otpd(&f.join("data")).args(["backup", "copy.db"]).status().unwrap().success());
            fs::write(f.join("data/otp.db"), fs::read(f.join("data/copy.db")).unwrap()).unwrap();
        },
        undo: None,
        said: ("otp.db", OVERWRITTEN),
    },
    Case {
        path: "data/otp.db",
        change: |f| fs::write(f.join("data/otp.db"), "").unwrap(),
        undo: None,
        said: ("otp.db", OVERWRITTEN),
    },
    Case {
        path: "current/otp.db",
        change: |f| {
            fs::create_dir(f.join("next")).unwrap();
            remove(&f.join("current"));
            symlink("next", f.join("current")).unwrap();
        },
        undo: Some(|f| {
            remove(&f.join("current"));
            symlink("data", f.join("current")).unwrap();
        }),
        said: ("current/otp.db", REMOVED),
    },
];

fn is_refusing(server: &Server, said: &str) {
    for (verb, path, status) in [
        ("GET", "/readyz", 503),
        ("POST", OTPS, 503),
        ("PATCH", &format!("{OTPS}1"), 503),
        ("DELETE", &format!("{OTPS}1"), 503),
        ("GET", &format!("{OTPS}1"), 200),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 503),
    ] {
        assert_eq!(server.send(verb, path, TOKEN, BODY).0, status, "{said}: {verb} {path}");
    }
}

fn try_case(case: &Case) {
    let folder = folder();
    symlink("data", folder.path().join("current")).unwrap();
    let begun = Instant::now();
    let server = serve(folder.path(), case.path);
    assert_eq!(server.send("POST", OTPS, TOKEN, BODY).0, 201);
    // A start takes a tenth of a second; on a busy machine everything takes longer.
    let limit = Duration::from_secs(5).max(begun.elapsed() * 20);
    (case.change)(folder.path());
    // The server detects the loss without any request.
    let changed_at = Instant::now();
    until("the loss is logged", || !errors(&server).is_empty());
    assert!(changed_at.elapsed() < limit, "{:?}", changed_at.elapsed());
    let logged = errors(&server);
    let (name, said) = case.said;
    let is_named = logged[0].contains(REFUSED) && logged[0].contains(&format!("/{name} ")) && logged[0].ends_with(said);
    assert!(is_named, "{name} {said}: {logged:?}");

    is_refusing(&server, said);
    thread::sleep(Duration::from_secs(2));
    assert_eq!(errors(&server), logged, "{said}: it is logged once");
    if let Some(undo) = case.undo {
        undo(folder.path());
        until("it is back", || {
            server.stderr().contains(": the database files are restored: changes are accepted again")
        });
        assert_eq!(server.send("GET", "/readyz", TOKEN, "").0, 200);
        assert_eq!(server.send("POST", OTPS, TOKEN, BODY).0, 201);
        assert_eq!(server.send("GET", &format!("{OTPS}2"), TOKEN, "").0, 200);
        assert_eq!(errors(&server), logged);
    }
}

#[test]
fn a_removed_or_replaced_file_stops_changes_and_is_logged_once() {
    thread::scope(|scope| {
        let trials: Vec<_> = CASES.iter().map(|case| scope.spawn(|| try_case(case))).collect();
        trials.into_iter().for_each(|trial| trial.join().unwrap());
    });
}

#[test]
fn a_removed_wal_loses_no_acknowledged_change() {
    let folder = folder();
    let mut server = serve(folder.path(), "data/otp.db");
    for _ in 0..20 {
        assert_eq!(server.send("POST", OTPS, TOKEN, BODY).0, 201);
    }
    remove(&folder.path().join("data/otp.db-wal"));
    until("the loss is logged", || !errors(&server).is_empty());
    assert_eq!(server.send("POST", OTPS, TOKEN, BODY).0, 503);
    until("they are rescued", || server.stderr().contains(": all changes that were acknowledged are in the database"));
    server.signal("KILL");
    server.wait();
    let server = serve(folder.path(), "data/otp.db");
    assert_eq!(server.send("GET", &format!("{OTPS}20"), TOKEN, "").0, 200);
    assert_eq!(server.send("GET", &format!("{OTPS}21"), TOKEN, "").0, 404);
}

#[test]
fn a_stop_does_not_change_replacement_files() {
    let folder = folder();
    let mut server = serve(folder.path(), "data/otp.db");
    assert_eq!(server.send("POST", OTPS, TOKEN, BODY).0, 201);
    let path = |name: &str| folder.path().join("data").join(name);
    for name in ["otp.db", "otp.db-wal", "otp.db-shm"] {
        remove(&path(name));
        fs::write(path(name), "of another program").unwrap();
    }
    until("the loss is logged", || !errors(&server).is_empty());
    server.signal("TERM");
    assert_eq!(server.wait().0.code(), Some(0));
    for name in ["otp.db", "otp.db-wal", "otp.db-shm"] {
        assert_eq!(fs::read_to_string(path(name)).unwrap(), "of another program", "{name}");
    }
}
