//! What a code is for: one for `login` does not pass for `reset`.

use std::fmt;

use crate::error::InvalidValue;

/// 1 to 32 of `a-z`, `0-9`, `_` and `-`; `login` where nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose(String);

impl Purpose {
    /// 1 to 32 of `a-z`, `0-9`, `_` and `-`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if (1..=32).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err("Enter a valid purpose: 1 to 32 lower-case letters, digits, underscores or hyphens.".into())
        }
    }

    /// A purpose that `parse` once made, back from the store.
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
