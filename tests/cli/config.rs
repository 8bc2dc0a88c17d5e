use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::helpers::{complete, fail, folder, otpd, run, succeed, text};

fn shown(folder: &Path, key: &str) -> String {
    let all = succeed(folder, &["config", "show"]);
    all.lines().find(|line| line.starts_with(key)).unwrap_or_default().to_owned()
}

#[test]
fn later_layers_override_and_show_the_source_of_each_value() {
    let folder = folder();
    assert_eq!(shown(folder.path(), "otp.expiration"), r#"otp.expiration = "5m" # default"#);
    fs::write(folder.path().join("otp.toml"), "[otp]\nexpiration = \"7m\"\n[server]\nport = 9000\n").unwrap();
    assert_eq!(shown(folder.path(), "otp.expiration"), r#"otp.expiration = "7m" # otp.toml"#);
    assert_eq!(shown(folder.path(), "server.port"), r#"server.port = "0" # OTPD_SERVER__PORT"#);
    let output = complete(
        otpd(folder.path())
            .args(["config", "show"])
            .env("OTPD_OTP__EXPIRATION", "9m")
            .env("OTPD_SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
    );
    let all = text(output.stdout);
    assert!(all.contains("otp.expiration = \"9m\" # OTPD_OTP__EXPIRATION\n"), "{all}");
    fs::write(folder.path().join("other.toml"), "[otp]\nexpiration = \"8m\"\n").unwrap();
    let all = succeed(folder.path(), &["--config", "other.toml", "config", "show"]);
    assert!(all.contains("otp.expiration = \"8m\" # other.toml\n"), "{all}");
    let shown: BTreeSet<&str> = all.lines().filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    assert_eq!(shown, defaults().iter().map(|(key, _)| key.as_str()).collect());
}

/// Returns every setting of config/default.toml with its value. The bootstrap token has no value.
fn defaults() -> Vec<(String, String)> {
    let toml = include_str!("../../config/default.toml");
    let mut section = "";
    let mut found = Vec::new();
    for line in toml.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            let key = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
            found.push((key, value.trim_matches('"').to_owned()));
        }
    }
    found
}

#[test]
fn the_settings_page_matches_the_program() {
    let page = include_str!("../../docs/configuration.md");
    for (key, default) in defaults() {
        let named = format!("| `{key}` |");
        let row = page.lines().find(|line| line.starts_with(&named));
        let row = row.unwrap_or_else(|| panic!("{key} is not in docs/configuration.md"));
        let expected = if default.is_empty() { "`\"\"`" } else { &default };
        assert!(row.contains(expected), "{row}: {expected}");
    }
}

#[test]
fn the_example_configuration_is_valid() {
    let folder = folder();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/otp.example.toml");
    let output = run(folder.path(), &["--config", example, "config", "check"]);
    assert!(output.status.success());
    assert_eq!(text(output.stderr), "the configuration is valid\n");
}

/// A variable, a value that it does not accept, and the error.
const REFUSED: &[(&str, &str, &str)] = &[
    ("OTPD_SERVER__PORT", "x", r#"server.port = "x" is not valid: expected a port from 0 to 65535"#),
    ("OTPD_SERVER__PORT", "65536", r#"server.port = "65536" is not valid: expected a port from 0 to 65535"#),
    ("OTPD_SERVER__HOST", "", r#"server.host = "" is not valid: expected a host name or an IP address"#),
    (
        "OTPD_SERVER__HOST",
        "user:secret@127.0.0.1",
        "server.host is not valid: expected a host name or an IP address, without user name and password",
    ),
    (
        "OTPD_SERVER__HOST",
        "http://127.0.0.1",
        r#"server.host = "http://127.0.0.1" is not valid: expected a host name or an IP address"#,
    ),
    (
        "OTPD_SERVER__WORKERS",
        "-1",
        r#"server.workers = "-1" is not valid: expected a number of threads from 0 to 1024"#,
    ),
    (
        "OTPD_SERVER__TRUSTED_PROXIES",
        "10.0.0.0/8,x",
        r#"server.trusted_proxies = "10.0.0.0/8,x" is not valid: expected IP addresses or networks such as 10.0.0.0/8"#,
    ),
    (
        "OTPD_SERVER__REQUESTS_PER_SECOND",
        "-1",
        r#"server.requests_per_second = "-1" is not valid: expected a number from 0 (no limit) to 1000000"#,
    ),
    (
        "OTPD_SERVER__METRICS",
        "9464",
        r#"server.metrics = "9464" is not valid: expected an address and port such as 127.0.0.1:9464, or nothing"#,
    ),
    ("OTPD_CONSOLE__ENABLED", "no", r#"console.enabled = "no" is not valid: expected true or false"#),
    (
        "OTPD_CONSOLE__ALLOWED_ADDRESSES",
        "x",
        r#"console.allowed_addresses = "x" is not valid: expected IP addresses or networks such as 10.0.0.0/8"#,
    ),
    (
        "OTPD_CONSOLE__ORIGIN",
        "https://otp.example.com/",
        "console.origin = \"https://otp.example.com/\" is not valid: expected a scheme and a host such as \
         https://otp.example.com, without a path, or nothing",
    ),
    ("OTPD_DATABASE__CHECKPOINTS", "no", r#"database.checkpoints = "no" is not valid: expected true or false"#),
    ("OTPD_DATABASE__PATH", ":memory:", r#"database.path = ":memory:" is not valid: expected the path of a file"#),
    ("OTPD_DATABASE__PATH", " ", r#"database.path = " " is not valid: expected the path of a file"#),
    (
        "OTPD_OTP__EXPIRATION",
        "300",
        r#"otp.expiration = "300" is not valid: expected a duration from 1s to 366d, such as 90s, 5m or 24h"#,
    ),
    (
        "OTPD_OTP__EXPIRATION",
        "999ms",
        r#"otp.expiration = "999ms" is not valid: expected a duration from 1s to 366d, such as 90s, 5m or 24h"#,
    ),
    (
        "OTPD_OTP__EXPIRATION",
        "367d",
        r#"otp.expiration = "367d" is not valid: expected a duration from 1s to 366d, such as 90s, 5m or 24h"#,
    ),
    (
        "OTPD_OTP__TIMEZONE",
        "Tehran",
        r#"otp.timezone = "Tehran" is not valid: expected an IANA name such as Asia/Tehran"#,
    ),
    (
        "OTPD_OTP__RETENTION",
        "soon",
        r#"otp.retention = "soon" is not valid: expected a duration from 0s (keep) to 3660d"#,
    ),
    ("OTPD_LOG__LEVEL", "loud", r#"log.level = "loud" is not valid: expected off, error, warn, info, debug or trace"#),
];

#[test]
fn an_invalid_value_is_reported_with_key_source_and_accepted_values() {
    let folder = folder();
    for (name, value, line) in REFUSED {
        let output = complete(otpd(folder.path()).env(name, value).args(["config", "check"]));
        assert_eq!(fail(output), format!("otpd: {name}: {line}"));
    }
}

#[test]
fn a_start_fails_with_the_errors_of_config_check() {
    let folder = folder();
    let output = complete(otpd(folder.path()).env("OTPD_OTP__EXPIRATION", "x"));
    assert!(fail(output).starts_with("otpd: OTPD_OTP__EXPIRATION: otp.expiration = \"x\" is not valid"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_unknown_key_a_missing_file_and_bad_toml_are_reported_in_one_line() {
    let folder = folder();
    let server = "the known settings are server.host, server.metrics, server.port, server.requests_per_second, \
                  server.trusted_proxies, server.workers";
    let sections = "the known sections are [audit], [auth], [console], [database], [delivery], [[events]], [limits], [log], [otp], \
         [server]";
    let otp = "the known settings are otp.code_length, otp.expiration, otp.max_attempts, otp.max_consecutive_failures, \
               otp.recipient_attempts_per_hour, otp.resend_cooldown, otp.retention, otp.test_recipients, otp.timezone";
    for (toml, key, listed) in [
        ("[server]\nprot = 1\n", "server.prot (did you mean server.port?)", server),
        ("[server]\nport2 = 1\n", "server.port2 (did you mean server.port?)", server),
        ("[otp]\nresend_cool_down = \"1m\"\n", "otp.resend_cool_down (did you mean otp.resend_cooldown?)", otp),
        ("server_port = 1\n", "server_port (did you mean server.port?)", sections),
        ("[servr]\nport = 1\n", "servr.port (did you mean server.port?)", sections),
        ("[http]\nlisten = 1\n", "http.listen", sections),
    ] {
        fs::write(folder.path().join("otp.toml"), toml).unwrap();
        let line = fail(run(folder.path(), &["config", "check"]));
        assert_eq!(line, format!("otpd: otp.toml: there is no setting {key}; {listed}"));
    }
    fs::write(folder.path().join("otp.toml"), "[otp]\nttl = 5\n").unwrap();
    assert_eq!(
        fail(run(folder.path(), &["config", "check"])),
        format!("otpd: otp.toml: there is no setting otp.ttl; {otp}")
    );
    fs::write(folder.path().join("otp.toml"), "[otp\n").unwrap();
    let line = fail(run(folder.path(), &["config", "check"]));
    assert!(line.starts_with("otpd: otp.toml: TOML parse error at line 1, column 5"), "{line}");
    for text in
        ["[auth]\nbootstrap_token = Sup3rSecret0123456789\n", "[auth]\nbootstrap_token = \"Sup3rSecret0123456789\n"]
    {
        fs::write(folder.path().join("otp.toml"), text).unwrap();
        let line = fail(run(folder.path(), &["config", "check"]));
        assert!(line.starts_with("otpd: otp.toml: TOML parse error at line 2, column "), "{line}");
        assert!(!line.contains("Sup3r"), "{line}");
    }
    let line = fail(run(folder.path(), &["--config", "nowhere.toml", "config", "check"]));
    assert_eq!(line, "otpd: configuration file nowhere.toml: No such file or directory (os error 2)");
}
