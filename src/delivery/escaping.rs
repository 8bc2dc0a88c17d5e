//! Escaping of values in requests of the `http` provider, to prevent injection.

use std::fmt::Write;

use crate::delivery::call::percent_encoded;

/// The kinds of escaping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escaping {
    /// For paths, queries and `application/x-www-form-urlencoded`.
    Percent,
    Json,
    Xml,
    /// For header values. Control characters, which could end the header, become spaces.
    Header,
    /// For media types without a known escaping, such as `text/plain`.
    None,
}

impl Escaping {
    /// Returns the escaping for a `Content-Type` value. Case and parameters (`; charset=utf-8`) are ignored.
    pub(super) fn of_content_type(value: &str) -> Self {
        let media_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media_type.as_str() {
            "application/x-www-form-urlencoded" => Self::Percent,
            "application/json" | "text/json" => Self::Json,
            "application/xml" | "text/xml" => Self::Xml,
            other if other.ends_with("+json") => Self::Json,
            other if other.ends_with("+xml") => Self::Xml,
            _ => Self::None,
        }
    }

    /// Returns the escaped `value`. `before` is the part of the body that precedes it.
    pub(super) fn escape(self, before: &str, value: &str) -> String {
        match self {
            Self::Percent => percent_encoded(value),
            Self::Json => json_escaped(value),
            Self::Xml if is_in_cdata(before) => value.replace(is_invalid_in_xml, "").replace("]]>", "]]]]><![CDATA[>"),
            Self::Xml => xml_escaped(value),
            Self::Header => value.replace(char::is_control, " "),
            Self::None => value.to_owned(),
        }
    }
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

/// Escapes text for XML elements and for attributes in single or double quotes. Tabs and line breaks become character
/// references because parsers normalize them in attributes. Characters that are invalid in XML 1.0 are removed.
fn xml_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => {
                // Writing to a `String` can't fail.
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            c if is_invalid_in_xml(c) => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// Returns whether a character is invalid in XML 1.0, even as a character reference.
fn is_invalid_in_xml(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn is_in_cdata(before: &str) -> bool {
    before.rsplit_once("<![CDATA[").is_some_and(|(_, inside)| !inside.contains("]]>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_determines_the_escaping() {
        for (content_type, escaping) in [
            ("application/x-www-form-urlencoded", Escaping::Percent),
            ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", Escaping::Percent),
            ("application/json", Escaping::Json),
            ("APPLICATION/JSON;charset=utf-8", Escaping::Json),
            ("application/vnd.api+json", Escaping::Json),
            ("text/json", Escaping::Json),
            ("application/xml", Escaping::Xml),
            ("text/xml; charset=utf-8", Escaping::Xml),
            ("Text/XML", Escaping::Xml),
            ("application/soap+xml; charset=utf-8; action=\"send\"", Escaping::Xml),
            ("application/xml-dtd", Escaping::None),
            ("text/plain", Escaping::None),
            ("", Escaping::None),
        ] {
            assert_eq!(Escaping::of_content_type(content_type), escaping, "{content_type}");
        }
    }

    #[test]
    fn values_cannot_break_out_of_their_context() {
        let value = "a & <b>\"c'd\n]]>\u{7}é";
        for (escaping, before, expected) in [
            (Escaping::Percent, "", "a%20%26%20%3Cb%3E%22c%27d%0A%5D%5D%3E%07%C3%A9"),
            (Escaping::Json, "\"", "a & <b>\\\"c'd\\n]]>\\u0007é"),
            (Escaping::Xml, "<t>", "a &amp; &lt;b&gt;&quot;c&apos;d&#10;]]&gt;é"),
            (Escaping::Xml, "<t><![CDATA[x]]>", "a &amp; &lt;b&gt;&quot;c&apos;d&#10;]]&gt;é"),
            (Escaping::Xml, "<t><![CDATA[x", "a & <b>\"c'd\n]]]]><![CDATA[>é"),
            (Escaping::Header, "", "a & <b>\"c'd ]]> é"),
            (Escaping::None, "", value),
        ] {
            assert_eq!(escaping.escape(before, value), expected, "{escaping:?} {before}");
        }
        assert_eq!(Escaping::Header.escape("", "a\r\nX-Other: b"), "a  X-Other: b");
    }
}
