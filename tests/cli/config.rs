use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::helpers::{TOKEN, fail, folder, otpd, run, succeed, text};

fn shown(folder: &Path, key: &str) -> String {
    let all = succeed(folder, &["config", "show"]);
    all.lines().find(|line| line.starts_with(key)).unwrap_or_default().to_owned()
}

#[test]
fn later_layers_win_and_show_where_each_value_came_from() {
    let folder = folder();
    assert_eq!(shown(folder.path(), "otp.expiration"), r#"otp.expiration = "5m" # default"#);
    fs::write(folder.path().join("otp.toml"), "[otp]\nexpiration = \"7m\"\n[server]\nport = 9000\n").unwrap();
    assert_eq!(shown(folder.path(), "otp.expiration"), r#"otp.expiration = "7m" # otp.toml"#);
    assert_eq!(shown(folder.path(), "server.port"), r#"server.port = "0" # OTPD_SERVER__PORT"#);
    let output = otpd(folder.path())
        .args(["config", "show"])
        .env("OTPD_OTP__EXPIRATION", "9m")
        .env("OTPD_SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1")
        .output()
        .unwrap();
    let all = text(output.stdout);
    assert!(all.contains("otp.expiration = \"9m\" # OTPD_OTP__EXPIRATION\n"), "{all}");
    fs::write(folder.path().join("other.toml"), "[otp]\nexpiration = \"8m\"\n").unwrap();
    let all = succeed(folder.path(), &["--config", "other.toml", "config", "show"]);
    assert!(all.contains("otp.expiration = \"8m\" # other.toml\n"), "{all}");
    let shown: BTreeSet<&str> = all.lines().filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    assert_eq!(shown, defaults().iter().map(|(key, _)| key.as_str()).collect());
}

/// Every setting of config/default.toml with its value; the first admin's token has none.
fn defaults() -> Vec<(String, String)> {
    let toml = include_str!("../../config/default.toml");
    let mut section = "";
    let mut found = Vec::new();
    for line in toml.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            found.push((format!("{section}.{key}"), value.trim_matches('"').to_owned()));
        }
    }
    found
}

#[test]
fn the_table_of_settings_in_the_readme_is_that_of_the_program() {
    let readme = include_str!("../../README.md");
    for (key, default) in defaults() {
        let named = format!("`{key}`");
        let row = readme.lines().find(|line| line.starts_with("| `") && line.contains(&named));
        let row = row.unwrap_or_else(|| panic!("{key} is not in the README"));
        let expected = if default.is_empty() { "unset".to_owned() } else { format!("`{default}`") };
        assert!(row.contains(&expected), "{row}: {expected}");
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

/// A variable, a value that it does not take, and what is said of it.
const REFUSED: &[(&str, &str, &str)] = &[
    ("OTPD_SERVER__PORT", "x", r#"server.port = "x" is not accepted; it takes a port from 0 to 65535"#),
    ("OTPD_SERVER__PORT", "65536", r#"server.port = "65536" is not accepted; it takes a port from 0 to 65535"#),
    ("OTPD_SERVER__HOST", "", r#"server.host = "" is not accepted; it takes a host name or an IP address"#),
    (
        "OTPD_SERVER__WORKERS",
        "-1",
        r#"server.workers = "-1" is not accepted; it takes a number of threads from 0 to 1024"#,
    ),
    (
        "OTPD_SERVER__TRUSTED_PROXIES",
        "10.0.0.0/8,x",
        r#"server.trusted_proxies = "10.0.0.0/8,x" is not accepted; it takes IP addresses or networks such as 10.0.0.0/8"#,
    ),
    (
        "OTPD_SERVER__REQUESTS_PER_SECOND",
        "-1",
        r#"server.requests_per_second = "-1" is not accepted; it takes a number from 0 (no limit) to 1000000"#,
    ),
    (
        "OTPD_SERVER__METRICS",
        "9464",
        r#"server.metrics = "9464" is not accepted; it takes an address and port such as 127.0.0.1:9464, or nothing"#,
    ),
    ("OTPD_DATABASE__CHECKPOINTS", "no", r#"database.checkpoints = "no" is not accepted; it takes true or false"#),
    ("OTPD_DATABASE__PATH", ":memory:", r#"database.path = ":memory:" is not accepted; it takes the path of a file"#),
    ("OTPD_DATABASE__PATH", " ", r#"database.path = " " is not accepted; it takes the path of a file"#),
    (
        "OTPD_OTP__EXPIRATION",
        "300",
        r#"otp.expiration = "300" is not accepted; it takes a duration from 1s to 366d, such as 90s, 5m or 24h"#,
    ),
    (
        "OTPD_OTP__EXPIRATION",
        "999ms",
        r#"otp.expiration = "999ms" is not accepted; it takes a duration from 1s to 366d, such as 90s, 5m or 24h"#,
    ),
    (
        "OTPD_OTP__EXPIRATION",
        "367d",
        r#"otp.expiration = "367d" is not accepted; it takes a duration from 1s to 366d, such as 90s, 5m or 24h"#,
    ),
    (
        "OTPD_OTP__TIMEZONE",
        "Tehran",
        r#"otp.timezone = "Tehran" is not accepted; it takes an IANA name such as Asia/Tehran"#,
    ),
    (
        "OTPD_OTP__RETENTION",
        "soon",
        r#"otp.retention = "soon" is not accepted; it takes a duration from 0s (keep) to 3660d"#,
    ),
    (
        "OTPD_LOG__LEVEL",
        "loud",
        r#"log.level = "loud" is not accepted; it takes off, error, warn, info, debug or trace"#,
    ),
];

#[test]
fn a_wrong_value_names_key_source_and_what_is_accepted() {
    let folder = folder();
    for (name, value, line) in REFUSED {
        let output = otpd(folder.path()).env(name, value).args(["config", "check"]).output().unwrap();
        assert_eq!(fail(output), format!("otpd: {name}: {line}"));
    }
}

#[test]
fn a_start_is_stopped_by_what_a_check_would_report() {
    let folder = folder();
    let output = otpd(folder.path()).env("OTPD_OTP__EXPIRATION", "x").output().unwrap();
    assert!(fail(output).starts_with("otpd: OTPD_OTP__EXPIRATION: otp.expiration = \"x\" is not accepted"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_unknown_key_a_missing_file_and_bad_toml_are_one_line() {
    let folder = folder();
    let server = "there are server.host, server.metrics, server.port, server.requests_per_second, \
                  server.trusted_proxies, server.workers";
    let sections = "there are [auth], [database], [delivery], [limits], [log], [otp], [server]";
    let otp = "there are otp.code_length, otp.expiration, otp.max_attempts, otp.max_consecutive_failures, \
               otp.recipient_attempts_per_hour, otp.resend_cooldown, otp.retention, otp.timezone";
    let output = otpd(folder.path()).env("OTPD_SERVER__PROT", "1").args(["config", "check"]).output().unwrap();
    assert_eq!(fail(output), format!("otpd: OTPD_SERVER__PROT: there is no setting server.prot; {server}"));
    let output = otpd(folder.path()).env("OTPD_SERVER_PORT", "1").args(["config", "check"]).output().unwrap();
    assert_eq!(fail(output), format!("otpd: OTPD_SERVER_PORT: there is no setting server_port; {sections}"));
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

#[test]
fn what_kubernetes_sets_for_a_service_called_otpd_is_no_setting() {
    let folder = folder();
    let output = otpd(folder.path())
        .env("OTPD_SERVICE_HOST", "10.0.0.1")
        .env("OTPD_PORT", "tcp://10.0.0.1:8080")
        .env("OTPD_PORT_8080_TCP_ADDR", "10.0.0.1")
        .args(["config", "check"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_secret_is_masked_may_stand_in_a_file_and_appears_in_no_message() {
    let folder = folder();
    let show =
        |name: &str, value: &str| otpd(folder.path()).env(name, value).args(["config", "show"]).output().unwrap();
    let shown = text(show("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).stdout);
    assert!(shown.contains("auth.bootstrap_token = \"***\" # OTPD_AUTH__BOOTSTRAP_TOKEN\n"), "{shown}");
    let line = fail(show("OTPD_AUTH__BOOTSTRAP_TOKEN", "short-secret"));
    assert!(
        line.starts_with("otpd: OTPD_AUTH__BOOTSTRAP_TOKEN: auth.bootstrap_token is not accepted; it takes 32"),
        "{line}"
    );
    assert!(!line.contains("short-secret"));

    let path = folder.path().join("secret");
    fs::write(&path, format!("{TOKEN}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let check = || {
        otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN_FILE", &path).args(["config", "check"]).output().unwrap()
    };
    let warned = text(check().stderr);
    assert!(
        warned
            .contains(&format!("warning: {0} holds a secret and others can read it; `chmod 600 {0}`", path.display())),
        "{warned}"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(text(check().stderr), "the configuration is valid\n");
    let both = otpd(folder.path())
        .env("OTPD_AUTH__BOOTSTRAP_TOKEN_FILE", &path)
        .env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN)
        .args(["config", "check"])
        .output()
        .unwrap();
    assert!(fail(both).contains("are both set; keep one"));
    let line = fail(show("OTPD_AUTH__BOOTSTRAP_TOKEN_FILE", "nowhere"));
    assert!(
        line.ends_with("auth.bootstrap_token_file = \"nowhere\": No such file or directory (os error 2)"),
        "{line}"
    );
}

#[test]
fn what_is_allowed_and_unwise_is_warned_of() {
    let folder = folder();
    let output = otpd(folder.path())
        .env("OTPD_SERVER__HOST", "0.0.0.0")
        .env("OTPD_OTP__EXPIRATION", "1h")
        .args(["config", "check"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let warned = text(output.stderr);
    assert!(warned.contains("warning: server.host = \"0.0.0.0\" is reachable from other machines"), "{warned}");
    assert!(warned.contains("warning: otp.expiration is longer than the 10 minutes"), "{warned}");
}
