//! The layers of settings, merged key by key. Each value is stored with its source.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use config::{File, FileFormat, Source, Value, ValueKind};

use crate::config::database_url::{self, URL};
use crate::config::environment::{self, Given};
use crate::config::file::read_text;
use crate::config::keys::{self, SECRETS, section};
use crate::config::needs::Needs;
use crate::config::secret::{self, exposure, holds_login, secret_text};
use crate::config::table::{EVENTS, Shown, Table, toml};
use crate::error::ConfigError;

const DEFAULTS: &str = include_str!("../../config/default.toml");
/// Lists of tables that contain secrets.
const SECRET_TABLES: [&str; 6] =
    ["delivery.sms", "delivery.call", "delivery.bale", "delivery.email", EVENTS, "otp.test_recipients"];
const DEFAULT: &str = "default";

#[derive(Debug)]
struct Setting {
    value: Value,
    source: String,
}

/// All settings by key (`section.key`).
#[derive(Debug, Default)]
pub(super) struct Layers {
    settings: BTreeMap<String, Setting>,
    shown: Shown,
    file: Option<PathBuf>,
    credentials: Option<PathBuf>,
    /// A warning for each environment variable that looks like a misspelled setting.
    pub(super) misspelt: Vec<String>,
    /// A note about variables set by Kubernetes or Docker.
    pub(super) foreign: Option<String>,
}

impl Layers {
    pub(super) fn read(
        file: Option<&Path>,
        environment: impl Iterator<Item = (OsString, OsString)>,
        needs: Needs,
    ) -> Result<Self, ConfigError> {
        let mut layers = Self::default();
        layers.merge(&File::from_str(DEFAULTS, FileFormat::Toml), DEFAULT, |_| true)?;
        let known: Vec<String> = keys::known(layers.settings.keys());
        // An unknown section may be a misspelled one that is needed. It is read, and refused below.
        let is_read = |key: &str| needs.include(key) || known.iter().all(|known| section(known) != section(key));
        let in_folder = Path::new("otp.toml");
        if let Some(path) = file.or_else(|| in_folder.exists().then_some(in_folder)) {
            let text = read_text(path)
                .map_err(|cause| ConfigError(format!("configuration file {}: {cause}", path.display())))?;
            layers.merge(&File::from_str(&text, FileFormat::Toml), &path.display().to_string(), is_read)?;
            layers.file = Some(path.to_path_buf());
        }
        layers.require_known(&known)?;
        let environment = environment::read(environment, &known, needs)?;
        for Given { key, value, name } in environment.settings {
            layers.settings.insert(key, Setting { value: value.into(), source: name });
        }
        (layers.misspelt, layers.foreign) = (environment.misspelt, environment.foreign);
        layers.credentials = environment.credentials;
        Ok(layers)
    }

    /// Refuses keys that do not exist.
    fn require_known(&self, known: &[String]) -> Result<(), ConfigError> {
        match self.settings.iter().find(|(key, _)| !known.contains(key)) {
            Some((key, Setting { source, .. })) => Err(keys::unknown(key, source, known)),
            None => Ok(()),
        }
    }

    /// Takes over the settings of a layer for which `is_read` is true.
    fn merge(&mut self, layer: &dyn Source, source: &str, is_read: impl Fn(&str) -> bool) -> Result<(), ConfigError> {
        let values = layer.collect().map_err(|cause| {
            // The message consists of the location, the quoted line and the reason. The line may contain a secret.
            let message = cause.to_string();
            let lines: Vec<&str> = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            let words = [lines.first(), lines.last()].map(|line| line.copied().unwrap_or_default());
            ConfigError(format!("{source}: {}", words.join(": ")))
        })?;
        let mut flat = Vec::new();
        flatten("", values.into_iter(), &mut flat);
        for (key, value) in flat.into_iter().filter(|(key, _)| is_read(key)) {
            self.settings.insert(key, Setting { value, source: source.to_owned() });
        }
        Ok(())
    }

    /// Whether a key has its default value.
    pub(super) fn is_default(&self, key: &str) -> bool {
        self.settings.get(key).is_some_and(|setting| setting.source == DEFAULT)
    }

    /// Whether a key is set in the configuration file.
    pub(super) fn is_in_file(&self, key: &str) -> bool {
        let file = self.file.as_ref().map(|path| path.display().to_string());
        file.is_some_and(|file| self.source(key) == file)
    }

    /// Whether a key is set to an empty text.
    pub(super) fn is_empty_text(&self, key: &str) -> bool {
        let is_empty = |setting: &Setting| matches!(&setting.value.kind, ValueKind::String(text) if text.is_empty());
        self.settings.get(key).is_some_and(is_empty)
    }

    /// The source of a key. Empty if the key is not set.
    pub(super) fn source(&self, key: &str) -> &str {
        self.settings.get(key).map_or("", |setting| setting.source.as_str())
    }

    /// An error about a value that can be parsed but not used. `accepted` describes the accepted values.
    pub(super) fn refused(&self, key: &str, accepted: &str) -> ConfigError {
        self.setting(key).map_or_else(|error| error, |setting| refused(key, setting, accepted))
    }

    /// The value of a key, parsed by `parse`. `accepted` describes the accepted values for the error message.
    pub(super) fn value<T>(
        &self,
        key: &str,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let setting = self.setting(key)?;
        let text = setting.value.clone().into_string().ok();
        text.as_deref().and_then(parse).ok_or_else(|| refused(key, setting, accepted))
    }

    /// A list. In an environment variable, its items are separated by commas.
    pub(super) fn list<T>(
        &self,
        key: &str,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, ConfigError> {
        let setting = self.setting(key)?;
        let texts: Option<Vec<String>> = match setting.value.clone().kind {
            ValueKind::String(text) => {
                Some(text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect())
            }
            ValueKind::Array(items) => items.into_iter().map(|item| item.into_string().ok()).collect(),
            _ => None,
        };
        let items = texts.and_then(|texts| texts.iter().map(|text| parse(text)).collect());
        items.ok_or_else(|| refused(key, setting, accepted))
    }

    /// The tables of a list of tables such as `[[delivery.sms]]`.
    pub(super) fn tables(&self, key: &str) -> Result<Vec<Table<'_>>, ConfigError> {
        let setting = self.setting(key)?;
        Table::list(key, &setting.source, &setting.value, &self.shown)
    }

    /// A secret, given directly or as the path of a file. Messages never contain its value.
    pub(super) fn secret<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, ConfigError> {
        let Some((text, source)) = self.text_of_secret(key)? else { return Ok(None) };
        parse(&text)
            .map(Some)
            .map_err(|accepted| ConfigError(format!("{source}: {key} is not valid: expected {accepted}")))
    }

    /// The text of a secret and its source, which is the path of the file that contains it, if it is in one. `None`: it
    /// is not set.
    pub(super) fn text_of_secret(&self, key: &str) -> Result<Option<secret::Given>, ConfigError> {
        let given = |key: &str| {
            let setting = self.settings.get(key)?;
            Some((setting.value.clone().into_string().unwrap_or_default(), setting.source.clone()))
        };
        secret_text(key, given(key), given(&format!("{key}_file")))
    }

    /// A warning for each file that contains a secret and that other users can read or change.
    pub(super) fn exposed_secrets(&self) -> Vec<String> {
        let by_path = SECRETS.iter().filter_map(|key| self.settings.get(&format!("{key}_file")));
        let paths = by_path.filter_map(|setting| setting.value.clone().into_string().ok()).map(PathBuf::from);
        let tables: Vec<Table<'_>> = SECRET_TABLES.iter().flat_map(|key| self.tables(key)).flatten().collect();
        let in_file = self.file.clone().filter(|_| {
            tables.iter().any(Table::holds_secrets) || SECRETS.iter().any(|key| self.is_secret_in_file(key))
        });
        paths
            .chain(tables.iter().flat_map(Table::secret_files))
            .chain(in_file)
            .filter_map(|path| exposure(&path, self.credentials.as_deref()))
            .collect()
    }

    /// Whether the configuration file contains the secret of `key`. A URL without a password is not secret.
    fn is_secret_in_file(&self, key: &str) -> bool {
        let is_public = |setting: &Setting| key == URL && !database_url::holds_password(&setting.value);
        self.is_in_file(key) && !self.settings.get(key).is_some_and(is_public)
    }

    /// The configuration file that was read.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(super) fn show(&self) -> String {
        let is_shown = |name: &str| name.ends_with("_file") || self.shown.lock().contains(name);
        let mut shown = String::new();
        for (key, Setting { value, source }) in &self.settings {
            let value = match key.as_str() {
                URL => database_url::shown(value),
                key if SECRETS.contains(&key) => "\"***\"".to_owned(),
                _ => toml(&value.kind, &is_shown),
            };
            // Writing to a `String` can't fail.
            let _ = writeln!(shown, "{key} = {value} # {source}");
        }
        shown
    }

    fn setting(&self, key: &str) -> Result<&Setting, ConfigError> {
        self.settings.get(key).ok_or_else(|| ConfigError(format!("{key} has no default; this is a bug in otpd")))
    }
}

fn refused(key: &str, setting: &Setting, accepted: &str) -> ConfigError {
    let (source, value) = (&setting.source, toml(&setting.value.kind, &|_| false));
    if holds_login(&value) {
        return ConfigError(format!(
            "{source}: {key} is not valid: expected {accepted}, without user name and password"
        ));
    }
    ConfigError(format!("{source}: {key} = {value} is not valid: expected {accepted}"))
}

fn flatten(prefix: &str, values: impl Iterator<Item = (String, Value)>, flat: &mut Vec<(String, Value)>) {
    for (name, value) in values {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value.kind {
            ValueKind::Table(inner) => flatten(&key, inner.into_iter(), flat),
            _ => flat.push((key, value)),
        }
    }
}
