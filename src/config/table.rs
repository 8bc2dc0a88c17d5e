//! One table of a list of tables such as `[[delivery.sms]]`. It is read key by key; [`Table::finish`] refuses keys that
//! were not read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use config::{Map, Value, ValueKind};

use crate::config::error::ConfigError;
use crate::config::nearest::nearest;
use crate::config::secret::{holds_login, holds_url_login, secret_text};
use crate::config::values::duration;
use crate::domain::secret::Secret;

/// The keys of all lists of tables.
const LISTS: [&str; 3] = ["delivery.sms", "delivery.email", "delivery.texts"];
/// Keys whose values `config show` prints. The values of other keys may contain secrets.
const SHOWN: [&str; 22] = [
    "type",
    "name",
    "host",
    "port",
    "security",
    "from",
    "hello",
    "timeout",
    "template",
    "templates",
    "sender",
    "parameter",
    "method",
    "success_pointer",
    "success_value",
    "success_pattern",
    "id_pointer",
    "channel",
    "language",
    "purpose",
    "subject",
    "text",
];
/// All other keys. They are not regarded as misspellings of a missing key.
const MASKED: [&str; 10] =
    ["api_key", "base_url", "body", "ca", "headers", "html", "password", "proxy", "url", "username"];
/// Keys with message texts. They are not secret and may contain a colon before an `@`.
const TEXTS: [&str; 2] = ["subject", "text"];

pub(super) struct Table<'a> {
    /// The key of the table, such as `delivery.sms[0]`.
    key: String,
    source: &'a str,
    values: &'a Map<String, Value>,
    asked: RefCell<BTreeSet<String>>,
}

impl<'a> Table<'a> {
    /// Reads a list of tables.
    pub(super) fn list(key: &str, source: &'a str, value: &'a Value) -> Result<Vec<Self>, ConfigError> {
        let refused = || ConfigError(format!("{source}: {key} is a list of tables; write each as [[{key}]]"));
        let ValueKind::Array(items) = &value.kind else { return Err(refused()) };
        let table = |(n, item): (usize, &'a Value)| match &item.kind {
            ValueKind::Table(values) => {
                Ok(Self { key: format!("{key}[{n}]"), source, values, asked: RefCell::default() })
            }
            _ => Err(refused()),
        };
        items.iter().enumerate().map(table).collect()
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.asked.borrow_mut().insert(name.to_owned());
        self.values.get(name)
    }

    /// An error about a key. `accepted` describes the accepted values.
    pub(super) fn refused(&self, name: &str, accepted: &str) -> ConfigError {
        ConfigError(format!("{}: {}.{name} is not accepted; it takes {accepted}", self.source, self.key))
    }

    /// An error about a key. `words` follow the key in the message.
    pub(super) fn fault(&self, name: &str, words: &str) -> ConfigError {
        ConfigError(format!("{}: {}.{name} {words}", self.source, self.key))
    }

    /// An error about a missing key. If another key is probably a misspelling of it, the message says so.
    fn missing(&self, name: &str) -> ConfigError {
        let as_file = format!("{name}_file");
        let names = || [name, as_file.as_str()].into_iter().filter(|name| is_known(name));
        let unknown = self.values.keys().filter(|given| !is_known(given));
        let guess = unknown.filter_map(|given| Some((given, nearest(given, names())?))).next();
        guess.map_or_else(
            || self.fault(name, "is missing"),
            |(given, meant)| {
                let (source, key) = (self.source, &self.key);
                ConfigError(format!("{source}: there is no setting {key}.{given}; did you mean {meant}?"))
            },
        )
    }

    /// An optional text. The caller must check the value before showing or logging it, because it may contain a login.
    pub(super) fn unchecked(&self, name: &str) -> Result<Option<String>, ConfigError> {
        let text = |value: &Value| match &value.kind {
            ValueKind::Table(_) | ValueKind::Array(_) | ValueKind::Nil => Err(self.refused(name, "a text")),
            _ => value.clone().into_string().map_err(|_| self.refused(name, "a text")),
        };
        self.get(name).map(text).transpose()
    }

    /// An optional text. A text with a login is refused if `config show` prints it.
    pub(super) fn optional(&self, name: &str) -> Result<Option<String>, ConfigError> {
        let text = self.unchecked(name)?;
        if text.as_ref().is_some_and(|text| shows_login(name, text)) {
            return Err(self.refused(name, "no user name and password, because `config show` prints it"));
        }
        Ok(text)
    }

    pub(super) fn text(&self, name: &str) -> Result<String, ConfigError> {
        self.optional(name)?.filter(|text| !text.trim().is_empty()).ok_or_else(|| self.missing(name))
    }

    /// A text parsed by `parse`, or `default` if the key is missing.
    pub(super) fn parsed<T>(
        &self,
        name: &str,
        accepted: &str,
        default: T,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        match self.optional(name)? {
            None => Ok(default),
            Some(text) => parse(&text).ok_or_else(|| self.refused(name, accepted)),
        }
    }

    pub(super) fn duration(&self, name: &str, default: Duration) -> Result<Duration, ConfigError> {
        let accepted = "a duration from 1s to 120s";
        self.parsed(name, accepted, default, |text| duration(text, 1).filter(|d| *d <= Duration::from_secs(120)))
    }

    /// An optional secret, given directly or as the path of a file (`NAME_file`).
    pub(super) fn optional_secret(&self, name: &str) -> Result<Option<Secret>, ConfigError> {
        let given = |name: &str| Ok(self.optional(name)?.map(|text| (text, self.source.to_owned())));
        let key = format!("{}.{name}", self.key);
        match secret_text(&key, given(name)?, given(&format!("{name}_file"))?)? {
            Some((text, _)) if text.is_empty() => Err(self.missing(name)),
            found => Ok(found.map(|(text, _)| Secret::new(text))),
        }
    }

    pub(super) fn secret(&self, name: &str) -> Result<Secret, ConfigError> {
        self.optional_secret(name)?.ok_or_else(|| self.missing(name))
    }

    /// A nested table of texts; empty if the key is missing.
    pub(super) fn texts(&self, name: &str) -> Result<BTreeMap<String, String>, ConfigError> {
        let Some(value) = self.get(name) else { return Ok(BTreeMap::new()) };
        let ValueKind::Table(values) = &value.kind else { return Err(self.refused(name, "a table of texts")) };
        let text = |(key, value): (&String, &Value)| {
            let text = value.clone().into_string().map_err(|_| self.refused(name, "a table of texts"))?;
            if shows_login(name, &text) {
                return Err(self.refused(name, "no user name and password, because `config show` prints it"));
            }
            Ok((key.clone(), text))
        };
        values.iter().map(text).collect()
    }

    /// The files from which secrets of this table are read.
    pub(super) fn secret_files(&self) -> Vec<PathBuf> {
        let files = self.values.iter().filter(|(name, _)| name.ends_with("_file") && *name != "ca_file");
        files.filter_map(|(_, value)| value.clone().into_string().ok()).map(PathBuf::from).collect()
    }

    /// Whether the table contains values that `config show` masks.
    pub(super) fn holds_secrets(&self) -> bool {
        self.values.keys().any(|name| !is_shown(name))
    }

    /// Refuses keys that were not read.
    pub(super) fn finish(&self) -> Result<(), ConfigError> {
        let asked = self.asked.borrow();
        let known: Vec<&str> = asked.iter().map(String::as_str).collect();
        let mut unknown: Vec<&String> = self.values.keys().filter(|name| !asked.contains(*name)).collect();
        unknown.sort_unstable();
        let free = || known.iter().copied().filter(|known| !self.values.contains_key(*known));
        // A misspelled key is reported first, because it may be the reason why other keys are unknown.
        let misspelled = unknown.iter().find_map(|name| Some((*name, nearest(name, free())?)));
        let (name, guess) = match (misspelled, unknown.first()) {
            (Some((name, meant)), _) => (name, format!(" did you mean {meant}?")),
            (None, Some(name)) => (*name, String::new()),
            (None, None) => return Ok(()),
        };
        let (source, key) = (self.source, &self.key);
        Err(ConfigError(format!("{source}: there is no setting {key}.{name};{guess} there are {}", known.join(", "))))
    }
}

/// The correction if `key` is in a list of tables that was written as a single table.
pub(super) fn written_as_one_table(key: &str) -> Option<String> {
    let is_inside = |list: &&&str| key.strip_prefix(**list).is_some_and(|rest| rest.starts_with('.'));
    let list = LISTS.iter().find(is_inside)?;
    Some(format!("{list} is a list of tables; write [[{list}]] instead of [{list}]"))
}

/// Whether `config show` prints the value of a key of a table.
pub(super) fn is_shown(name: &str) -> bool {
    SHOWN.contains(&name) || name.ends_with("_file")
}

fn is_known(name: &str) -> bool {
    let is_file_of_secret = || name.strip_suffix("_file").is_some_and(|name| MASKED.contains(&name));
    SHOWN.contains(&name) || MASKED.contains(&name) || is_file_of_secret()
}

/// Whether `config show` would print a user name and a password.
fn shows_login(name: &str, text: &str) -> bool {
    is_shown(name) && if TEXTS.contains(&name) { holds_url_login(text) } else { holds_login(text) }
}
