//! `otpd move`. No test needs a PostgreSQL server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use crate::helpers::{Server, complete, fail, folder, otpd, run, text, with_database};

const PASSWORD: &str = "Sup3rSecret";
/// Nothing listens on this port.
const SHOWN: &str = "postgres://otpd@127.0.0.1:1/otp";

/// A valid URL with a password.
fn url() -> String {
    format!("postgres://otpd:{PASSWORD}@127.0.0.1:1/otp")
}

/// Runs `otpd move`. Its output must not contain the password.
#[track_caller]
fn moved(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let output = complete(otpd(folder).envs(variables.iter().copied()).arg("move").args(arguments));
    for bytes in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(bytes).contains("Sup3r"), "{output:?}");
    }
    output
}

#[test]
fn a_file_does_not_move_to_a_file() {
    let folder = with_database();
    for target in ["otp.db", "new.db"] {
        assert_eq!(
            fail(moved(folder.path(), &[], &["--to", target])),
            "otpd: database otp.db: is an SQLite file already; give the URL of a PostgreSQL database, or copy the file \
             with `otpd backup`"
        );
    }
    assert!(!folder.path().join("new.db").exists());
}

#[test]
fn an_existing_file_is_not_replaced() {
    let folder = folder();
    fs::write(folder.path().join("there.db"), "content").unwrap();
    fs::write(folder.path().join("new.db-wal"), "old").unwrap();
    let (url, before) = (url(), fs::read_dir(folder.path()).unwrap().count());
    let refused = |target: &str| fail(moved(folder.path(), &[("OTPD_DATABASE__URL", &url)], &["--to", target]));
    let exists = "otpd: database there.db: already exists; give a path at which there is no file";
    assert_eq!(refused("there.db"), exists);
    assert_eq!(refused("new.db"), "otpd: new.db-wal would be read as part of the database; move or delete it");
    let line = refused("other.db");
    assert!(line.contains(SHOWN), "{line}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before);
}

#[test]
fn an_invalid_url_is_refused_without_its_text() {
    let folder = with_database();
    let refused = |arguments: &[&str]| fail(moved(folder.path(), &[], arguments));
    let scheme = "the URL must begin with postgres:// or postgresql://";
    for wrong in [
        format!("mysql://otpd:{PASSWORD}@db1/otp"),
        format!("postgres:otpd:{PASSWORD}@db1/otp"),
        format!("host=db1 user=otpd password={PASSWORD}"),
    ] {
        assert_eq!(refused(&["--to", &wrong]), format!("otpd: --to is not valid: {scheme}"));
        let file = folder.path().join("url");
        fs::write(&file, &wrong).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(refused(&["--to-url-file", "url"]), format!("otpd: --to-url-file url is not valid: {scheme}"));
    }
    let line = refused(&["--to", &format!("postgres://otpd:{PASSWORD}@x@db1/otp")]);
    assert!(line.starts_with("otpd: --to is not valid: the user name or the password contains "), "{line}");
    assert_eq!(
        refused(&["--to-url-file", "nowhere"]),
        "otpd: --to-url-file nowhere: No such file or directory (os error 2)"
    );
    let line = refused(&["--to", &url()]);
    assert!(line.contains(SHOWN), "{line}");
    assert_eq!(refused(&["--to-url-file", &url()]), "otpd: --to-url-file is a URL; give the path of a file");
    for command in ["backup", "restore"] {
        let line = fail(run(folder.path(), &[command, &url()]));
        assert_eq!(line, "otpd: the path of the backup is a URL; give the path of a file");
    }
}

#[test]
fn a_file_with_a_password_should_be_private() {
    let folder = with_database();
    let file = folder.path().join("url");
    fs::write(&file, format!("{}\n", url())).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let said = text(moved(folder.path(), &[], &["--to-url-file", "url"]).stderr);
    let warning = "warning: url contains a secret, and other users can read it; run `chmod 600 url`\n";
    assert!(said.starts_with(warning) && said.contains(SHOWN), "{said}");
}

#[test]
fn a_served_database_does_not_move() {
    let folder = with_database();
    let _server = Server::start(folder.path());
    assert_eq!(
        fail(moved(folder.path(), &[], &["--to", &url()])),
        "otpd: database otp.db: is in use; stop otpd and all other programs that have it open, then try again"
    );
}

#[test]
fn one_target_is_given() {
    let folder = folder();
    for arguments in [&[][..], &["--to", ""], &["--to", "a", "--to-url-file", "b"], &["--to-url-file"], &["a"]] {
        assert_eq!(moved(folder.path(), &[], arguments).status.code(), Some(2), "{arguments:?}");
    }
    assert_eq!(moved(folder.path(), &[], &[&url()]).status.code(), Some(2));
    assert!(text(run(folder.path(), &["move", "--help"]).stdout).contains("Example"));
}
