//! The settings of a provider, as the configuration passes them.

use std::collections::BTreeMap;

use otpd::delivery::{ProviderSettings, ReadKeys, TYPES};
use otpd::domain::message::Channel;
use otpd::domain::secret::Secret;
use otpd::error::ConfigError;
use serde_json::Value;

struct Table(Value);

impl Table {
    fn text_at(&self, key: &str) -> Option<String> {
        self.0.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}

impl ReadKeys for Table {
    fn unchecked(&self, key: &str) -> Result<Option<String>, ConfigError> {
        Ok(self.text_at(key))
    }

    fn optional(&self, key: &str) -> Result<Option<String>, ConfigError> {
        Ok(self.text_at(key))
    }

    fn masked(&self, key: &str) -> Result<Option<String>, ConfigError> {
        Ok(self.text_at(key))
    }

    fn optional_secret(&self, key: &str) -> Result<Option<Secret>, ConfigError> {
        Ok(self.text_at(key).map(Secret::new))
    }

    fn texts(&self, key: &str) -> Result<BTreeMap<String, String>, ConfigError> {
        let entries = self.0.get(key).and_then(Value::as_object).into_iter().flatten();
        Ok(entries.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect())
    }

    fn masked_texts(&self, key: &str) -> Result<BTreeMap<String, String>, ConfigError> {
        self.texts(key)
    }

    fn file(&self, _key: &str, _accepted: &str) -> Result<Option<String>, ConfigError> {
        Ok(None)
    }

    fn missing(&self, key: &str) -> ConfigError {
        self.fault(key, "is missing")
    }

    fn fault(&self, key: &str, words: &str) -> ConfigError {
        ConfigError(format!("{key} {words}"))
    }
}

/// Reads the settings of a provider of a channel.
pub fn read(channel: Channel, kind: &str, settings: Value) -> Result<ProviderSettings, ConfigError> {
    let found = TYPES.iter().find(|it| it.name == kind && it.channels.contains(&channel)).unwrap();
    (found.read)(&Table(settings), "gateway".to_owned())
}

/// Returns the settings of a provider whose gateway is at `url`.
pub fn provider(channel: Channel, kind: &str, url: &str, mut settings: Value) -> ProviderSettings {
    settings["base_url"] = url.into();
    read(channel, kind, settings).unwrap_or_else(|error| panic!("{kind}: {error}"))
}
