//! `database.url` and `database.url_file`. No test needs a PostgreSQL server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use crate::helpers::{complete, fail, folder, otpd, run, succeed, text};

const PASSWORD: &str = "Sup3rSecret";
const VALID: &str = "the configuration is valid\n";

/// Runs `otpd` with these variables. Its output must not contain the password.
#[track_caller]
fn run_with(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let output = complete(otpd(folder).envs(variables.iter().copied()).args(arguments));
    for bytes in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(bytes).contains("Sup3r"), "{output:?}");
    }
    output
}

/// Writes a file that only its owner can read.
fn write(folder: &Path, name: &str, content: &str) {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Returns the lines about the URL and the path in `config show`.
fn shown(folder: &Path, variables: &[(&str, &str)]) -> Vec<String> {
    let all = text(run_with(folder, variables, &["config", "show"]).stdout);
    let is_location = |line: &&str| ["database.url", "database.path"].iter().any(|key| line.starts_with(key));
    all.lines().filter(is_location).map(str::to_owned).collect()
}

#[test]
fn a_url_is_read_from_every_source_and_shown_without_its_password() {
    let folder = folder();
    let (path, url) = ("database.path = \"otp.db\" # default", format!("postgres://otpd:{PASSWORD}@db1,db2:5433/otp"));
    write(folder.path(), "otp.toml", &format!("[database]\nurl = \"{url}?sslmode=verify-full\"\n"));
    let line = "database.url = \"postgres://otpd@db1:5432,db2:5433/otp\" # otp.toml";
    assert_eq!(shown(folder.path(), &[]), [path, line]);
    let line = "database.url = \"postgres://otpd@db1:5432,db2:5433/otp\" # OTPD_DATABASE__URL";
    assert_eq!(shown(folder.path(), &[("OTPD_DATABASE__URL", &url)]), [path, line]);

    write(folder.path(), "url", &format!("{url}\n"));
    write(folder.path(), "otp.toml", "[database]\nurl_file = \"url\"\n");
    assert_eq!(shown(folder.path(), &[]), [path, "database.url_file = \"url\" # otp.toml"]);
    write(folder.path(), "otp.toml", "");
    let line = "database.url_file = \"url\" # OTPD_DATABASE__URL_FILE";
    assert_eq!(shown(folder.path(), &[("OTPD_DATABASE__URL_FILE", "url")]), [path, line]);
}

#[test]
fn an_empty_url_is_sqlite() {
    let folder = folder();
    assert_eq!(
        shown(folder.path(), &[("OTPD_DATABASE__URL", ""), ("OTPD_DATABASE__PATH", "x.db")]),
        ["database.path = \"x.db\" # OTPD_DATABASE__PATH", "database.url = \"\" # OTPD_DATABASE__URL"]
    );
    write(folder.path(), "otp.toml", "[database]\nurl = \"\"\n");
    assert_eq!(text(run(folder.path(), &["config", "check"]).stderr), VALID);
    succeed(folder.path(), &["init"]);
    assert!(folder.path().join("otp.db").is_file());
}

#[test]
fn an_invalid_url_is_reported_without_its_text() {
    let folder = folder();
    let check = |variables: &[(&str, &str)]| fail(run_with(folder.path(), variables, &["config", "check"]));
    let wrong_scheme = "database.url is not valid: the URL must begin with postgres:// or postgresql://";
    let url = format!("mysql://otpd:{PASSWORD}@db1/otp");
    assert_eq!(
        check(&[("OTPD_DATABASE__URL", &url)]),
        format!("otpd: OTPD_DATABASE__URL: {wrong_scheme}"),
        "of the environment"
    );
    write(folder.path(), "url", &url);
    assert_eq!(check(&[("OTPD_DATABASE__URL_FILE", "url")]), format!("otpd: url: {wrong_scheme}"), "of a file");
    write(folder.path(), "empty", "\n");
    assert_eq!(check(&[("OTPD_DATABASE__URL_FILE", "empty")]), format!("otpd: empty: {wrong_scheme}"), "empty");
    assert_eq!(
        check(&[("OTPD_DATABASE__URL_FILE", "nowhere")]),
        "otpd: OTPD_DATABASE__URL_FILE: database.url_file = \"nowhere\": No such file or directory (os error 2)"
    );
    for (toml, error) in [
        (format!("url = \"postgres://otpd:{PASSWORD}@x@db1/otp\""), "database.url is not valid: the user name or the "),
        (
            format!("url = \"postgres://otpd:{PASSWORD}@db1/otp?sslmode=prefer\""),
            "database.url is not valid: sslmode: ",
        ),
        (format!("url = [\"{url}\"]"), wrong_scheme),
        (format!("urls = \"{url}\""), "there is no setting database.urls (did you mean database.url?)"),
    ] {
        write(folder.path(), "otp.toml", &format!("[database]\n{toml}\n"));
        let line = check(&[]);
        assert!(line.starts_with(&format!("otpd: otp.toml: {error}")), "{line}");
    }
}

#[test]
fn a_url_is_given_once_and_without_a_path() {
    let folder = folder();
    let url = format!("postgres://otpd:{PASSWORD}@db1/otp");
    write(folder.path(), "url", &url);
    let check = |variables: &[(&str, &str)]| run_with(folder.path(), variables, &["config", "check"]);
    write(folder.path(), "otp.toml", "[database]\nurl_file = \"url\"\n");
    assert_eq!(
        fail(check(&[("OTPD_DATABASE__URL", &url)])),
        "otpd: OTPD_DATABASE__URL: database.url and database.url_file (otp.toml) are both set; keep one"
    );
    write(folder.path(), "otp.toml", &format!("[database]\npath = \"otp.db\"\nurl = \"{url}\"\n"));
    let line = "otpd: otp.toml: database.url and database.path (otp.toml) are both set; keep one";
    assert_eq!(fail(check(&[])), line);
    assert_eq!(fail(run_with(folder.path(), &[], &["user", "list"])), line);
    write(folder.path(), "otp.toml", "[database]\npath = \"otp.db\"\n");
    assert_eq!(
        fail(check(&[("OTPD_DATABASE__URL_FILE", "url")])),
        "otpd: OTPD_DATABASE__URL_FILE: database.url_file and database.path (otp.toml) are both set; keep one"
    );
    // The container image sets the path.
    write(folder.path(), "otp.toml", &format!("[database]\nurl = \"{url}\"\n"));
    let output = check(&[("OTPD_DATABASE__PATH", "/var/lib/otpd/otp.db")]);
    assert!(output.status.success(), "{output:?}");
    let note = "database.path (OTPD_DATABASE__PATH) has no effect, because database.url (otp.toml) is set";
    assert_eq!(text(output.stderr), format!("warning: {note}\n{VALID}"));
}

#[test]
fn a_file_with_a_password_must_be_private() {
    let folder = folder();
    let said = |toml: &str, name: &str| {
        write(folder.path(), "otp.toml", &format!("[database]\n{toml}\n"));
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o644)).unwrap();
        let output = run_with(folder.path(), &[], &["config", "check"]);
        assert!(output.status.success(), "{output:?}");
        text(output.stderr)
    };
    let warning = |name: &str| {
        format!("warning: {name} contains a secret, and other users can read it; run `chmod 600 {name}`\n{VALID}")
    };
    let url = format!("postgres://otpd:{PASSWORD}@db1/otp");
    assert_eq!(said(&format!("url = \"{url}\""), "otp.toml"), warning("otp.toml"));
    assert_eq!(said("url = \"postgres://otpd@%2Frun%2Fpostgresql/otp\"", "otp.toml"), VALID, "no password");
    write(folder.path(), "url", &url);
    assert_eq!(said("url_file = \"url\"", "url"), warning("url"));
}

#[test]
fn commands_name_the_database_without_the_password() {
    let folder = folder();
    let url = format!("postgres://otpd:{PASSWORD}@127.0.0.1:1/otp");
    let shown = "postgres://otpd@127.0.0.1:1/otp";
    let variables = [("OTPD_DATABASE__URL", url.as_str())];
    assert_eq!(
        fail(run_with(folder.path(), &variables, &["restore", "copy.db"])),
        format!(
            "otpd: database {shown}: a backup can't be restored into PostgreSQL directly; restore it to a file, then \
             copy it to a new database with `otpd move --to-url-file FILE`"
        )
    );
    let line = fail(run_with(folder.path(), &[("OTPD_DATABASE__URL_FILE", url.as_str())], &["config", "check"]));
    let reason = "database.url_file is not valid: expected the path of a file, without user name and password";
    assert_eq!(line, format!("otpd: OTPD_DATABASE__URL_FILE: {reason}"));
    // Nothing listens on this port.
    for arguments in [&["user", "list"][..], &["init"], &["inbox"], &["audit"]] {
        let line = fail(run_with(folder.path(), &variables, arguments));
        assert!(line.contains(shown), "{arguments:?}: {line}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
