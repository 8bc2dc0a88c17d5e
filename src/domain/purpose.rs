//! The purpose of a code. A code for `login` is not accepted for `reset`.

use std::fmt;

use crate::error::InvalidValue;

/// A purpose of 1 to 32 characters of `a-z`, `0-9`, `_` and `-`. The default is `login`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose(String);

impl Purpose {
    /// Accepts 1 to 32 characters of `a-z`, `0-9`, `_` and `-`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if (1..=32).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err("Enter a valid purpose: 1 to 32 lower-case letters, digits, underscores or hyphens.".into())
        }
    }

    /// A purpose from the store, already validated by `parse`.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Purpose {
    fn default() -> Self {
        Self("login".to_owned())
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
