//! The list of codes in the console: search, filter, order and pages by keys.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::domain::digits::{is_invisible, is_separator, to_ascii_digits};
use crate::domain::listing::Period;
use crate::domain::otp::Otp;
use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::domain::timestamp::Timestamp;

/// The state of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum CodeState {
    Usable,
    Expired,
    /// Verified.
    Used,
    /// Valid, but out of attempts.
    Spent,
}

impl CodeState {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The state of a code at `now`.
    pub fn of(otp: &Otp, now: Timestamp) -> Self {
        match otp {
            _ if otp.consumed_at.is_some() => Self::Used,
            _ if !otp.is_valid(now) => Self::Expired,
            _ if otp.attempts_left == 0 => Self::Spent,
            _ => Self::Usable,
        }
    }

    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The order of the list. Ties are ordered by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CodeOrder {
    #[default]
    Newest,
    Oldest,
    ExpiringFirst,
    ExpiringLast,
    /// The latest change first.
    ChangedLast,
}

impl CodeOrder {
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    pub fn is_descending(self) -> bool {
        matches!(self, Self::Newest | Self::ExpiringLast | Self::ChangedLast)
    }

    /// The key of a code in this order.
    pub fn key(self, otp: &Otp) -> Key {
        let value = match self {
            Self::Newest | Self::Oldest => otp.id.value(),
            Self::ExpiringFirst | Self::ExpiringLast => otp.valid_to.as_micros(),
            Self::ChangedLast => otp.updated_at.as_micros(),
        };
        Key { value, id: otp.id.value() }
    }
}

/// The place of a code in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    pub value: i64,
    pub id: i64,
}

/// The part of a list that a page shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    #[default]
    First,
    After(Key),
    Before(Key),
}

impl Start {
    /// Makes a page of `rows`, which follow the start in the direction of the page. A row beyond `limit` tells that
    /// there are more; it is cut off. Returns the rows in the order of the list, and whether there are rows before and
    /// after them.
    pub fn page<T>(self, mut rows: Vec<T>, limit: usize) -> (Vec<T>, bool, bool) {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        match self {
            Self::First => (rows, false, has_more),
            Self::After(_) => (rows, true, has_more),
            Self::Before(_) => {
                rows.reverse();
                (rows, has_more, true)
            }
        }
    }
}

/// A search for recipients by any part, and for codes by all of their digits. Parts of codes are never searched, because
/// the number of matches would tell their digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    Recipient(Recipient),
    /// Each word occurs in the recipient, or is the code. Words are in lower case, with ASCII digits.
    Words(Vec<String>),
}

impl Search {
    /// The maximum number of characters and words of a search.
    pub const MAX_CHARS: usize = 100;
    const MAX_WORDS: usize = 5;

    /// Parses a typed or pasted text. `None`: the text is empty.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = to_ascii_digits(text).chars().filter(|c| !is_invisible(*c) && *c != '\0').collect();
        let text: String = text.trim().to_lowercase().chars().take(Self::MAX_CHARS).collect();
        if let Ok(number) = MobileNumber::parse(&text) {
            return Some(Self::Recipient(Recipient::Mobile(number)));
        }
        if let Ok(address) = EmailAddress::parse(&text) {
            return Some(Self::Recipient(Recipient::Email(address)));
        }
        let is_part_of_number = |c: char| c.is_ascii_digit() || c == '+' || is_separator(c);
        let joined: String = if text.chars().all(is_part_of_number) {
            text.chars().filter(|c| !is_separator(*c)).collect()
        } else {
            text
        };
        // The beginning of an international number.
        let joined = joined.strip_prefix("+98").map_or(joined.clone(), |part| format!("0{part}"));
        let words: Vec<String> = joined.split_whitespace().take(Self::MAX_WORDS).map(str::to_owned).collect();
        (!words.is_empty()).then_some(Self::Words(words))
    }
}

/// A page of the list.
#[derive(Clone, Debug, Default)]
pub struct CodeQuery {
    pub search: Option<Search>,
    pub state: Option<CodeState>,
    pub created: Period,
    /// Searches are ordered by id.
    pub order: CodeOrder,
    pub start: Start,
    pub limit: usize,
}

/// One page of codes.
#[derive(Clone, Debug, Default)]
pub struct CodePage {
    pub codes: Vec<Otp>,
    /// The number of matches, at most [`CodePage::COUNTED`] + 1.
    pub count: i64,
    /// Whether there are codes before and after this page.
    pub has_before: bool,
    pub has_after: bool,
}

impl CodePage {
    /// Up to this number, matches are counted exactly.
    pub const COUNTED: i64 = 10_000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_and_pasted_texts_are_searched_in_one_form() {
        let number = |text: &str| Some(Search::Recipient(Recipient::Mobile(MobileNumber::parse(text).unwrap())));
        let address = |text: &str| Some(Search::Recipient(Recipient::Email(EmailAddress::parse(text).unwrap())));
        let words = |words: &[&str]| Some(Search::Words(words.iter().map(|word| (*word).to_owned()).collect()));
        for (text, search) in [
            ("", None),
            (" \u{200f} ", None),
            ("۰۹۱۲۳۴۵۶۷۸۹", number("09123456789")),
            ("\u{2066}+98 912 345 6789\u{2069}", number("09123456789")),
            ("Sara@Example.com", address("sara@example.com")),
            ("۰۹۱۲", words(&["0912"])),
            ("٠٩١٢", words(&["0912"])),
            ("0912 345", words(&["0912345"])),
            ("0912-345", words(&["0912345"])),
            ("+98 912", words(&["0912"])),
            ("sara ahmadi", words(&["sara", "ahmadi"])),
            ("SARA", words(&["sara"])),
            ("a b c d e f", words(&["a", "b", "c", "d", "e"])),
            ("255315", words(&["255315"])),
        ] {
            assert_eq!(Search::parse(text), search, "{text:?}");
        }
    }
}
