//! Environment variables that resemble settings, and settings that are not valid text.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::helpers::{Server, complete, fail, folder, otpd, text};

#[test]
fn kubernetes_variables_of_a_service_named_otpd_are_not_settings() {
    let folder = folder();
    let output = complete(
        otpd(folder.path())
            .env("OTPD_SERVICE_HOST", "10.0.0.1")
            .env("OTPD_PORT", "tcp://10.0.0.1:8080")
            .env("OTPD_PORT_8080_TCP_ADDR", "10.0.0.1")
            .args(["config", "check"]),
    );
    assert!(output.status.success(), "{output:?}");
    let names = "OTPD_PORT, OTPD_PORT_8080_TCP_ADDR, OTPD_SERVICE_HOST";
    let note = "Kubernetes and Docker set such variables for a service named otpd";
    assert_eq!(
        text(output.stderr),
        format!("warning: ignored, because they are not settings: {names}; {note}\nthe configuration is valid\n")
    );
}

#[test]
fn kubernetes_variables_of_other_services_do_not_prevent_a_start() {
    let folder = folder();
    let mut command = otpd(folder.path());
    command.env("OTPD_METRICS_SERVICE_HOST", "10.0.0.1").env("OTPD_METRICS_PORT_9464_TCP", "tcp://10.0.0.1:9464");
    let server = Server::spawn(&mut command);
    let said = server.stderr();
    let names = "OTPD_METRICS_PORT_9464_TCP, OTPD_METRICS_SERVICE_HOST";
    assert!(
        said.contains(&format!("WARN  otpd::cli::serve: ignored, because they are not settings: {names}; ")),
        "{said}"
    );
    assert!(!said.contains("10.0.0.1"), "{said}");
}

#[test]
fn an_unknown_variable_is_reported_without_its_value() {
    let folder = folder();
    for (name, meant) in [
        ("OTPD_PORT", "did you mean OTPD_SERVER__PORT?"),
        ("OTPD_SERVER_PORT", "did you mean OTPD_SERVER__PORT?"),
        ("OTPD_SERVER__PROT", "did you mean OTPD_SERVER__PORT?"),
        ("otpd_server__port", "did you mean OTPD_SERVER__PORT?"),
        ("OTPD_AUTH__BOOTSTRAP_TOKN", "did you mean OTPD_AUTH__BOOTSTRAP_TOKEN?"),
        ("OTPD_BOOTSTRAP_TOKEN_FILE", "did you mean OTPD_AUTH__BOOTSTRAP_TOKEN_FILE?"),
        ("OTPD_DATABASE_URL", "did you mean OTPD_DATABASE__URL?"),
        ("OTPD_EXPIRATION", "did you mean OTPD_OTP__EXPIRATION?"),
        ("OTPD_DELIVERY__SMS__0__API_KEY", "`otpd config show` lists the settings"),
        ("OTPD_FOO", "`otpd config show` lists the settings"),
    ] {
        for value in ["canary-9000", ""] {
            let output = complete(otpd(folder.path()).env(name, value).args(["config", "check"]));
            assert!(output.status.success(), "{output:?}");
            let line = format!("warning: {name} is not a setting and is ignored; {meant}\n");
            assert_eq!(text(output.stderr), line + "the configuration is valid\n");
        }
    }
    let server = Server::spawn(otpd(folder.path()).env("OTPD_PORT", "canary-9000"));
    let said = server.stderr();
    let line = "WARN  otpd::cli::serve: OTPD_PORT is not a setting and is ignored; did you mean OTPD_SERVER__PORT?\n";
    assert!(said.contains(line), "{said}");
    assert!(!said.contains("canary"), "{said}");
}

#[test]
fn a_setting_that_is_not_text_or_empty_is_refused() {
    let folder = folder();
    let path = OsStr::from_bytes(b"otp\xff.db");
    let line = fail(complete(otpd(folder.path()).env("OTPD_DATABASE__PATH", path)));
    assert_eq!(line, "otpd: OTPD_DATABASE__PATH: the value is not UTF-8 text");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let line = fail(complete(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", "")));
    assert!(line.starts_with("otpd: OTPD_AUTH__BOOTSTRAP_TOKEN: auth.bootstrap_token is not valid: "), "{line}");
    // Variables that are not settings may have any value.
    let output = complete(otpd(folder.path()).env("OTPD_FOO", path).env("FOO", path).args(["config", "check"]));
    assert!(output.status.success(), "{output:?}");
}
