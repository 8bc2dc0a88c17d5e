//! The interface through which providers read their keys. The configuration implements it.

use std::collections::BTreeMap;

use crate::domain::secret::Secret;
use crate::error::ConfigError;

/// Reads a table key by key. `config show` prints the values of keys that are not read as secrets. All errors name the
/// source and the key, and contain no secret.
pub trait ReadKeys {
    /// An optional text. The caller must check the value before showing or logging it, because it may contain a login.
    fn unchecked(&self, key: &str) -> Result<Option<String>, ConfigError>;

    /// An optional text. A text with a login is refused, because `config show` prints it.
    fn optional(&self, key: &str) -> Result<Option<String>, ConfigError>;

    /// An optional text that `config show` masks.
    fn masked(&self, key: &str) -> Result<Option<String>, ConfigError>;

    /// An optional secret, given directly or as the path of a file (`NAME_file`).
    fn optional_secret(&self, key: &str) -> Result<Option<Secret>, ConfigError>;

    /// A nested table of texts; empty if the key is missing.
    fn texts(&self, key: &str) -> Result<BTreeMap<String, String>, ConfigError>;

    /// A nested table of texts that `config show` masks.
    fn masked_texts(&self, key: &str) -> Result<BTreeMap<String, String>, ConfigError>;

    /// The text of a file. The key is its path and is optional. `accepted` describes the file.
    fn file(&self, key: &str, accepted: &str) -> Result<Option<String>, ConfigError>;

    /// An error about a missing key. If another key is probably a misspelling of it, the message says so.
    fn missing(&self, key: &str) -> ConfigError;

    /// An error about a key. `words` follow the key in the message.
    fn fault(&self, key: &str, words: &str) -> ConfigError;

    /// An error about a key. `accepted` describes the accepted values.
    fn refused(&self, key: &str, accepted: &str) -> ConfigError {
        self.fault(key, &format!("is not valid: expected {accepted}"))
    }

    /// A text that must not be missing or empty.
    fn text(&self, key: &str) -> Result<String, ConfigError> {
        self.optional(key)?.filter(|text| !text.trim().is_empty()).ok_or_else(|| self.missing(key))
    }

    /// A secret that must not be missing.
    fn secret(&self, key: &str) -> Result<Secret, ConfigError> {
        self.optional_secret(key)?.ok_or_else(|| self.missing(key))
    }
}

impl dyn ReadKeys + '_ {
    /// A text parsed by `parse`, or `default` if the key is missing. `accepted` describes the accepted values.
    pub fn parsed<T>(
        &self,
        key: &str,
        accepted: &str,
        default: T,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        match self.optional(key)? {
            None => Ok(default),
            Some(text) => parse(&text).ok_or_else(|| self.refused(key, accepted)),
        }
    }
}
