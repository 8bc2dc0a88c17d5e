//! `otpd init`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use crate::files::kinds;
use crate::helpers::{Server, TOKEN, fail, folder, otpd, run, succeed, text};
use crate::missing::{names, real};

#[test]
fn init_creates_a_database_and_writes_the_admin_token_to_a_private_file() {
    let folder = folder();
    let output = run(folder.path(), &["init"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(output.stdout), "");
    let path = real(folder.path(), "admin.token");
    assert_eq!(
        text(output.stderr),
        format!(
            "database otp.db is ready. There were no users, so the admin `admin` was added. Its token is in {}\n",
            path.display()
        )
    );
    for name in ["otp.db", "admin.token"] {
        assert_eq!(fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    let token = fs::read_to_string(path).unwrap();
    let line = "otpd: database otp.db: already has users; `otpd token add NAME` adds a token to a user";
    assert_eq!(fail(run(folder.path(), &["init"])), line);
    assert_eq!(fail(run(folder.path(), &["init", "--admin-token-file", "other.token"])), line);
    assert!(!folder.path().join("other.token").exists());
    let server = Server::start(folder.path());
    assert_eq!(server.send("GET", "/api/notifications/otp/1", token.trim(), "").0, 404);
    assert!(!server.stderr().contains("There were no users"), "{}", server.stderr());
}

#[test]
fn init_writes_the_token_to_the_given_file_or_uses_the_bootstrap_token() {
    let folder = folder();
    succeed(folder.path(), &["init", "--admin-token-file", "secrets.txt"]);
    let token = fs::read_to_string(folder.path().join("secrets.txt")).unwrap();
    assert!(!folder.path().join("admin.token").exists());
    assert_eq!(fs::metadata(folder.path().join("secrets.txt")).unwrap().permissions().mode() & 0o777, 0o600);
    let server = Server::start(folder.path());
    assert_eq!(server.send("GET", "/api/notifications/otp/1", token.trim(), "").0, 404);

    let chosen = self::folder();
    let output = otpd(chosen.path()).arg("init").env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).output().unwrap();
    let said = "database otp.db is ready. There were no users, so the admin `admin` was added. Its token is the \
                value of auth.bootstrap_token\n";
    assert_eq!(text(output.stderr), said);
    assert!(!chosen.path().join("admin.token").exists());
    let server = Server::start(chosen.path());
    assert_eq!(server.send("GET", "/api/notifications/otp/1", TOKEN, "").0, 404);
}

#[test]
fn an_existing_token_file_is_refused_and_nothing_is_created() {
    for arguments in [&["init"][..], &["init", "--admin-token-file", "admin.token"]] {
        for (kind, make) in kinds().into_iter().chain([("a file", keep as fn(&Path))]) {
            let folder = folder();
            make(&folder.path().join("admin.token"));
            let line = fail(run(folder.path(), arguments));
            assert!(
                line.ends_with(
                    "admin.token: already exists, so the admin's token can't be written there; move it, or choose \
                     another file with `otpd init --admin-token-file`"
                ),
                "{kind}: {line}"
            );
            assert_eq!(names(folder.path()), ["admin.token"], "{kind}");
        }
    }
    let folder = folder();
    let line = fail(run(folder.path(), &["init", "--admin-token-file", "no/admin.token"]));
    assert_eq!(line, "otpd: no/admin.token: the admin's token can't be written: its directory does not exist");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_start_that_finds_a_database_without_users_replaces_no_token_file() {
    let folder = folder();
    succeed(folder.path(), &["init", "--admin-token-file", "other.token"]);
    rusqlite::Connection::open(folder.path().join("otp.db")).unwrap().execute("DELETE FROM users", []).unwrap();
    keep(&folder.path().join("admin.token"));
    let line = fail(run(folder.path(), &["serve"]));
    assert!(line.contains("admin.token: already exists"), "{line}");
    assert_eq!(fs::read_to_string(folder.path().join("admin.token")).unwrap(), "kept");
    assert_eq!(succeed(folder.path(), &["user", "list"]), "");
}

fn keep(path: &Path) {
    fs::write(path, "kept").unwrap();
}

#[test]
fn init_does_not_apply_the_wal_of_an_old_database() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let mut server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
    let body = r#"{"code":1,"email":"a@b.com","valid_to":"2099-01-01"}"#;
    assert_eq!(server.send("POST", "/api/notifications/otp/", TOKEN, body).0, 201);
    server.signal("KILL");
    server.wait();
    let log = fs::read(path("otp.db-wal")).unwrap();
    assert!(!log.is_empty());
    fs::remove_file(path("otp.db")).unwrap();
    assert!(fail(run(folder.path(), &["serve"])).contains("(otp.db-outbox, otp.db-wal, otp.db-shm)"));
    succeed(folder.path(), &["init"]);
    let kept = names(folder.path()).into_iter().find(|name| name.starts_with("otp.db.before-")).unwrap();
    assert!(kept.ends_with("-wal"), "{kept}");
    assert_eq!(fs::read(path(&kept)).unwrap(), log);
    let token = fs::read_to_string(path("admin.token")).unwrap();
    let server = Server::start(folder.path());
    assert_eq!(server.send("GET", "/api/notifications/otp/1", token.trim(), "").0, 404);
    assert_eq!(server.send("GET", "/api/notifications/otp/1", TOKEN, "").0, 401);
}

#[test]
fn only_one_of_several_concurrent_inits_creates_the_database() {
    for _ in 0..5 {
        let folder = folder();
        let commands: Vec<_> = (0..4)
            .map(|n| {
                let name = format!("{n}.token");
                let mut command = otpd(folder.path());
                command.args(["init", "--admin-token-file", &name]).stdout(Stdio::null()).stderr(Stdio::piped());
                command.spawn().unwrap()
            })
            .collect();
        let outputs: Vec<_> = commands.into_iter().map(|command| command.wait_with_output().unwrap()).collect();
        let made = outputs.iter().filter(|output| output.status.success()).count();
        assert_eq!(made, 1, "{outputs:?}");
        let tokens = names(folder.path()).into_iter().filter(|name| name.ends_with(".token")).count();
        assert_eq!(tokens, 1);
        assert_eq!(succeed(folder.path(), &["user", "list"]).lines().count(), 1);
        assert!(!names(folder.path()).iter().any(|name| name.contains(".before-")), "{:?}", names(folder.path()));
    }
}
