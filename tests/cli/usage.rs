//! Invalid arguments, help, and a stdout that can't be written.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::helpers::{complete, fail, folder, otpd, run, shell, succeed, text, with_database};

#[test]
fn wrong_usage_exits_with_2() {
    let folder = folder();
    for arguments in [
        &["nonsense"][..],
        &["user"],
        &["user", "add"],
        &["user", "add", "x"],
        &["user", "add", "x", "--role", "king"],
        &["user", "add", "", "--role", "admin"],
        &["user", "grant", "x", ""],
        &["user", "disable", ""],
        &["token", "add", ""],
        &["token", "list", ""],
        &["token", "revoke", ""],
        &["recipient", "reset", ""],
        &["send-test", ""],
        &["backup", ""],
        &["restore", ""],
        &["--config", "", "serve"],
        &["user", "add", "a b", "--role", "admin"],
        &["user", "add", "x", "--role", "staff", "--permission", "1"],
        &["user", "grant", "x"],
        &["user", "grant", "x", "9999"],
        &["user", "grant", "x", "--permission", "9999"],
        &["user", "grant", "x", "--permission"],
        &["user", "revoke", "--permission", "view"],
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
        "user link",
        "user role",
        "user remove",
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
fn the_help_describes_every_name() {
    let folder = folder();
    for (command, words) in [
        ("user add", "Name of the new user: 1 to 64 letters, digits or . _ @ + -"),
        ("user grant", "Name of the user"),
        ("user revoke", "Name of the user"),
        ("user disable", "Name of the user"),
        ("user enable", "Name of the user"),
        ("user link", "Name of the user, an active admin or staff"),
        ("user role", "Name of the user"),
        ("user remove", "Name of the user"),
        ("token add", "Name of the user"),
        ("token list", "List only the tokens of this user"),
    ] {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let help = succeed(folder.path(), &arguments);
        let text = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_described = ["<NAME>", "[NAME]"].iter().any(|name| text.contains(&format!("{name} {words}")));
        assert!(is_described, "{command}: {help}");
    }
}

#[test]
fn a_closed_pipe_causes_no_panic() {
    let folder = with_database();
    let mut child =
        otpd(folder.path()).args(["user", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!text(output.stderr).contains("panic"));
}

#[test]
fn wrong_usage_messages_mask_possible_secrets() {
    let folder = with_database();
    let token = succeed(folder.path(), &["user", "add", "amir", "--role", "admin"]);
    let token = token.trim();
    for arguments in [
        &["token", "list", token][..],
        &["token", "revoke", "otpd_x", token],
        &["token", "revoke", &token[..11]],
        &["user", "disable", token],
        &["user", "add", "x", "--role", token],
        &["user", "add", "x", "--role", "staff", "--permission", "view,739204"],
        &["recipient", "reset", "09127770001x"],
        &["recipient", "reset", "canary.one@@example.com"],
        &["recipient", "reset", "739204"],
        &["recipient", "09127770001"],
        &["send-test", "09127770001", "--language=canary@example.com"],
        &[token],
    ] {
        let refused = run(folder.path(), arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        let said = text(refused.stderr);
        assert!(said.starts_with("error: "), "{said}");
        for canary in [token, &token[..11], "739204", "0912777", "canary"] {
            assert!(!said.contains(canary), "{arguments:?}: {said}");
        }
    }
}

/// Runs `otpd` with a stdout that can't be written: a full device, a pipe without a reader, and a closed one.
fn with_bad_stdout(folder: &Path, arguments: &[&str]) -> [(&'static str, Output); 3] {
    let run_into = |stdout: Stdio| {
        let child = otpd(folder).args(arguments).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
        child.wait_with_output().unwrap()
    };
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut closed = shell(folder, "exec \"$0\" \"$@\" >&-");
    let full = File::options().write(true).open("/dev/full").unwrap();
    [("full", run_into(full.into())), ("pipe", run_into(writer.into())), ("closed", complete(closed.args(arguments)))]
}

#[test]
fn a_token_that_could_not_be_written_is_not_stored() {
    let folder = with_database();
    let before = (succeed(folder.path(), &["user", "list"]), succeed(folder.path(), &["token", "list"]));
    for arguments in [&["user", "add", "x", "--role", "staff", "--permission", "view"][..], &["token", "add", "admin"]]
    {
        for (stdout, output) in with_bad_stdout(folder.path(), arguments) {
            let expected = match stdout {
                "full" => "otpd: stdout can't be written: No space left on device (os error 28); nothing was changed",
                "pipe" => "otpd: stdout can't be written: Broken pipe (os error 32); nothing was changed",
                _ => "otpd: stdout is closed, and the token would be lost; nothing was changed",
            };
            assert_eq!(fail(output), expected, "{arguments:?} {stdout}");
        }
        let after = (succeed(folder.path(), &["user", "list"]), succeed(folder.path(), &["token", "list"]));
        assert_eq!(after, before, "{arguments:?}");
    }
    let mut command = otpd(folder.path());
    let status = command.args(["user", "add", "x", "--role", "staff"]).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "to throw the token away is allowed");
}

#[test]
fn unwritable_output_is_a_failure() {
    let folder = with_database();
    for arguments in
        [&["user", "list"][..], &["token", "list"], &["config", "show"], &["doctor"], &["--help"], &["--version"]]
    {
        for (stdout, output) in with_bad_stdout(folder.path(), arguments).into_iter().take(2) {
            let line = fail(output);
            assert!(line.starts_with("otpd: stdout can't be written: "), "{arguments:?} {stdout}: {line}");
        }
    }
}

#[test]
fn the_version_is_printed() {
    let output = complete(Command::new(env!("CARGO_BIN_EXE_otpd")).arg("--version"));
    assert_eq!(text(output.stdout), format!("otpd {}\n", env!("CARGO_PKG_VERSION")));
}
