//! The names of all settings (`section.key`).

use crate::config::database_url::URL;
use crate::config::nearest::nearest;
use crate::config::table::{LISTS, written_as_one_table};
use crate::error::ConfigError;

/// Secrets. They have no default, and can also be given as `KEY_file = "path"`.
pub(super) const SECRETS: [&str; 3] = ["auth.bootstrap_token", URL, "delivery.callback_secret"];

/// The names of all settings, sorted. `defaults` are those with a default.
pub(super) fn known<'a>(defaults: impl Iterator<Item = &'a String>) -> Vec<String> {
    let secrets = SECRETS.into_iter().flat_map(|key| [key.to_owned(), format!("{key}_file")]);
    let mut keys: Vec<String> = defaults.cloned().chain(secrets).collect();
    keys.sort_unstable();
    keys
}

/// The section of a key.
pub(super) fn section(key: &str) -> &str {
    key.split('.').next().unwrap_or_default()
}

/// An error about a key from `source` that is not `known`.
pub(super) fn unknown(key: &str, source: &str, known: &[String]) -> ConfigError {
    if let Some(words) = written_as_one_table(key) {
        return ConfigError(format!("{source}: {words}"));
    }
    let meant = nearest(key, known.iter().map(String::as_str));
    let meant = meant.map_or_else(String::new, |meant| format!(" (did you mean {meant}?)"));
    let alternatives = alternatives(key, known);
    ConfigError(format!("{source}: there is no setting {key}{meant}; {alternatives}"))
}

/// Lists the keys in the section of `key`, or all sections if the section is unknown.
fn alternatives(key: &str, known: &[String]) -> String {
    let siblings: Vec<&str> = known.iter().filter(|known| section(known) == section(key)).map(String::as_str).collect();
    if !siblings.is_empty() {
        return format!("the known settings are {}", siblings.join(", "));
    }
    let in_brackets = |name: &str| if LISTS.contains(&name) { format!("[[{name}]]") } else { format!("[{name}]") };
    let mut sections: Vec<String> = known.iter().map(|known| in_brackets(section(known))).collect();
    sections.dedup();
    format!("the known sections are {}", sections.join(", "))
}
