//! The settings that a command needs.

/// Which settings are read and checked. The others have their defaults, so that a mistake in one of them does not
/// prevent a command that does not use it.
#[derive(Clone, Copy, Debug)]
pub enum Needs {
    All,
    /// Sections (`database`) and single keys (`otp.retention`).
    Only(&'static [&'static str]),
}

impl Needs {
    pub(super) fn include(self, key: &str) -> bool {
        let is_in =
            |needed: &str| key.strip_prefix(needed).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        match self {
            Self::All => true,
            Self::Only(needed) => needed.iter().any(|needed| is_in(needed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_single_keys_are_needed() {
        let needs = Needs::Only(&["database", "otp.retention"]);
        for (key, is_needed) in [
            ("database.path", true),
            ("database", true),
            ("otp.retention", true),
            ("otp.retention2", false),
            ("otp.expiration", false),
            ("databases.path", false),
        ] {
            assert_eq!(needs.include(key), is_needed, "{key}");
            assert!(Needs::All.include(key));
        }
    }
}
