//! The error of an invalid configuration.

/// Why the configuration is invalid: one line with the source, the key and the accepted values.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(super) String);
