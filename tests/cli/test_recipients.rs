//! `[[otp.test_recipients]]`: the checks of the configuration, and the warning at the start.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chrono::{Days, NaiveDate, SecondsFormat, TimeDelta, Utc};

use crate::helpers::{Server, fail, folder, run, succeed, text};

/// Writes `otp.toml`, which only its owner can read.
fn write(folder: &Path, toml: &str) {
    let path = folder.join("otp.toml");
    fs::write(&path, toml).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn entry(recipient: &str, code: &str, until: &str) -> String {
    format!("[[otp.test_recipients]]\nrecipient = {recipient:?}\ncode = {code}\nuntil = {until}\n")
}

fn in_days(days: u64) -> NaiveDate {
    Utc::now().date_naive().checked_add_days(Days::new(days)).unwrap()
}

/// What `config check` says about a valid configuration.
fn checked(folder: &Path, toml: &str) -> String {
    write(folder, toml);
    let output = run(folder, &["config", "check"]);
    let said = text(output.stderr);
    assert!(output.status.success(), "{said}");
    said
}

fn refused(folder: &Path, toml: &str) -> String {
    write(folder, toml);
    let line = fail(run(folder, &["config", "check"]));
    assert_eq!(line, fail(run(folder, &["serve"])), "the start is refused with the same line");
    line
}

#[test]
fn a_check_and_each_start_list_the_test_recipients_masked() {
    let folder = folder();
    let (tomorrow, day_after) = (in_days(1), in_days(2));
    let toml = [
        entry("+98 912 777 0001", "135790", &tomorrow.to_string()),
        entry("Reviewer@Apple.com", r#""۱۳۵۷۹۰""#, &format!("\"{day_after} 18:00:00+02:00\"")),
    ]
    .concat();
    let warning = format!(
        "otp.test_recipients: fixed codes, which are not sent, for 0912***0001 until {day_after}T00:00:00.000000Z, \
         R***@apple.com until {day_after}T16:00:00.000000Z"
    );
    assert_eq!(checked(folder.path(), &toml), format!("warning: {warning}\nthe configuration is valid\n"));
    for _ in 0..2 {
        let mut server = Server::start(folder.path());
        server.signal("TERM");
        let (_, log) = server.wait();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("test_recipients")).collect();
        assert!(lines.len() == 1 && lines[0].contains("WARN") && lines[0].ends_with(&warning), "{log}");
        assert!(!log.contains("135790") && !log.contains("7770001") && !log.contains("eviewer"), "{log}");
    }
}

#[test]
fn the_code_and_the_recipient_are_masked_and_the_file_must_be_private() {
    let folder = folder();
    write(folder.path(), &entry("09123456789", "135790", &in_days(1).to_string()));
    let shown = succeed(folder.path(), &["config", "show"]);
    let line = format!(
        "otp.test_recipients = [{{ code = \"***\", recipient = \"***\", until = \"{}\" }}] # otp.toml\n",
        in_days(1)
    );
    assert!(shown.contains(&line), "{shown}");
    fs::set_permissions(folder.path().join("otp.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    let said = text(run(folder.path(), &["config", "check"]).stderr);
    let warning = "warning: otp.toml contains a secret, and other users can read it; run `chmod 600 otp.toml`\n";
    assert!(said.contains(warning), "{said}");
}

#[test]
fn an_entry_may_end_at_most_90_days_ahead() {
    let folder = folder();
    let accepted = |until: &str| checked(folder.path(), &entry("a@b.com", "135790", until));
    let moment = |days, seconds| {
        let moment = Utc::now() + TimeDelta::days(days) + TimeDelta::seconds(seconds);
        moment.to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    accepted(&in_days(90).to_string());
    accepted(&moment(90, -60));
    let line = "otpd: otp.toml: otp.test_recipients[0].until is not valid: expected a time at most 90 days ahead";
    for until in [in_days(92).to_string(), moment(90, 60), "\"9999-12-31\"".to_owned()] {
        assert_eq!(refused(folder.path(), &entry("a@b.com", "135790", &until)), line, "{until}");
    }
}

#[test]
fn an_entry_that_has_ended_causes_a_warning() {
    let folder = folder();
    let toml = format!("[otp]\ntimezone = \"Asia/Tehran\"\n{}", entry("09123456789", "135790", "2025-12-31"));
    let said = checked(folder.path(), &toml);
    let warning = "otp.test_recipients[0] ended at 2025-12-31T20:30:00.000000Z: 0912***6789 is an ordinary recipient; \
                   remove the entry";
    assert_eq!(said, format!("warning: {warning}\nthe configuration is valid\n"));
    let mut server = Server::start(folder.path());
    server.signal("TERM");
    let (_, log) = server.wait();
    assert!(log.contains(warning) && !log.contains("fixed codes"), "{log}");
}

#[test]
fn invalid_entries_are_refused_without_their_code() {
    let folder = folder();
    let tomorrow = in_days(1).to_string();
    let digits = "code is not valid: expected 6 digits (otp.code_length), the first of them not 0";
    let until = "until is not valid: expected a date such as 2026-12-31 or a time such as 2026-12-31T18:00:00Z";
    let entries = |entry: &str| format!("[[otp.test_recipients]]\n{entry}");
    let valid = entry("09123456789", "135790", &tomorrow);
    for (toml, line) in [
        (entries("recipient = \"a@b.com\"\ncode = 135790\n"), "otp.test_recipients[0].until is missing".to_owned()),
        (
            entries(&format!("code = 135790\nuntil = {tomorrow}\n")),
            "otp.test_recipients[0].recipient is missing".to_owned(),
        ),
        (
            entries(&format!("recipient = \"a@b.com\"\nuntil = {tomorrow}\n")),
            "otp.test_recipients[0].code is missing".to_owned(),
        ),
        (entry("a@b.com", "13579", &tomorrow), format!("otp.test_recipients[0].{digits}")),
        (entry("a@b.com", "1357902", &tomorrow), format!("otp.test_recipients[0].{digits}")),
        (entry("a@b.com", r#""035790""#, &tomorrow), format!("otp.test_recipients[0].{digits}")),
        (entry("a@b.com", r#""13579x""#, &tomorrow), format!("otp.test_recipients[0].{digits}")),
        (entry("a@b.com", "-35790", &tomorrow), format!("otp.test_recipients[0].{digits}")),
        (entry("a@b.com", "true", &tomorrow), format!("otp.test_recipients[0].{digits}")),
        (entry("a@b.com", "135790", "\"soon\""), format!("otp.test_recipients[0].{until}")),
        (entry("a@b.com", "135790", "07:32:00"), format!("otp.test_recipients[0].{until}")),
        (
            entry("0912345", "135790", &tomorrow),
            "otp.test_recipients[0].recipient is not valid: expected a mobile number or an e-mail address".to_owned(),
        ),
        (
            format!("{valid}{}", entry("+989123456789", "246801", &tomorrow)),
            "otp.test_recipients[1].recipient is not valid: expected a recipient that no other entry has".to_owned(),
        ),
        (
            valid.replace("until", "util"),
            "there is no setting otp.test_recipients[0].util; did you mean until?".to_owned(),
        ),
        (
            valid.replace("[[", "[").replace("]]", "]"),
            "otp.test_recipients is a list of tables; write [[otp.test_recipients]] instead of [otp.test_recipients]"
                .to_owned(),
        ),
    ] {
        let said = refused(folder.path(), &toml);
        assert_eq!(said, format!("otpd: otp.toml: {line}"), "{toml}");
    }
    let toml = format!("[otp]\ncode_length = 8\n{}", entry("a@b.com", "13579024", &tomorrow));
    assert!(checked(folder.path(), &toml).contains("until"));
}
