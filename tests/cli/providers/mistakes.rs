//! Mistakes in provider tables, and the corrections that `config check` suggests.

use crate::helpers::{folder, run, succeed, text};
use crate::providers::refusal;
use crate::sending::configure;

#[test]
fn a_misspelled_key_is_recognised() {
    let folder = folder();
    let sms = |more: &str| format!("[[delivery.sms]]\ntype = \"kavenegar\"\n{more}");
    let email = |more: &str| format!("[[delivery.email]]\ntype = \"smtp\"\nhost = \"h\"\nfrom = \"a@b.com\"\n{more}");
    for (toml, line) in [
        (
            "[delivery.sms]\ntype = \"kavenegar\"\napi_key = \"Sup3rSecret\"\n".to_owned(),
            "delivery.sms is a list of tables; write [[delivery.sms]] instead of [delivery.sms]",
        ),
        (
            "[delivery.email]\ntype = \"smtp\"\n".to_owned(),
            "delivery.email is a list of tables; write [[delivery.email]] instead of [delivery.email]",
        ),
        (
            "[delivery.texts]\nchannel = \"sms\"\n".to_owned(),
            "delivery.texts is a list of tables; write [[delivery.texts]] instead of [delivery.texts]",
        ),
        (
            sms("template = \"t\"\napikey = \"Sup3rSecret\"\n"),
            "there is no setting delivery.sms[0].apikey; did you mean api_key?",
        ),
        (
            sms("template = \"t\"\nkey = \"Sup3rSecret\"\n"),
            "there is no setting delivery.sms[0].key; did you mean api_key?",
        ),
        (
            sms("tempalte = \"t\"\napi_key = \"Sup3rSecret\"\n"),
            "there is no setting delivery.sms[0].tempalte; did you mean template?",
        ),
        // `templates` is a valid key of its own, not a misspelled `template`.
        (sms("templates = { reset = \"t\" }\napi_key = \"k\"\n"), "delivery.sms[0].template is missing"),
        (
            "[[delivery.sms]]\ntyp = \"smsir\"\n".to_owned(),
            "there is no setting delivery.sms[0].typ; did you mean type?",
        ),
        (
            "[[delivery.sms]]\ntype = \"kavengar\"\n".to_owned(),
            "delivery.sms[0].type is not valid: expected inbox, kavenegar, ippanel, melipayamak, smsir, ghasedak, \
             iranpayamak, mediana, asanak, messageway, magfa or http; did you mean kavenegar?",
        ),
        (
            email("user = \"u\"\npassword = \"Sup3rSecret\"\n"),
            "there is no setting delivery.email[0].user; did you mean username? the known settings are ca_file, from, \
             hello, host, name, port, proxy, proxy_file, security, timeout, type, username",
        ),
        (
            email("username = \"u\"\npass = \"Sup3rSecret\"\n"),
            "there is no setting delivery.email[0].pass; did you mean password?",
        ),
        (
            email("colour = \"red\"\n"),
            "there is no setting delivery.email[0].colour; the known settings are ca_file, from, hello, host, name, \
             port, proxy, proxy_file, security, timeout, type, username",
        ),
    ] {
        assert_eq!(refusal(folder.path(), &toml), line);
    }
}

#[test]
fn a_mail_server_is_configured_by_host_name_only() {
    let folder = folder();
    let smtp = |host: &str, more: &str| {
        format!("[[delivery.email]]\ntype = \"smtp\"\nhost = \"{host}\"\nfrom = \"a@b.com\"\n{more}")
    };
    let alone = "delivery.email[0].host is not valid: expected a host name only, such as mail.example.com";
    for (host, hint) in [
        ("smtp://mail.example.com", ", without smtp://"),
        ("mail.example.com:587", "; set port for the port"),
        ("user:Sup3rSecret@mail.example.com", "; set username and password for the login"),
        ("smtp://user:Sup3rSecret@h:587", "; set username and password for the login"),
        ("mail.example.com/", ""),
        ("no host", ""),
    ] {
        assert_eq!(refusal(folder.path(), &smtp(host, "")), format!("{alone}{hint}"));
    }
    let line = "delivery.email[0].port = 465 is the port for implicit TLS; set security = \"tls\"";
    assert_eq!(refusal(folder.path(), &smtp("h", "port = 465\n")), line);
    assert_eq!(refusal(folder.path(), &smtp("h", "port = 465\nsecurity = \"starttls\"\n")), line);
    for (host, more, warning) in [
        ("mail.münchen.example", "", None),
        ("h", "port = 465\nsecurity = \"tls\"\n", None),
        ("h", "port = 2525\nsecurity = \"tls\"\n", None),
        (
            "h",
            "port = 587\nsecurity = \"tls\"\n",
            Some("port 587 usually starts without TLS; if the connection fails, set security = \"starttls\""),
        ),
        (
            "localhost",
            "port = 465\nsecurity = \"none\"\n",
            Some("port 465 usually uses TLS; if the connection fails, set security = \"tls\""),
        ),
    ] {
        configure(folder.path(), &smtp(host, more));
        let said = text(run(folder.path(), &["config", "check"]).stderr);
        let warning = warning.map_or_else(String::new, |warning| format!("warning: smtp: {warning}\n"));
        assert_eq!(said, format!("{warning}the configuration is valid\n"), "{host} {more}");
    }
    let line = "delivery.email[0].hello is not valid: expected a host name such as otp.example.com, or an IP address";
    assert_eq!(refusal(folder.path(), &smtp("h", "hello = \"my machine\"\n")), line);
}

#[test]
fn passwords_in_unmasked_settings_are_refused() {
    let folder = folder();
    let login = "user:Sup3rSecret@gateway.example";
    let refused = "is not valid: expected a value without user name and password, because `config show` prints it";
    let sms = |more: &str| format!("[[delivery.sms]]\ntype = \"ippanel\"\napi_key = \"k\"\ntemplate = \"t\"\n{more}");
    let http =
        |more: &str| format!("[[delivery.sms]]\ntype = \"http\"\nurl = \"https://h/{{recipient}}/{{code}}\"\n{more}");
    let texts = |more: &str| format!("[[delivery.texts]]\nchannel = \"email\"\nlanguage = \"en\"\n{more}");
    for (toml, key) in [
        (sms(&format!("name = \"{login}\"\nsender = \"s\"\n")), "sms[0].name"),
        (sms(&format!("sender = \"https://{login}\"\n")), "sms[0].sender"),
        (sms(&format!("sender = \"s\"\nparameter = \"{login}\"\n")), "sms[0].parameter"),
        (sms(&format!("sender = \"s\"\ntemplates = {{ login = \"{login}\" }}\n")), "sms[0].templates"),
        (http(&format!("success_pointer = \"/{login}\"\n")), "sms[0].success_pointer"),
        (http(&format!("success_pattern = \"{login}\"\n")), "sms[0].success_pattern"),
        (http(&format!("method = \"{login}\"\n")), "sms[0].method"),
        (texts(&format!("subject = \"https://{login}\"\ntext = \"{{code}}\"\n")), "texts[0].subject"),
        (texts(&format!("subject = \"s\"\ntext = \"{{code}} https://{login}\"\n")), "texts[0].text"),
        (format!("[[delivery.email]]\ntype = \"smtp\"\nhost = \"h\"\nfrom = \"{login}\"\n"), "email[0].from"),
    ] {
        assert_eq!(refusal(folder.path(), &toml), format!("delivery.{key} {refused}"));
    }
    let url = http("").replace("https://h", &format!("https://{login}"));
    assert_eq!(
        refusal(folder.path(), &url),
        "delivery.sms[0].url is not valid: expected an absolute URL (url: put user name and password into an \
         Authorization header)"
    );
    assert_eq!(
        refusal(folder.path(), &format!("[delivery]\nwebotp_domain = \"https://{login}\"\n")),
        "delivery.webotp_domain is not valid: expected a host name such as example.com, or nothing, without \
         user name and password"
    );
    // A word with a colon before an address is not a password.
    let toml = texts("subject = \"s\"\ntext = \"{code}. Help:help@example.com\"\n");
    configure(folder.path(), &toml);
    assert!(run(folder.path(), &["config", "check"]).status.success());
    // Credentials in these settings are accepted because they are masked.
    let toml = format!("{}proxy = \"http://{login}\"\nbase_url = \"http://{login}\"\n", sms("sender = \"s\"\n"));
    configure(folder.path(), &toml);
    let shown = succeed(folder.path(), &["config", "show"]);
    assert!(shown.contains("proxy = \"***\"") && !shown.contains("Sup3rSecret"), "{shown}");
}

#[test]
fn mistakes_in_a_custom_gateway_are_refused() {
    let folder = folder();
    let http =
        |more: &str| format!("[[delivery.sms]]\ntype = \"http\"\nurl = \"https://h/{{recipient}}/{{code}}\"\n{more}");
    let pattern = "delivery.sms[0].success_pattern";
    let both = "is for plain text, success_pointer and success_value are for JSON; use only one of them";
    for (more, line) in [
        (
            "success_pattern = '^(OK'\n",
            format!("{pattern} is not valid: expected a regular expression (unclosed group)"),
        ),
        (
            "success_pattern = '.*'\n",
            format!("{pattern} is not valid: expected a regular expression that an empty answer does not match"),
        ),
        ("success_pattern = '^OK'\nsuccess_pointer = '/ok'\n", format!("{pattern} {both}")),
        ("success_pattern = '^OK'\nsuccess_value = '1'\n", format!("{pattern} {both}")),
        (
            "success_value = '1'\n",
            "delivery.sms[0].success_value is compared with the value at success_pointer, which is not set".to_owned(),
        ),
        (
            "headers = { content-length = '1' }\n",
            "delivery.sms[0].headers is not valid: expected headers other than content-length, which otpd sets itself"
                .to_owned(),
        ),
        (
            "headers = { x-key = \"Sup3r\\r\\nSecret\" }\n",
            "delivery.sms[0].headers is not valid: expected a table of HTTP headers".to_owned(),
        ),
    ] {
        assert_eq!(refusal(folder.path(), &http(more)), line);
    }
    configure(folder.path(), &http("success_pattern = '^OK \\d+$'\nname = 'صندوق'\n"));
    let shown = succeed(folder.path(), &["config", "show"]);
    assert!(shown.contains(r#"success_pattern = "^OK \\d+$""#), "{shown}");
}
