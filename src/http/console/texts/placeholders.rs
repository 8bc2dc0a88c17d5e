//! Placeholders of labels.

use std::fmt::Display;

/// Replaces each `{name}` in `text` by the value with this name. A placeholder without a value stays as it is. Braces
/// in a value have no meaning.
pub fn fill(text: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = first_placeholder(rest) {
        filled.push_str(before);
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => filled.push_str(&value.to_string()),
            None => filled.push_str(&format!("{{{name}}}")),
        }
        rest = after;
    }
    filled + rest
}

/// Returns the texts before and after `{name}`, so that a page can put markup around the value. Without this
/// placeholder the whole text comes before the value.
pub fn around<'a>(text: &'a str, name: &str) -> (&'a str, &'a str) {
    text.split_once(&format!("{{{name}}}")).unwrap_or((text, ""))
}

/// Returns the text before the first `{name}`, the name, and the text after it.
fn first_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, inside) = text.split_once('{')?;
    let (name, after) = inside.split_once('}')?;
    Some((before, name, after))
}
