//! The optional name and expiry of an API token.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::domain::timestamp::Timestamp;
use crate::domain::token::ApiToken;
use crate::domain::user::UserName;

const MAX_CHARS: usize = 64;
const MINUTE: Duration = Duration::from_secs(60);
const MOST: Duration = Duration::from_secs(3660 * 24 * 3600);
const EXPIRY: &str = "expected a duration from 1m to 3660d such as 90d, or a date or time in UTC in this range such as \
                      2027-11-23T14:30";

/// What a token is for: 1 to 64 printable characters. Such a name is safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenLabel(String);

impl TokenLabel {
    /// A name from the store, already validated.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TokenLabel {
    type Err = &'static str;

    /// Parses a name. Surrounding white space is removed.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if ApiToken::is_generated(text) {
            return Err("this is a token; give a name");
        }
        if (1..=MAX_CHARS).contains(&text.chars().count()) && text.chars().all(is_printable) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a name has 1 to 64 printable characters")
        }
    }
}

/// Whether a character neither controls a terminal nor changes the direction or the lines of the text around it.
fn is_printable(c: char) -> bool {
    let is_mark = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    !c.is_control() && !is_mark
}

/// What is stored about a token at its creation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenDetails {
    pub name: Option<TokenLabel>,
    /// From this time on the token is refused. `None`: it does not expire.
    pub expires_at: Option<Timestamp>,
}

/// Parses the expiry of a token that is created at `now`: a duration, or a date or time.
///
/// # Errors
/// A sentence that states what is accepted.
pub fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, &'static str> {
    let after = humantime::parse_duration(text.trim()).map(|duration| now.plus(duration));
    let at = after.or_else(|_| Timestamp::parse(text)).map_err(|_| EXPIRY)?;
    Some(at).filter(|at| (now.plus(MINUTE)..=now.plus(MOST)).contains(at)).ok_or(EXPIRY)
}

/// Whether a token with this expiry is refused at `now`.
pub fn is_expired(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_some_and(|expires_at| expires_at <= now)
}

/// A token as shown in lists, without the secret. `id` is internal and never shown.
#[derive(Clone, Debug)]
pub struct TokenRecord {
    pub id: i64,
    pub prefix: String,
    pub owner: UserName,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub details: TokenDetails,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_prints_safely() {
        for (text, name) in
            [("ci", "ci"), (" my laptop ", "my laptop"), ("رایانهٔ خانه", "رایانهٔ خانه"), ("می‌شود", "می‌شود")]
        {
            assert_eq!(text.parse::<TokenLabel>().unwrap().as_str(), name);
        }
        assert!("ن".repeat(64).parse::<TokenLabel>().is_ok());
        for bad in ["", "  ", "a\tb", "a\nb", "\u{1b}[31m", "a\u{202e}b", "a\u{2028}b", "\u{7f}", &"ن".repeat(65)] {
            assert_eq!(bad.parse::<TokenLabel>(), Err("a name has 1 to 64 printable characters"), "{bad:?}");
        }
    }

    #[test]
    fn an_expiry_is_a_duration_or_a_time_from_1m_to_3660d_ahead() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let now = at("2026-01-01T00:00");
        for (text, time) in [
            ("1m", "2026-01-01T00:01"),
            ("90d", "2026-04-01"),
            (" 1h 30m ", "2026-01-01T01:30"),
            ("3660d", "2036-01-09"),
            ("2026-01-01T00:01", "2026-01-01T00:01"),
            ("2027-01-01", "2027-01-01"),
            ("2026-01-02T00:00+03:30", "2026-01-01T20:30"),
        ] {
            assert_eq!(expiry(text, now), Ok(at(time)), "{text}");
        }
        for bad in ["", "soon", "59s", "0s", "3661d", "-1d", "2026-01-01", "2025-12-31", "2036-01-10", "1405/01/01"] {
            assert_eq!(expiry(bad, now), Err(EXPIRY), "{bad}");
        }
    }

    #[test]
    fn a_token_is_refused_from_its_expiry_on() {
        let at = |micros| Timestamp::from_micros(micros).unwrap();
        assert!(!is_expired(None, at(5)));
        assert!(!is_expired(Some(at(6)), at(5)));
        assert!(is_expired(Some(at(5)), at(5)));
    }
}
