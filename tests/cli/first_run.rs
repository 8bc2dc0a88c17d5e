use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::helpers::{Server, TOKEN, complete, folder, otpd, text};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_printed_requests_work_as_pasted_and_the_token_is_in_a_private_file_only() {
    let folder = folder();
    let shell = format!("umask 000; exec {}", env!("CARGO_BIN_EXE_otpd"));
    let mut command = Command::new("sh");
    command.args(["-c", &shell]).current_dir(folder.path()).env("OTPD_SERVER__PORT", "0");
    let server = Server::spawn(&mut command);
    let token = fs::read_to_string(folder.path().join("admin.token")).unwrap();
    let said = server.stderr();
    assert!(!said.contains(token.trim()), "{said}");
    for name in ["admin.token", "otp.db", "otp.db-wal", "otp.db-shm"] {
        assert_eq!(mode(&folder.path().join(name)), 0o600, "{name}");
    }
    let lines: Vec<&str> = said.lines().filter(|line| line.trim().starts_with("curl ")).collect();
    assert_eq!(lines.len(), 2, "{said}");
    let answers = lines.iter().map(|line| {
        let output = complete(Command::new("sh").args(["-c", line]));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    });
    let answers: Vec<_> = answers.collect();
    assert_eq!((&answers[0]["id"], &answers[0]["recipient"]), (&1.into(), &"09123456789".into()));
    assert_eq!((&answers[1]["id"], &answers[1]["recipient"]), (&1.into(), &"some@email.com".into()));
    assert_eq!(answers[1]["mobile_number"], serde_json::Value::Null);
}

#[test]
fn the_second_start_adds_no_user() {
    let folder = folder();
    drop(Server::start(folder.path()));
    let token = fs::read_to_string(folder.path().join("admin.token")).unwrap();
    fs::remove_file(folder.path().join("admin.token")).unwrap();
    let server = Server::start(folder.path());
    assert!(!server.stderr().contains("No user yet"));
    assert!(!folder.path().join("admin.token").exists());
    assert_eq!(server.send("GET", "/api/notifications/otp/1", token.trim(), "").0, 404);
}

#[test]
fn a_terminal_is_shown_the_token_once_and_no_file_is_written() {
    let folder = folder();
    let inner = format!("timeout 2 {}", env!("CARGO_BIN_EXE_otpd"));
    let mut script = Command::new("script");
    script.args(["-qec", &inner, "/dev/null"]).current_dir(folder.path()).env("OTPD_SERVER__PORT", "0");
    let output = complete(&mut script);
    let said = text(output.stdout);
    let token = said.lines().map(str::trim).find(|line| line.starts_with("otpd_")).unwrap_or_else(|| panic!("{said}"));
    assert_eq!(token.len(), 54);
    assert_eq!(said.matches(token).count(), 3, "once by itself and once in each request");
    assert!(!folder.path().join("admin.token").exists());
}

#[test]
fn a_bootstrap_token_is_used_and_nothing_secret_is_printed() {
    let folder = folder();
    let mut server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
    assert_eq!(server.send("GET", "/api/notifications/otp/1", TOKEN, "").0, 404);
    assert!(!folder.path().join("admin.token").exists());
    server.signal("TERM");
    let (_, said) = server.wait();
    assert!(!said.contains(TOKEN) && !said.contains("curl"), "{said}");
}
