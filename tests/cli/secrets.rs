//! Secrets in the configuration: they are masked, and files that contain them must be private.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::helpers::{TOKEN, complete, fail, folder, otpd, text};

#[test]
fn secrets_are_masked_and_can_be_read_from_a_file() {
    let folder = folder();
    let show = |name: &str, value: &str| complete(otpd(folder.path()).env(name, value).args(["config", "show"]));
    let shown = text(show("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).stdout);
    assert!(shown.contains("auth.bootstrap_token = \"***\" # OTPD_AUTH__BOOTSTRAP_TOKEN\n"), "{shown}");
    let line = fail(show("OTPD_AUTH__BOOTSTRAP_TOKEN", "short-secret"));
    assert!(
        line.starts_with("otpd: OTPD_AUTH__BOOTSTRAP_TOKEN: auth.bootstrap_token is not valid: expected 32"),
        "{line}"
    );
    assert!(!line.contains("short-secret"));

    let path = folder.path().join("secret");
    fs::write(&path, format!("{TOKEN}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let check =
        || complete(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN_FILE", &path).args(["config", "check"]));
    let warned = text(check().stderr);
    assert!(
        warned.contains(&format!(
            "warning: {0} contains a secret, and other users can read it; run `chmod 600 {0}`",
            path.display()
        )),
        "{warned}"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(text(check().stderr), "the configuration is valid\n");
    let both = complete(
        otpd(folder.path())
            .env("OTPD_AUTH__BOOTSTRAP_TOKEN_FILE", &path)
            .env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN)
            .args(["config", "check"]),
    );
    assert!(fail(both).contains("are both set; keep one"));
    let line = fail(show("OTPD_AUTH__BOOTSTRAP_TOKEN_FILE", "nowhere"));
    assert!(
        line.ends_with("auth.bootstrap_token_file = \"nowhere\": No such file or directory (os error 2)"),
        "{line}"
    );
}

/// Returns the output of `config check` for a secret file with this mode.
fn said_of(folder: &Path, mode: u32, credentials: &Path) -> String {
    let path = folder.join("secret");
    // A read-only file can't be overwritten.
    let _ = fs::remove_file(&path);
    fs::write(&path, TOKEN).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let mut command = otpd(folder);
    command.env("OTPD_AUTH__BOOTSTRAP_TOKEN_FILE", "secret").env("CREDENTIALS_DIRECTORY", credentials);
    let output = complete(command.args(["config", "check"]));
    assert!(output.status.success(), "{output:?}");
    text(output.stderr)
}

#[test]
fn secret_files_must_be_private_read_only_or_service_credentials() {
    let (folder, other) = (folder(), folder());
    let valid = "the configuration is valid\n";
    let warning = |what: &str| {
        format!("warning: secret contains a secret, and other users can {what} it; run `chmod 600 secret`\n{valid}")
    };
    let said = |mode| said_of(folder.path(), mode, other.path());
    for mode in [0o600, 0o400, 0o440, 0o444, 0o700] {
        assert_eq!(said(mode), valid, "{mode:o}");
    }
    for mode in [0o644, 0o640, 0o604, 0o755] {
        assert_eq!(said(mode), warning("read"), "{mode:o}");
    }
    for mode in [0o660, 0o666, 0o620, 0o602, 0o664, 0o466] {
        assert_eq!(said(mode), warning("change"), "{mode:o}");
    }
    let in_credentials = |mode| said_of(folder.path(), mode, folder.path());
    assert_eq!(in_credentials(0o644), valid);
    assert_eq!(in_credentials(0o666), warning("change"));
}

#[test]
fn a_link_to_a_secret_is_checked_by_its_target() {
    let (folder, credentials) = (folder(), folder());
    let path = folder.path().join("open");
    fs::write(&path, TOKEN).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let link = credentials.path().join("token");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let mut command = otpd(folder.path());
    command.env("OTPD_AUTH__BOOTSTRAP_TOKEN_FILE", &link).env("CREDENTIALS_DIRECTORY", credentials.path());
    let said = text(complete(command.args(["config", "check"])).stderr);
    assert!(said.contains("contains a secret, and other users can read it"), "{said}");
}
