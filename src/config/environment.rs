//! Settings from environment variables, and warnings about variables that only look like settings.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::config::nearest::nearest;
use crate::config::needs::Needs;
use crate::config::table::LISTS;
use crate::error::ConfigError;

const PREFIX: &str = "OTPD_";
/// The variable in which systemd's `LoadCredential=` names a directory that only the service can read.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// A setting from an environment variable.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// The key, such as `server.port`.
    pub(super) key: String,
    pub(super) value: String,
    /// The name of the variable.
    pub(super) name: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Environment {
    /// In order of precedence: the last setting of a key wins.
    pub(super) settings: Vec<Given>,
    /// A warning for each variable that looks like a misspelled setting.
    pub(super) misspelt: Vec<String>,
    /// A note about variables set by Kubernetes or Docker.
    pub(super) foreign: Option<String>,
    pub(super) credentials: Option<PathBuf>,
}

/// Reads the settings in `needs` from the variables. `known` contains the keys of all settings.
///
/// # Errors
/// The value of such a setting is not UTF-8. Messages contain no values, because values may be secrets.
pub(super) fn read(
    variables: impl Iterator<Item = (OsString, OsString)>,
    known: &[String],
    needs: Needs,
) -> Result<Environment, ConfigError> {
    let (mut found, mut foreign) = (Environment::default(), Vec::new());
    // Reverse order puts the name in capitals after other spellings of the same key, so that it wins.
    for (name, value) in variables.collect::<BTreeMap<_, _>>().into_iter().rev() {
        let name = name.to_string_lossy().into_owned();
        if name == CREDENTIALS {
            found.credentials = Some(PathBuf::from(value));
        } else if let Some(key) = key_of(&name).filter(|key| known.contains(key)) {
            if needs.include(&key) {
                let value = value.into_string();
                let value = value.map_err(|_| ConfigError(format!("{name}: the value is not UTF-8 text")))?;
                found.settings.push(Given { key, value, name });
            }
        } else if is_of_an_orchestrator(&name, &value) {
            foreign.insert(0, name.escape_debug().to_string());
        } else if name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX)) {
            found.misspelt.insert(0, warning(&name, known));
        }
    }
    found.foreign = (!foreign.is_empty()).then(|| {
        let names = foreign.join(", ");
        format!(
            "ignored, because they are not settings: {names}; Kubernetes and Docker set such variables for a service \
             named otpd"
        )
    });
    Ok(found)
}

/// The key for a variable name; it may be unknown.
fn key_of(name: &str) -> Option<String> {
    Some(name.strip_prefix(PREFIX)?.to_ascii_lowercase().replace("__", "."))
}

/// Whether Kubernetes or Docker set this variable for a service called `otpd` or `otpd-…`
/// (<https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>).
fn is_of_an_orchestrator(name: &str, value: &OsStr) -> bool {
    let is_url = || {
        let value = value.to_string_lossy();
        ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
    };
    // PORT_8080_TCP, optionally followed by _PROTO, _PORT or _ADDR.
    let is_port = |(_, rest): (&str, &str)| {
        let words: Vec<&str> = rest.split('_').collect();
        let is_number = words[0].parse::<u16>().is_ok();
        let is_protocol = words.get(1).is_some_and(|word| ["TCP", "UDP", "SCTP"].contains(word));
        let is_part = words.get(2).is_none_or(|word| ["PROTO", "PORT", "ADDR"].contains(word));
        is_number && is_protocol && is_part && words.len() <= 3
    };
    name.starts_with(PREFIX)
        && !name.contains("__")
        && (name.ends_with("_SERVICE_HOST")
            || name.ends_with("_SERVICE_PORT")
            || name.contains("_SERVICE_PORT_")
            || (name.ends_with("_PORT") && is_url())
            || name.match_indices("_PORT_").any(|(at, word)| is_port((word, &name[at + word.len()..]))))
}

fn warning(name: &str, known: &[String]) -> String {
    let meant = meant(&name[PREFIX.len()..], known);
    let name = name.escape_debug();
    match meant {
        Some(key) => {
            let meant = key.to_uppercase().replace('.', "__");
            format!("{name} is not a setting and is ignored; did you mean {PREFIX}{meant}?")
        }
        None => format!("{name} is not a setting and is ignored; `otpd config show` lists the settings"),
    }
}

/// The key that was probably intended. Compares the whole key, then the key without its section, then the last word.
/// Lists of tables are not suggested, because a variable can't hold one.
fn meant<'a>(given: &str, known: &'a [String]) -> Option<&'a str> {
    let keys = || known.iter().map(String::as_str).filter(|key| !LISTS.contains(key));
    let behind_section = |key: &'a str| key.split_once('.').map_or(key, |(_, rest)| rest);
    let of_part = |part: &str| keys().find(|key| behind_section(key) == part);
    nearest(given, keys())
        .or_else(|| nearest(given, keys().map(behind_section)).and_then(of_part))
        .or_else(|| of_part(&given.rsplit('_').next().unwrap_or_default().to_lowercase()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn known() -> Vec<String> {
        let keys =
            ["auth.bootstrap_token", "database.path", "log.level", "server.host", "server.port", "server.workers"];
        keys.map(str::to_owned).into()
    }

    fn read_all(variables: &[(&str, &str)]) -> Environment {
        let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        read(variables, &known(), Needs::All).unwrap()
    }

    #[test]
    fn a_misspelled_setting_is_reported_with_the_nearest_name_and_without_its_value() {
        for (name, meant) in [
            ("OTPD_PORT", "OTPD_SERVER__PORT"),
            ("OTPD_SERVER_PORT", "OTPD_SERVER__PORT"),
            ("OTPD_SERVER__PROT", "OTPD_SERVER__PORT"),
            ("OTPD_SERVER___PORT", "OTPD_SERVER__PORT"),
            ("otpd_server__port", "OTPD_SERVER__PORT"),
            ("Otpd_Server_Port", "OTPD_SERVER__PORT"),
            ("OTPD_LISTEN_PORT", "OTPD_SERVER__PORT"),
            ("OTPD_DB_PATH", "OTPD_DATABASE__PATH"),
            ("OTPD_LOGLEVEL", "OTPD_LOG__LEVEL"),
            ("OTPD_BOOTSTRAP_TOKEN", "OTPD_AUTH__BOOTSTRAP_TOKEN"),
            ("OTPD_HOSTS", "OTPD_SERVER__HOST"),
        ] {
            let said = format!("{name} is not a setting and is ignored; did you mean {meant}?");
            assert_eq!(read_all(&[(name, "Sup3rSecret")]).misspelt, [said]);
        }
        for name in ["OTPD_", "OTPD__", "OTPD_FOO", "OTPD_DELIVERY__SMS__0__API_KEY"] {
            let said = format!("{name} is not a setting and is ignored; `otpd config show` lists the settings");
            assert_eq!(read_all(&[(name, "")]).misspelt, [said]);
        }
        assert_eq!(read_all(&[("OTPD", "x"), ("OTPDX_PORT", "1"), ("XOTPD_PORT", "1")]), Environment::default());
    }

    #[test]
    fn variables_set_by_orchestrators_are_reported_in_one_note() {
        let found = read_all(&[
            ("OTPD_SERVICE_HOST", "10.0.0.1"),
            ("OTPD_SERVICE_PORT", "8080"),
            ("OTPD_SERVICE_PORT_HTTP", "8080"),
            ("OTPD_PORT", "tcp://10.0.0.1:8080"),
            ("OTPD_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("OTPD_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("OTPD_METRICS_SERVICE_HOST", "10.0.0.2"),
            ("OTPD_X_PORT_53_UDP_PROTO", "udp"),
            ("OTPD_X_PORT", "udp://10.0.0.2:53"),
        ]);
        let names = "OTPD_METRICS_SERVICE_HOST, OTPD_PORT, OTPD_PORT_8080_TCP, OTPD_PORT_8080_TCP_ADDR, \
                     OTPD_SERVICE_HOST, OTPD_SERVICE_PORT, OTPD_SERVICE_PORT_HTTP, OTPD_X_PORT, OTPD_X_PORT_53_UDP_PROTO";
        let note = format!(
            "ignored, because they are not settings: {names}; Kubernetes and Docker set such variables for a service \
             named otpd"
        );
        assert_eq!(found, Environment { foreign: Some(note), ..Environment::default() });
        for (name, value) in [("OTPD_PORT", "9000"), ("OTPD_PORT_HTTP", "1"), ("OTPD_PORT_8080_HTTP", "1")] {
            assert_eq!(read_all(&[(name, value)]).foreign, None, "{name}");
        }
    }

    #[test]
    fn the_name_in_capitals_wins() {
        let given =
            |value: &str, name: &str| Given { key: "server.port".into(), value: value.into(), name: name.into() };
        let found = read_all(&[("OTPD_SERVER__PORT", "1"), ("OTPD_server__port", "2")]);
        assert_eq!(found.settings, [given("2", "OTPD_server__port"), given("1", "OTPD_SERVER__PORT")]);
    }

    #[test]
    fn a_value_that_is_not_utf_8_is_refused_and_a_name_is_reported() {
        let bytes = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let set = |name: OsString| read([(name, bytes(b"otp\xff.db"))].into_iter(), &known(), Needs::All);
        let refused = set("OTPD_DATABASE__PATH".into()).unwrap_err();
        assert_eq!(refused.to_string(), "OTPD_DATABASE__PATH: the value is not UTF-8 text");
        assert_eq!(set("OTPD_FOO".into()).unwrap().misspelt.len(), 1);
        assert_eq!(set("PATH".into()).unwrap(), Environment::default());
        let said = set(bytes(b"OTPD_\xff")).unwrap().misspelt;
        assert_eq!(said, ["OTPD_\u{fffd} is not a setting and is ignored; `otpd config show` lists the settings"]);
    }
}
