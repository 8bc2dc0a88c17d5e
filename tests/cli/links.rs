//! `otpd user link`.

use crate::helpers::{complete, fail, otpd, run, succeed, text, with_database};

/// Runs `user link` with these environment variables.
fn link(folder: &std::path::Path, variables: &[(&str, &str)], name: &str) -> std::process::Output {
    complete(otpd(folder).envs(variables.iter().copied()).args(["user", "link", name]))
}

#[test]
fn the_link_has_the_address_of_the_console_and_is_alone_on_stdout() {
    let folder = with_database();
    let (host, port, origin) = ("OTPD_SERVER__HOST", "OTPD_SERVER__PORT", "OTPD_CONSOLE__ORIGIN");
    for (variables, address) in [
        (&[(port, "8080")][..], "http://127.0.0.1:8080"),
        (&[(port, "8080"), (host, "0.0.0.0")], "http://127.0.0.1:8080"),
        (&[(port, "8080"), (host, "::")], "http://127.0.0.1:8080"),
        (&[(port, "9000"), (host, "::1")], "http://[::1]:9000"),
        (&[(port, "80"), (host, "otp.internal")], "http://otp.internal:80"),
        (&[(origin, "https://OTP.example.com:443")], "https://otp.example.com"),
    ] {
        let output = link(folder.path(), variables, "admin");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(text(output.stderr), "");
        let printed = text(output.stdout);
        let key =
            printed.strip_prefix(&format!("{address}/console/sign-in?link=")).unwrap_or_else(|| panic!("{printed}"));
        assert!(
            key.len() == 44 && key.ends_with('\n') && key.trim().bytes().all(|b| b.is_ascii_alphanumeric()),
            "{key}"
        );
        let database = std::fs::read(folder.path().join("otp.db")).unwrap();
        assert!(!database.windows(43).any(|window| window == key.trim().as_bytes()), "only its hash is stored");
    }
    let trail = succeed(folder.path(), &["audit"]);
    assert_eq!(trail.matches(r#""changes":{"user":["admin","admin"],"result":[null,"link"]}"#).count(), 6, "{trail}");
}

#[test]
fn a_link_that_would_not_work_is_refused() {
    let folder = with_database();
    succeed(folder.path(), &["user", "add", "plain", "--role", "user"]);
    succeed(folder.path(), &["user", "add", "mina", "--role", "staff"]);
    succeed(folder.path(), &["user", "disable", "mina"]);
    let refused = |variables: &[(&str, &str)], name: &str| fail(link(folder.path(), variables, name));
    let known = &[("OTPD_CONSOLE__ORIGIN", "https://otp.example.com")];
    for (name, line) in [
        ("plain", "otpd: user plain has the role user, which can't use the console"),
        ("mina", "otpd: user mina is disabled; `otpd user enable mina` enables it"),
        ("x", "otpd: user x does not exist; `otpd user list` lists the users"),
    ] {
        assert_eq!(refused(known, name), line);
    }
    let off = refused(&[("OTPD_CONSOLE__ENABLED", "false")], "admin");
    assert_eq!(off, "otpd: the console is not served, because console.enabled is false");
    let unknown = refused(&[("OTPD_SERVER__PORT", "0")], "admin");
    assert_eq!(unknown, "otpd: the port of the console is not known, because server.port is 0; set console.origin");
    let wrong = refused(&[("OTPD_CONSOLE__ORIGIN", "otp.example.com")], "admin");
    assert!(
        wrong.starts_with("otpd: OTPD_CONSOLE__ORIGIN: console.origin = \"otp.example.com\" is not valid: "),
        "{wrong}"
    );
    assert!(run(folder.path(), &["user", "list"]).status.success());
}
