use std::process::{Command, Stdio};

use crate::helpers::{Server, fail, folder, otpd, run, succeed, text};

const OTPS: &str = "/api/notifications/otp/";

#[test]
fn user_add_prints_the_token_and_nothing_else() {
    let folder = folder();
    let output = run(folder.path(), &["user", "add", "support", "--role", "staff", "--permission", "2852"]);
    assert!(output.status.success());
    assert_eq!(text(output.stderr), "");
    let token = text(output.stdout);
    assert!(token.starts_with("otpd_") && token.len() == 55 && token.ends_with('\n'), "{token}");
    assert_eq!(succeed(folder.path(), &["user", "list"]), "support\tstaff\tactive\t2852\n");
}

#[test]
fn users_are_listed_granted_revoked_disabled_and_enabled() {
    let folder = folder();
    let otpd = |arguments: &[&str]| succeed(folder.path(), arguments);
    otpd(&["user", "add", "zed", "--role", "admin"]);
    otpd(&["user", "add", "amir", "--role", "staff", "--permission", "2851", "--permission", "2854"]);
    otpd(&["user", "add", "mina", "--role", "user"]);
    assert_eq!(otpd(&["user", "grant", "amir", "2853", "2851"]), "");
    assert_eq!(otpd(&["user", "revoke", "amir", "2854", "2856"]), "");
    assert_eq!(otpd(&["user", "disable", "zed"]), "");
    let listed = "amir\tstaff\tactive\t2851,2853\nmina\tuser\tactive\t\nzed\tadmin\tdisabled\t\n";
    assert_eq!(otpd(&["user", "list"]), listed);
    otpd(&["user", "enable", "zed"]);
    assert_eq!(otpd(&["user", "list"]), listed.replace("disabled", "active"));
}

#[test]
fn tokens_are_added_listed_and_revoked_and_never_shown_again() {
    let folder = folder();
    let otpd = |arguments: &[&str]| succeed(folder.path(), arguments);
    let first = otpd(&["user", "add", "amir", "--role", "admin"]);
    otpd(&["user", "add", "mina", "--role", "admin"]);
    let second = otpd(&["token", "add", "amir"]);
    let listed = otpd(&["token", "list", "amir"]);
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 2);
    for (row, token) in rows.iter().zip([&first, &second]) {
        assert_eq!((row[0], row[1], row[3]), (&token[..12], "amir", "never"));
        assert_eq!(row[2].len(), "2025-12-30T14:39:10.268800Z".len());
        assert!(!listed.contains(&token[..13]));
    }
    assert_eq!(otpd(&["token", "list"]).lines().count(), 3);
    let begins_alike = run(folder.path(), &["token", "revoke", "otpd_"]);
    assert_eq!(fail(begins_alike), "otpd: 3 tokens begin so; give more of the one to revoke");
    otpd(&["token", "revoke", &first[..11]]);
    assert_eq!(otpd(&["token", "list", "amir"]).lines().count(), 1);
    otpd(&["token", "revoke", second.trim()]);
    assert_eq!(otpd(&["token", "list", "amir"]), "");
    let database = std::fs::read(folder.path().join("otp.db")).unwrap();
    for token in [first, second] {
        let secret = &token.as_bytes()[12..54];
        assert!(!database.windows(secret.len()).any(|window| window == secret));
    }
}

#[test]
fn what_does_not_exist_or_exists_already_is_one_line() {
    let folder = folder();
    succeed(folder.path(), &["user", "add", "amir", "--role", "admin"]);
    for (arguments, line) in [
        (&["user", "add", "amir", "--role", "staff"][..], "otpd: there is a user amir already"),
        (&["user", "disable", "x"], "otpd: there is no user x; `otpd user list` shows who there is"),
        (&["user", "grant", "x", "2851"], "otpd: there is no user x; `otpd user list` shows who there is"),
        (&["token", "add", "x"], "otpd: there is no user x; `otpd user list` shows who there is"),
        (&["token", "list", "x"], "otpd: there is no user x; `otpd user list` shows who there is"),
        (
            &["token", "revoke", "otpd_xxxxxxx"],
            "otpd: no token is listed under this prefix; `otpd token list` shows them",
        ),
    ] {
        assert_eq!(fail(run(folder.path(), arguments)), line);
    }
}

#[test]
fn only_commands_that_add_make_a_database() {
    let folder = folder();
    for arguments in [&["user", "list"][..], &["token", "list"], &["user", "disable", "x"]] {
        let line = "otpd: database otp.db: is not there; `otpd serve` creates it, database.path says where";
        assert_eq!(fail(run(folder.path(), arguments)), line);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn wrong_usage_ends_with_2() {
    let folder = folder();
    for arguments in [
        &["nonsense"][..],
        &["user"],
        &["user", "add"],
        &["user", "add", "x"],
        &["user", "add", "x", "--role", "king"],
        &["user", "add", "a b", "--role", "admin"],
        &["user", "add", "x", "--role", "staff", "--permission", "1"],
        &["user", "grant", "x"],
        &["user", "grant", "x", "9999"],
        &["--config"],
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(output.stdout), "");
        assert_ne!(text(output.stderr), "");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn every_help_shows_an_example() {
    let folder = folder();
    for command in [
        "",
        "serve",
        "user",
        "user add",
        "user list",
        "user grant",
        "user revoke",
        "user disable",
        "user enable",
        "token",
        "token add",
        "token list",
        "token revoke",
        "config",
        "config check",
        "config show",
        "backup",
    ] {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        assert!(succeed(folder.path(), &arguments).contains("\nExample:\n  "), "{command}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let folder = folder();
    succeed(folder.path(), &["user", "add", "amir", "--role", "admin"]);
    let mut child =
        otpd(folder.path()).args(["user", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!text(output.stderr).contains("panic"));
}

#[test]
fn a_running_server_honours_what_a_command_changed_at_the_next_request() {
    let folder = folder();
    let server = Server::start(folder.path());
    let token = succeed(folder.path(), &["user", "add", "amir", "--role", "staff"]);
    let ask = || server.send("GET", &format!("{OTPS}1"), token.trim(), "").0;
    assert_eq!(ask(), 403);
    for (arguments, status) in [
        (["user", "grant", "amir", "2852"].as_slice(), 404),
        (&["user", "revoke", "amir", "2852"], 403),
        (&["user", "grant", "amir", "2852"], 404),
        (&["user", "disable", "amir"], 401),
        (&["user", "enable", "amir"], 404),
        (&["token", "revoke", &token[..12]], 401),
    ] {
        succeed(folder.path(), arguments);
        assert_eq!(ask(), status, "{arguments:?}");
    }
}

#[test]
fn commands_that_race_for_a_new_database_all_succeed() {
    for _ in 0..10 {
        let folder = folder();
        let names = ["a", "b", "c", "d"];
        let children: Vec<_> = names
            .map(|name| {
                otpd(folder.path())
                    .args(["user", "add", name, "--role", "admin"])
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .into();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        assert_eq!(succeed(folder.path(), &["user", "list"]).lines().count(), names.len());
    }
}

#[test]
fn the_version_is_printed() {
    let output = Command::new(env!("CARGO_BIN_EXE_otpd")).arg("--version").output().unwrap();
    assert_eq!(text(output.stdout), format!("otpd {}\n", env!("CARGO_PKG_VERSION")));
}
