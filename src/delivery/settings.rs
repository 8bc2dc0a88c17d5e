//! Types of providers, and the settings of a provider: a `[[delivery.CHANNEL]]` table.

use std::fmt;

use crate::delivery::common::{Connection, exposure};
use crate::delivery::gateway::Gateway;
use crate::delivery::http_provider::HttpProvider;
use crate::delivery::provider::{Keep, Provider};
use crate::delivery::read_keys::ReadKeys;
use crate::domain::message::Channel;
use crate::error::ConfigError;

type Build = dyn Fn(&Keep) -> Result<Box<dyn Provider>, String> + Send + Sync;

/// A type of providers. If the settings of a type depend on the channel, each kind of settings has its own entry.
pub struct ProviderType {
    pub name: &'static str,
    pub channels: &'static [Channel],
    /// Reads the settings of a provider with the given name.
    pub read: fn(&dyn ReadKeys, String) -> Result<ProviderSettings, ConfigError>,
}

/// The validated settings of a provider.
pub struct ProviderSettings {
    /// The configured name.
    pub name: String,
    pub is_inbox: bool,
    /// Warnings about settings that are allowed but probably not intended.
    pub warnings: Vec<String>,
    pub(super) build: Box<Build>,
}

impl ProviderSettings {
    /// Builds the provider. `keep` stores the messages of the development inbox.
    ///
    /// # Errors
    /// A description of the invalid base URL, proxy or certificate.
    pub fn build(&self, keep: &Keep) -> Result<Box<dyn Provider>, String> {
        (self.build)(keep)
    }
}

impl fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSettings").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<G: Gateway> From<(Connection, G)> for ProviderSettings {
    fn from((connection, gateway): (Connection, G)) -> Self {
        let host = connection.unencrypted_host();
        Self {
            name: connection.name.clone(),
            is_inbox: false,
            warnings: host.and_then(|host| exposure(&connection.name, "key", &host)).into_iter().collect(),
            build: Box::new(move |_| Ok(Box::new(HttpProvider::new(connection.clone(), gateway.clone())?))),
        }
    }
}
