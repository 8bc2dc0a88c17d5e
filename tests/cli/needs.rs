//! A mistake in a setting prevents only the commands that need the setting.

use crate::helpers::{complete, fail, otpd, run, succeed, text, with_database};
use crate::sending::configure;

const SMSIR: &str = "[[delivery.sms]]\ntype = \"smsir\"\ntemplate = \"1\"\n";
/// A configuration with a mistake, and the error.
const MISTAKES: [(&str, &str); 6] = [
    (SMSIR, "delivery.sms[0].api_key is missing"),
    (
        "[delivery.sms]\ntype = \"smsir\"\n",
        "delivery.sms is a list of tables; write [[delivery.sms]] instead of [delivery.sms]",
    ),
    ("[delivery]\nlanguage = \"xx\"\n", "delivery.language = \"xx\" is not valid: expected fa or en"),
    ("[delivery]\nlangage = \"fa\"\n", "there is no setting delivery.langage (did you mean delivery.language?)"),
    ("[server]\nhost = \"\"\n", "server.host = \"\" is not valid: expected a host name or an IP address"),
    ("[limits]\nsms_per_day = -1\n", "limits.sms_per_day = -1 is not valid: expected a number from 0 (no limit)"),
];

#[test]
fn commands_that_need_only_the_database_accept_mistakes_in_other_settings() {
    let folder = with_database();
    for (n, (toml, error)) in MISTAKES.into_iter().enumerate() {
        configure(folder.path(), toml);
        let (name, copy) = (format!("user{n}"), format!("copy{n}.db"));
        let token = succeed(folder.path(), &["user", "add", &name, "--role", "staff"]);
        for arguments in [
            &["user", "list"][..],
            &["user", "grant", &name, "view"],
            &["token", "list"],
            &["token", "revoke", token.trim()],
            &["recipient", "reset", "09123456789"],
            &["backup", &copy],
            &["backup", "--force", &copy],
            &["restore", &copy],
        ] {
            succeed(folder.path(), arguments);
        }
        for arguments in [&["serve"][..], &["config", "check"], &["config", "show"], &["send-test", "09123456789"]] {
            let line = fail(run(folder.path(), arguments));
            assert!(line.starts_with(&format!("otpd: otp.toml: {error}")), "{arguments:?}: {line}");
        }
    }
}

#[test]
fn mistakes_in_the_settings_of_the_database_and_unknown_sections_prevent_every_command() {
    let folder = with_database();
    for (toml, error) in [
        ("[database]\npath = \":memory:\"\n", "database.path = \":memory:\" is not valid"),
        ("[database]\npaht = \"x.db\"\n", "there is no setting database.paht (did you mean database.path?)"),
        ("[databse]\npath = \"x.db\"\n", "there is no setting databse.path (did you mean database.path?)"),
        ("[log]\nlevel = \"loud\"\n", "log.level = \"loud\" is not valid"),
    ] {
        configure(folder.path(), toml);
        for arguments in [&["user", "list"][..], &["backup", "copy.db"], &["inbox"], &["doctor"], &["init"]] {
            let line = fail(run(folder.path(), arguments));
            assert!(line.starts_with(&format!("otpd: otp.toml: {error}")), "{arguments:?}: {line}");
        }
    }
    configure(folder.path(), "[otp]\nretention = \"soon\"\n");
    assert!(fail(run(folder.path(), &["backup", "copy.db"])).contains("otp.retention = \"soon\" is not valid"));
    succeed(folder.path(), &["user", "list"]);
}

#[test]
fn variables_of_other_settings_do_not_prevent_a_command() {
    let folder = with_database();
    let output = complete(otpd(folder.path()).env("OTPD_DELIVERY__LANGUAGE", "xx").args(["user", "list"]));
    assert!(output.status.success(), "{output:?}");
    let output = complete(otpd(folder.path()).env("OTPD_DATABASE__CHECKPOINTS", "no").args(["user", "list"]));
    let line = "otpd: OTPD_DATABASE__CHECKPOINTS: database.checkpoints = \"no\" is not valid: expected true or false";
    assert_eq!(fail(output), line);
}

#[test]
fn doctor_reports_a_mistake_first_and_checks_the_database() {
    let folder = with_database();
    configure(folder.path(), SMSIR);
    let output = run(folder.path(), &["doctor"]);
    assert_eq!((output.status.code(), text(output.stderr).as_str()), (Some(1), "otpd: 1 problem to fix\n"));
    let said = text(output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "error settings: otp.toml: delivery.sms[0].api_key is missing");
    assert_eq!(lines[1], "ok    database: otp.db can be opened, and other users cannot read it");
    assert!(lines[2].starts_with("ok    clock: "), "{said}");
    assert_eq!(lines.len(), 3, "other settings are not checked: {said}");
}
