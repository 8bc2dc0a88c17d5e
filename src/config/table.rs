//! One table of a list of tables such as `[[delivery.sms]]`. It is read key by key; [`Table::finish`] refuses keys that
//! were not read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use config::{Map, Value, ValueKind};
use parking_lot::Mutex;

use crate::config::file::read_text;
use crate::config::nearest::nearest;
use crate::config::secret::{holds_login, holds_url_login, secret_text};
use crate::delivery::ReadKeys;
use crate::domain::secret::Secret;
use crate::error::ConfigError;

/// The key of the endpoints that get events.
pub(super) const EVENTS: &str = "events";
/// The keys of all lists of tables.
pub(super) const LISTS: [&str; 7] = [
    "delivery.sms",
    "delivery.call",
    "delivery.bale",
    "delivery.email",
    "delivery.texts",
    EVENTS,
    "otp.test_recipients",
];

/// The names of keys that were read and are not secret. `config show` masks all other keys.
pub(super) type Shown = Mutex<BTreeSet<String>>;

pub(super) struct Table<'a> {
    /// The key of the table, such as `delivery.sms[0]`.
    key: String,
    source: &'a str,
    values: &'a Map<String, Value>,
    read_keys: RefCell<BTreeSet<String>>,
    shown: &'a Shown,
}

impl<'a> Table<'a> {
    /// Reads a list of tables.
    pub(super) fn list(
        key: &str,
        source: &'a str,
        value: &'a Value,
        shown: &'a Shown,
    ) -> Result<Vec<Self>, ConfigError> {
        let refused = || ConfigError(format!("{source}: {key} is a list of tables; write each as [[{key}]]"));
        let ValueKind::Array(items) = &value.kind else { return Err(refused()) };
        let table = |(n, item): (usize, &'a Value)| match &item.kind {
            ValueKind::Table(values) => {
                Ok(Self { key: format!("{key}[{n}]"), source, values, read_keys: RefCell::default(), shown })
            }
            _ => Err(refused()),
        };
        items.iter().enumerate().map(table).collect()
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.read_keys.borrow_mut().insert(name.to_owned());
        self.values.get(name)
    }

    fn require_no_login(&self, key: &str, text: &str) -> Result<(), ConfigError> {
        // Message texts may contain a colon before an `@`.
        let holds_login = if ["subject", "text"].contains(&key) { holds_url_login } else { holds_login };
        if holds_login(text) {
            return Err(self.refused(key, "a value without user name and password, because `config show` prints it"));
        }
        Ok(())
    }

    /// The files from which secrets of this table are read.
    pub(super) fn secret_files(&self) -> Vec<PathBuf> {
        let files =
            self.values.iter().filter(|(name, _)| name.ends_with("_file") && !self.shown.lock().contains(*name));
        files.filter_map(|(_, value)| value.clone().into_string().ok()).map(PathBuf::from).collect()
    }

    /// Whether the table contains values that `config show` masks.
    pub(super) fn holds_secrets(&self) -> bool {
        self.values.keys().any(|name| !name.ends_with("_file") && !self.shown.lock().contains(name))
    }

    /// An optional list of at least one value, each parsed by `parse`. `accepted` describes the list. `config show` prints
    /// it.
    pub(super) fn list_of<T>(
        &self,
        key: &str,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<Vec<T>>, ConfigError> {
        self.shown.lock().insert(key.to_owned());
        let Some(value) = self.get(key) else { return Ok(None) };
        let ValueKind::Array(items) = &value.kind else { return Err(self.refused(key, accepted)) };
        let parsed: Option<Vec<T>> =
            items.iter().map(|item| item.clone().into_string().ok().as_deref().and_then(&parse)).collect();
        parsed.filter(|items| !items.is_empty()).map(Some).ok_or_else(|| self.refused(key, accepted))
    }

    /// Refuses keys that were not read.
    pub(super) fn finish(&self) -> Result<(), ConfigError> {
        let read_keys = self.read_keys.borrow();
        let known: Vec<&str> = read_keys.iter().map(String::as_str).collect();
        let mut unknown: Vec<&String> = self.values.keys().filter(|name| !read_keys.contains(*name)).collect();
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
        Err(ConfigError(format!(
            "{source}: there is no setting {key}.{name};{guess} the known settings are {}",
            known.join(", ")
        )))
    }
}

impl ReadKeys for Table<'_> {
    fn unchecked(&self, key: &str) -> Result<Option<String>, ConfigError> {
        self.shown.lock().insert(key.to_owned());
        self.masked(key)
    }

    fn optional(&self, key: &str) -> Result<Option<String>, ConfigError> {
        let text = self.unchecked(key)?;
        text.iter().try_for_each(|text| self.require_no_login(key, text))?;
        Ok(text)
    }

    fn masked(&self, key: &str) -> Result<Option<String>, ConfigError> {
        let text = |value: &Value| match &value.kind {
            ValueKind::Table(_) | ValueKind::Array(_) | ValueKind::Nil => None,
            _ => value.clone().into_string().ok(),
        };
        self.get(key).map(|value| text(value).ok_or_else(|| self.refused(key, "a text"))).transpose()
    }

    fn optional_secret(&self, key: &str) -> Result<Option<Secret>, ConfigError> {
        let given = |text: Option<String>| text.map(|text| (text, self.source.to_owned()));
        let file = format!("{key}_file");
        let path = self.masked(&file)?;
        path.iter().try_for_each(|path| self.require_no_login(&file, path))?;
        match secret_text(&format!("{}.{key}", self.key), given(self.masked(key)?), given(path))? {
            Some((text, _)) if text.is_empty() => Err(self.missing(key)),
            found => Ok(found.map(|(text, _)| Secret::new(text))),
        }
    }

    fn texts(&self, key: &str) -> Result<BTreeMap<String, String>, ConfigError> {
        self.shown.lock().insert(key.to_owned());
        let texts = self.masked_texts(key)?;
        texts.values().try_for_each(|text| self.require_no_login(key, text))?;
        Ok(texts)
    }

    fn masked_texts(&self, key: &str) -> Result<BTreeMap<String, String>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(BTreeMap::new()) };
        let refused = || self.refused(key, "a table of texts");
        let ValueKind::Table(values) = &value.kind else { return Err(refused()) };
        let text =
            |(name, value): (&String, &Value)| Ok((name.clone(), value.clone().into_string().map_err(|_| refused())?));
        values.iter().map(text).collect()
    }

    fn file(&self, key: &str, accepted: &str) -> Result<Option<String>, ConfigError> {
        let Some(path) = self.optional(key)? else { return Ok(None) };
        let refused = |cause| self.refused(key, &format!("{accepted}; {path}: {cause}"));
        read_text(Path::new(&path)).map(Some).map_err(refused)
    }

    fn missing(&self, key: &str) -> ConfigError {
        let as_file = format!("{key}_file");
        let read_keys = self.read_keys.borrow();
        let names = || [key, as_file.as_str()].into_iter().filter(|name| read_keys.contains(*name));
        let mut unknown = self.values.keys().filter(|given| !read_keys.contains(*given));
        let guess = unknown.find_map(|given| Some((given, nearest(given, names())?)));
        let Some((given, meant)) = guess else { return self.fault(key, "is missing") };
        let (source, key) = (self.source, &self.key);
        ConfigError(format!("{source}: there is no setting {key}.{given}; did you mean {meant}?"))
    }

    fn fault(&self, key: &str, words: &str) -> ConfigError {
        ConfigError(format!("{}: {}.{} {words}", self.source, self.key, key))
    }
}

/// The correction if `key` is in a list of tables that was written as a single table.
pub(super) fn written_as_one_table(key: &str) -> Option<String> {
    let is_inside = |list: &&&str| key.strip_prefix(**list).is_some_and(|rest| rest.starts_with('.'));
    let list = LISTS.iter().find(is_inside)?;
    Some(format!("{list} is a list of tables; write [[{list}]] instead of [{list}]"))
}

/// Formats a value. In a table, values of keys for which `is_shown` is false are masked.
pub(super) fn toml(kind: &ValueKind, is_shown: &dyn Fn(&str) -> bool) -> String {
    match kind {
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| toml(&item.kind, is_shown)).collect();
            format!("[{}]", items.join(", "))
        }
        ValueKind::Table(values) => {
            let values: BTreeMap<&String, &Value> = values.iter().collect();
            let shown = |(name, value): (&String, &Value)| {
                let value = if is_shown(name) { toml(&value.kind, is_shown) } else { "\"***\"".to_owned() };
                format!("{name} = {value}")
            };
            let values: Vec<String> = values.into_iter().map(shown).collect();
            format!("{{ {} }}", values.join(", "))
        }
        other => other.to_string(),
    }
}
