//! Names of settings in the documents.

use otpd::domain::audit::Action;
use otpd::domain::webhook::EventType;

use crate::configuration::settings;
use crate::current_documents;

/// Files whose names look like settings.
const FILES: [&str; 4] = ["otp.toml", "otp.db", "otp.example", "server.mjs"];

fn is_known(key: &str) -> bool {
    let secret =
        key.strip_suffix("_file").filter(|key| settings().iter().any(|it| it.key == *key && it.default.is_empty()));
    secret.is_some() || settings().iter().any(|it| it.key == key)
}

/// Returns the setting, not a file, an action of the audit trail or a type of events, in a code span such as `otp.expiration` or `delivery.on_unknown = "next"`.
fn named_in(span: &str) -> Option<&str> {
    let key = span.split([' ', '=']).next()?;
    let (section, name) = key.split_once('.')?;
    let is_section = settings().iter().any(|it| it.key.split('.').next() == Some(section));
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let is_event = key.parse::<Action>().is_ok() || key.parse::<EventType>().is_ok();
    let is_other = FILES.iter().any(|file| key.starts_with(file)) || is_event;
    (is_section && is_name && !is_other).then_some(key)
}

#[test]
fn settings_that_the_documents_name_exist() {
    let mut unknown = Vec::new();
    let mut count = 0;
    for document in current_documents() {
        for (place, span) in document.spans() {
            let Some(key) = named_in(&span) else { continue };
            count += 1;
            if !is_known(key) {
                unknown.push(format!("{place}: {key}"));
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    assert!(count > 50, "only {count} settings were found");
}

#[test]
fn environment_variables_that_the_documents_name_are_settings() {
    let mut unknown = Vec::new();
    for document in current_documents() {
        let words = document.text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for name in words.filter(|word| word.starts_with("OTPD_") && word.contains("__")) {
            let key = name.trim_start_matches("OTPD_").to_lowercase().replacen("__", ".", 1);
            if !is_known(&key) {
                unknown.push(format!("{}: {name}", document.path.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
fn a_file_is_not_a_setting() {
    assert_eq!(named_in("otp.expiration"), Some("otp.expiration"));
    assert_eq!(named_in("delivery.on_unknown = \"next\""), Some("delivery.on_unknown"));
    for span in ["otp.toml", "otp.db-wal", "otp.db.before-V5", "openapi.json", "server", "server.Port", "log."] {
        assert_eq!(named_in(span), None, "{span}");
    }
}
