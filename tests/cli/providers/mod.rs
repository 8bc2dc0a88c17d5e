//! Providers in the configuration, and what `config check` and `doctor` report about them.

mod mistakes;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use crate::gateway::{Gateway, Reply};
use crate::helpers::{Server, complete, fail, folder, otpd, run, succeed, text, with_database};
use crate::sending::configure;

/// Returns the error of `config check` for a refused configuration, without the name of the file.
fn refusal(folder: &Path, toml: &str) -> String {
    configure(folder, toml);
    let said = fail(run(folder, &["config", "check"]));
    said.strip_prefix("otpd: otp.toml: ").unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[test]
fn an_invalid_provider_is_reported_in_one_line_without_its_secrets() {
    let folder = folder();
    let key = "api_key = \"Sup3rSecret\"\n";
    for (table, line) in [
        (format!("[[delivery.sms]]\ntype = \"smsir\"\n{key}"), "delivery.sms[0].template is missing"),
        (
            format!("[[delivery.sms]]\ntype = \"kavenegar\"\ntemplate = \"t\"\napi_kez = \"x\"\n{key}"),
            "there is no setting delivery.sms[0].api_kez; the known settings are api_key, api_key_file, base_url, \
             base_url_file, name, proxy, proxy_file, template, templates, timeout, type",
        ),
        (
            "[[delivery.email]]\ntype = \"kavenegar\"\n".to_owned(),
            "delivery.email[0].type is not valid: expected inbox, smtp or http",
        ),
        (
            "[[delivery.email]]\ntype = \"smtp\"\nhost = \"h\"\nfrom = \"no-address\"\n".to_owned(),
            "delivery.email[0].from is not valid: expected an address, or \"Name <address>\"",
        ),
        (
            format!("[[delivery.sms]]\ntype = \"kavenegar\"\ntemplate = \"t\"\ntimeout = \"1h\"\n{key}"),
            "delivery.sms[0].timeout is not valid: expected a duration from 1s to 120s",
        ),
        ("[delivery]\nsms = [1]\n".to_owned(), "delivery.sms is a list of tables; write each as [[delivery.sms]]"),
        (
            format!("[[delivery.sms]]\ntype = \"kavenegar\"\ntemplate = \"t\"\nproxy = \"Sup3rSecret\"\n{key}"),
            "delivery.sms[0].proxy is not valid: expected a URL such as http://proxy:3128 or \
             socks5://user:password@proxy:1080",
        ),
        (
            format!("[[delivery.sms]]\ntype = \"smsir\"\ntemplate = \"login\"\n{key}"),
            "delivery.sms[0].template is not valid: expected the templateId (a number)",
        ),
        (
            "[[delivery.sms]]\ntype = \"smsir\"\ntemplate = \"1\"\napi_key = \"کلید\"\n".to_owned(),
            "delivery.sms[0].api_key is not valid: expected a key of visible ASCII characters",
        ),
        (
            format!("[[delivery.sms]]\ntype = \"kavenegar\"\ntemplate = \"t\"\n{key}").repeat(2),
            "delivery.sms[1].name is not valid: expected a name that no other provider of the channel has",
        ),
    ] {
        assert_eq!(refusal(folder.path(), &table), line);
    }
}

#[test]
fn texts_and_requests_without_code_or_recipient_are_refused() {
    let folder = folder();
    for (table, line) in [
        (
            "[[delivery.texts]]\nchannel = \"post\"\nlanguage = \"fa\"\ntext = \"{code}\"\n",
            "delivery.texts[0].channel is not valid: expected sms or email",
        ),
        (
            "[[delivery.texts]]\nchannel = \"sms\"\nlanguage = \"fa\"\ntext = \"{cod}\"\n",
            "delivery.texts[0].text is not valid: the placeholder {cod} is unknown; known placeholders are {code} and \
             {minutes}",
        ),
        (
            "[[delivery.sms]]\ntype = \"http\"\nurl = \"https://h/?to={recipent}&c={code}\"\n",
            "delivery.sms[0].url is not valid: the placeholder {recipent} is unknown; known placeholders are {code}, \
             {text}, {html}, {recipient}, {international}, {national}, {subject}, {purpose}, {language}, {channel}",
        ),
        (
            "[[delivery.sms]]\ntype = \"http\"\nurl = \"https://h?to={recipient}\"\n",
            "delivery.sms[0].url is not valid: the request must contain the recipient, and the code or the text; url, \
             headers and body contain none of {code}, {text}, {html}",
        ),
    ] {
        assert_eq!(refusal(folder.path(), table), line);
    }
    let text = |purpose, text| {
        format!("[[delivery.texts]]\nchannel = \"sms\"\nlanguage = \"fa\"\n{purpose}text = \"{text}\"\n")
    };
    for (toml, line) in [
        (
            text("", "{code}") + &text("purpose = \"reset\"\n", "-"),
            "delivery.texts[1] is not valid: the Persian SMS text for reset contains no {code}",
        ),
        (
            text("", "{code}").repeat(2),
            "delivery.texts[1] is not valid: the Persian SMS text is defined twice; delete one",
        ),
    ] {
        assert_eq!(refusal(folder.path(), &toml), line);
    }
}

#[test]
fn unencrypted_connections_cause_warnings() {
    let folder = folder();
    let kavenegar = |host| {
        format!("[[delivery.sms]]\ntype = \"kavenegar\"\ntemplate = \"t\"\napi_key = \"k\"\nbase_url = \"{host}\"\n")
    };
    let smtp = |host, more| {
        let login = "username = \"u\"\npassword = \"p\"\n";
        format!("[[delivery.email]]\ntype = \"smtp\"\nfrom = \"a@b.com\"\nhost = \"{host}\"\n{login}{more}")
    };
    let plain = "security = \"none\"\n";
    for (toml, warned) in [
        (kavenegar("http://gateway.example"), true),
        (kavenegar("https://gateway.example"), false),
        (kavenegar("http://127.0.0.1:1"), false),
        (smtp("mail.example", plain), true),
        (smtp("mail.example", ""), false),
        (smtp("localhost", plain), false),
    ] {
        configure(folder.path(), &toml);
        let said = text(run(folder.path(), &["config", "check"]).stderr);
        assert_eq!(said.contains("and codes are sent unencrypted; use TLS"), warned, "{toml}: {said}");
    }
}

#[test]
fn provider_secrets_are_masked_and_readable_files_cause_warnings() {
    let folder = folder();
    let toml = "[[delivery.sms]]\ntype = \"kavenegar\"\ntemplate = \"login\"\napi_key = \"Sup3rSecret\"\n";
    configure(folder.path(), toml);
    let shown = succeed(folder.path(), &["config", "show"]);
    let line = "delivery.sms = [{ api_key = \"***\", template = \"login\", type = \"kavenegar\" }] # otp.toml\n";
    assert!(shown.contains(line), "{shown}");
    fs::set_permissions(folder.path().join("otp.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    let warned = text(run(folder.path(), &["config", "check"]).stderr);
    assert!(
        warned.contains("warning: otp.toml contains a secret, and other users can read it; run `chmod 600 otp.toml`"),
        "{warned}"
    );
}

#[test]
fn doctor_prints_one_line_per_check_and_the_remedy() {
    let folder = folder();
    let credit = r#"{"status":1,"data":88}"#;
    let gateway = Gateway::start(vec![Reply::from((200, credit))]);
    let provider = format!(
        "[[delivery.sms]]\ntype = \"smsir\"\napi_key = \"k\"\ntemplate = \"1\"\nbase_url = \"{}\"\n",
        gateway.url
    );
    configure(folder.path(), &provider);
    let said = stdout_of_failed_doctor(&run(folder.path(), &["doctor"]));
    assert!(said.contains("error database: ") && said.contains("ok    sms by smsir: "), "{said}");
    drop(Server::start(folder.path()));
    let said = succeed(folder.path(), &["doctor"]);
    for line in [
        "ok    trusted proxies: none: forwarded headers are ignored",
        "ok    database: otp.db can be opened, and other users cannot read it",
        "ok    clock: 20",
        "ok    sms by smsir: the key is valid; credit: 88 messages; `otpd send-test` checks its template and parameter",
        "note  email: no provider; to send codes, configure a [[delivery.email]] table",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    fs::set_permissions(folder.path().join("otp.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let said = stdout_of_failed_doctor(&run(folder.path(), &["doctor"]));
    assert!(said.contains("error database: other users can read it; run `chmod 600 otp.db`"), "{said}");
    let nonsense = "[[delivery.email]]\ntype = \"smtp\"\nhost = \"h\"\nproxy = \"https://h\"\nfrom = \"a@b.com\"\n";
    configure(folder.path(), &format!("{provider}{nonsense}"));
    let said = stdout_of_failed_doctor(&run(folder.path(), &["doctor"]));
    assert!(said.contains("ok    sms by smsir: "), "{said}");
    let fault = "smtp: proxy must be a URL that begins with http:// or socks5://";
    assert!(said.contains(&format!("error email by smtp: {fault}")), "{said}");
    let line = fail(run(folder.path(), &["config", "check"]));
    assert_eq!(line, format!("otpd: {fault}"));
}

#[test]
fn doctor_reports_no_problem_in_a_trial_installation() {
    let folder = with_database();
    let doctor = |allow_inbox| {
        let output = complete(otpd(folder.path()).env("OTPD_DELIVERY__ALLOW_INBOX", allow_inbox).arg("doctor"));
        assert!(output.status.success(), "{output:?}");
        assert_eq!(text(output.stderr), "");
        text(output.stdout)
    };
    let said = doctor("false");
    for channel in ["sms", "email"] {
        let line = "no provider; to send codes, configure a";
        assert!(said.contains(&format!("note  {channel}: {line} [[delivery.{channel}]] table\n")), "{said}");
    }
    let said = doctor("true");
    let line = "note  settings: delivery.allow_inbox = true: messages to the inbox are not delivered, and staff can \
                read them\n";
    assert!(said.starts_with(line), "{said}");
    assert!(!said.contains("error "), "{said}");
}

#[test]
fn doctor_separates_notes_from_problems() {
    let folder = with_database();
    let mut command = otpd(folder.path());
    command.env("OTPD_SERVER__HOST", "0.0.0.0").env("OTPD_PORT", "tcp://10.0.0.1:8080").arg("doctor");
    let output = complete(&mut command);
    assert!(output.status.success(), "{output:?}");
    let said = text(output.stdout);
    assert!(said.contains("note  settings: server.host = \"0.0.0.0\" is reachable from other machines"), "{said}");
    assert!(said.contains("note  settings: ignored, because they are not settings: OTPD_PORT; "), "{said}");
    let said = stdout_of_failed_doctor(&complete(otpd(folder.path()).env("OTPD_PORT", "9000").arg("doctor")));
    let line = "error settings: OTPD_PORT is not a setting and is ignored; did you mean OTPD_SERVER__PORT?\n";
    assert!(said.contains(line), "{said}");
}

/// Returns the stdout of an `otpd doctor` run that found problems.
fn stdout_of_failed_doctor(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let last = text(output.stderr.clone());
    assert!(last.contains(" problems to fix") || last.contains("1 problem to fix"), "{last}");
    text(output.stdout.clone())
}
