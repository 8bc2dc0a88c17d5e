//! Text templates with placeholders, and the number of SMS that a text needs.

use std::iter;

use crate::domain::code::CodeLength;

/// A text with the placeholders `{code}` and `{minutes}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Code,
    Minutes,
}

impl Template {
    /// Parses a text. Braces around anything but a word, as in style sheets, are literal.
    ///
    /// # Errors
    /// An unknown placeholder.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, name, after)) = first_placeholder(rest) {
            parts.push(Part::Text(before.to_owned()));
            parts.push(match name {
                "code" => Part::Code,
                "minutes" => Part::Minutes,
                _ => {
                    return Err(format!(
                        "the placeholder {{{name}}} is unknown; known placeholders are {{code}} and {{minutes}}"
                    ));
                }
            });
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    pub fn has_code(&self) -> bool {
        self.0.contains(&Part::Code)
    }

    pub fn render(&self, code: &str, minutes: &str) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Code => code.to_owned(),
            Part::Minutes => minutes.to_owned(),
        };
        self.0.iter().map(part).collect()
    }
}

/// Iterates over the names of the placeholders.
pub fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    iter::from_fn(move || {
        let (_, name, after) = first_placeholder(rest)?;
        rest = after;
        Some(name)
    })
}

/// Returns the text before the first `{word}`, the word, and the text after it.
fn first_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('{').find_map(|(open, _)| {
        let (before, inside) = (text.get(..open)?, text.get(open + 1..)?);
        let (name, after) = inside.split_once('}')?;
        let is_word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        is_word.then_some((before, name, after))
    })
}

/// Returns a sample code with the given number of digits, to measure the length of a text.
pub fn longest(length: CodeLength) -> String {
    "8".repeat(length.digits())
}

/// Returns the number of SMS that a text is sent and billed as (3GPP TS 23.038 and 23.040).
pub fn sms_segments(text: &str) -> usize {
    let septets: Option<usize> = text.chars().map(gsm_septets).sum();
    let (size, one, each) = match septets {
        Some(septets) => (septets, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    if size <= one { 1 } else { size.div_ceil(each) }
}

/// Returns the number of septets of a character in the GSM 7-bit default alphabet. `None`: it is not in the alphabet.
fn gsm_septets(c: char) -> Option<usize> {
    const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    const EXTENDED: &str = "\u{c}^{}\\[~]|€";
    match c {
        c if BASIC.contains(c) => Some(1),
        c if EXTENDED.contains(c) => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_and_other_braces_are_kept() {
        let template = Template::parse("p{margin:0} {code}: {minutes} {} {x y} {").unwrap();
        assert!(template.has_code());
        assert_eq!(template.render("255315", "5"), "p{margin:0} 255315: 5 {} {x y} {");
        assert!(!Template::parse("Hello").unwrap().has_code());
        assert_eq!(Template::parse("").unwrap().render("1", "1"), "");
    }

    #[test]
    fn an_unknown_placeholder_is_refused() {
        for name in ["cod", "Code", "minute5", "CODE_"] {
            let refusal = Template::parse(&format!("Your {{{name}}}: {{code}}")).unwrap_err();
            assert_eq!(
                refusal,
                format!("the placeholder {{{name}}} is unknown; known placeholders are {{code}} and {{minutes}}")
            );
        }
    }

    #[test]
    fn sms_segments_are_counted_correctly() {
        for (text, segments) in [
            (String::new(), 1),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            ("ک".repeat(70), 1),
            ("ک".repeat(71), 2),
            ("ک".repeat(134), 2),
            ("ک".repeat(135), 3),
            ("😀".repeat(35), 1),
            ("😀".repeat(36), 2),
        ] {
            assert_eq!(sms_segments(&text), segments, "{text}");
        }
    }
}
