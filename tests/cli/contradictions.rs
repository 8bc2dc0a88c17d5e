//! Settings that are valid individually, and errors and warnings about their combinations.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::helpers::{complete, fail, folder, otpd, run, text};

#[test]
fn risky_settings_cause_warnings() {
    let folder = folder();
    let output = complete(
        otpd(folder.path())
            .env("OTPD_SERVER__HOST", "0.0.0.0")
            .env("OTPD_OTP__EXPIRATION", "1h")
            .args(["config", "check"]),
    );
    assert!(output.status.success());
    let warned = text(output.stderr);
    assert!(warned.contains("warning: server.host = \"0.0.0.0\" is reachable from other machines"), "{warned}");
    assert!(warned.contains("warning: otp.expiration is longer than the 10 minutes"), "{warned}");
}

/// Runs `config check` with this `otp.toml` and returns its output.
fn checked(folder: &Path, toml: &str) -> Output {
    fs::write(folder.join("otp.toml"), toml).unwrap();
    run(folder, &["config", "check"])
}

#[test]
fn a_cooldown_longer_than_the_lifetime_of_a_sent_code_is_refused() {
    let folder = folder();
    let otp = |settings: &str| checked(folder.path(), &format!("[otp]\n{settings}"));
    for (settings, cooldown, life) in [
        ("expiration = \"5m\"\nresend_cooldown = \"5m 1s\"\n", "5m 1s", "5m"),
        ("resend_cooldown = \"6m\"\n", "6m", "5m"),
        ("expiration = \"30s\"\nresend_cooldown = \"60s\"\n", "60s", "30s"),
    ] {
        let line = format!(
            "otpd: otp.toml: otp.resend_cooldown = {cooldown:?} is not valid: expected at most {life}, the \
             lifetime of a sent code (otp.expiration, but at most 10m)"
        );
        assert_eq!(fail(otp(settings)), line);
        // The start is refused with the same line.
        assert_eq!(fail(run(folder.path(), &["serve"])), line);
    }
    for settings in [
        "resend_cooldown = \"5m\"\n",
        "expiration = \"1h\"\nresend_cooldown = \"10m\"\n",
        "expiration = \"30s\"\nresend_cooldown = \"0s\"\n",
        // The default cooldown is shortened automatically.
        "expiration = \"1s\"\n",
    ] {
        assert!(otp(settings).status.success(), "{settings}");
    }
}

#[test]
fn contradictory_settings_are_reported() {
    let folder = folder();
    for (toml, warning) in [
        (
            "[limits]\nsends_per_recipient_hour = 20\n",
            "limits.sends_per_recipient_hour = 20 is never reached: limits.sends_per_recipient_day = 10 is reached \
             first",
        ),
        (
            "[otp]\nmax_attempts = 20\n",
            "otp.max_attempts = 20 is greater than otp.recipient_attempts_per_hour = 10, which is reached first",
        ),
        (
            "[otp]\nmax_consecutive_failures = 4\n",
            "otp.max_consecutive_failures = 4 locks a recipient before the attempts of one code are used up \
             (otp.max_attempts = 5)",
        ),
        (
            "[limits]\nfailures_per_token_hour = 10\n",
            "limits.failures_per_token_hour = 10 allows the failures of one recipient \
             (otp.recipient_attempts_per_hour = 10) to lock out all other recipients of the same token",
        ),
        (
            "[server]\ntrusted_proxies = [\"10.0.0.1\", \"::/0\"]\n",
            "server.trusted_proxies contains ::/0, so clients can forge their address; name only the addresses of your \
             proxies",
        ),
    ] {
        let said = text(checked(folder.path(), toml).stderr);
        assert_eq!(said, format!("warning: {warning}\nthe configuration is valid\n"), "{toml}");
    }
    for toml in [
        "[limits]\nsends_per_recipient_hour = 10\n",
        "[limits]\nsends_per_recipient_hour = 20\nsends_per_recipient_day = 0\n",
        "[otp]\nmax_attempts = 20\nrecipient_attempts_per_hour = 0\n",
        "[otp]\nmax_attempts = 10\n",
        "[otp]\nmax_consecutive_failures = 0\n",
        "[server]\ntrusted_proxies = [\"0.0.0.0/1\", \"10.0.0.1\"]\n",
        "[limits]\nfailures_per_token_hour = 0\n",
    ] {
        assert_eq!(text(checked(folder.path(), toml).stderr), "the configuration is valid\n", "{toml}");
    }
    for host in ["127.0.0.1", "localhost", "0.0.0.0", "::"] {
        let toml = format!("[server]\nhost = \"{host}\"\nport = 9000\nmetrics = \"127.0.0.1:9000\"\n");
        let toml = checked(folder.path(), &toml);
        assert!(toml.status.success(), "the port is that of the environment");
        let output = complete(otpd(folder.path()).env_remove("OTPD_SERVER__PORT").args(["config", "check"]));
        let line = "otpd: otp.toml: server.metrics = \"127.0.0.1:9000\" is not valid: expected an address other \
                    than that of server.host and server.port";
        assert_eq!(fail(output), line, "{host}");
    }
}

#[test]
fn doctor_reports_proxies_with_all_addresses_once() {
    let folder = folder();
    fs::write(folder.path().join("otp.toml"), "[server]\ntrusted_proxies = [\"0.0.0.0/0\"]\n").unwrap();
    let said = text(run(folder.path(), &["doctor"]).stdout);
    let about: Vec<&str> = said.lines().filter(|line| line.contains("proxies")).collect();
    let warning = "error settings: server.trusted_proxies contains 0.0.0.0/0, so clients can forge their address; name \
                   only the addresses of your proxies";
    assert_eq!(about, [warning]);
}
