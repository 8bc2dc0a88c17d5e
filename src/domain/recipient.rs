//! Who receives a code: an Iranian mobile number or an e-mail address, each made only by `parse`.

use std::fmt;

use validator::ValidateEmail;

use crate::domain::digits::to_ascii_digits;
use crate::error::{Error, FieldErrors, InvalidValue};

/// An Iranian mobile number in its one stored form: `09` and nine digits. `Debug` and `Display` mask it.
#[derive(Clone, PartialEq, Eq)]
pub struct MobileNumber(String);

impl MobileNumber {
    /// Reads any usual form (`api.md`, "Fields on input"). No list of operator prefixes: new ones appear every year.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let bare: String = to_ascii_digits(text).chars().filter(|c| !is_separator(*c)).collect();
        // A dash separates; at the front it makes a number negative.
        national_part(&bare)
            .filter(|_| !text.trim_start().starts_with('-'))
            .filter(|part| part.len() == 10 && part.starts_with('9') && part.bytes().all(|b| b.is_ascii_digit()))
            .map(|part| Self(format!("0{part}")))
            .ok_or_else(|| "Enter a valid mobile number.".into())
    }

    /// A number that `parse` once made, back from the store.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MobileNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.0.get(..4).unwrap_or_default();
        let last = self.0.get(7..).unwrap_or_default();
        write!(f, "{first}***{last}")
    }
}

impl fmt::Debug for MobileNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What follows the country code or the trunk zero. The length tells `98…` the country from `98…` the operator.
fn national_part(bare: &str) -> Option<&str> {
    match (bare.strip_prefix('+'), bare.len()) {
        (Some(international), _) => international.strip_prefix("98"),
        (None, 14) => bare.strip_prefix("0098"),
        (None, 12) => bare.strip_prefix("98"),
        (None, 11) => bare.strip_prefix('0'),
        (None, _) => Some(bare),
    }
}

/// White space, dashes, and the invisible marks that copying out of right-to-left text brings along (ZWNJ and its like).
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// An e-mail address: domain in lower case, local part as given. `Debug` and `Display` mask it.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The most characters an address may have (RFC 5321 by way of `api.md`).
    pub const MAX_CHARS: usize = 254;

    /// Reads an address by Django's rule, white space around it taken off.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let text = text.trim();
        if text.chars().count() > Self::MAX_CHARS {
            return Err("Ensure this field has no more than 254 characters.".into());
        }
        match text.rsplit_once('@') {
            Some((local, domain)) if text.validate_email() && is_django_email(local, domain) => {
                Ok(Self(format!("{local}@{}", domain.to_lowercase())))
            }
            _ => Err("Enter a valid email address.".into()),
        }
    }

    /// An address that `parse` once made, back from the store.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or_default();
        let first = local.chars().next().unwrap_or('*');
        write!(f, "{first}***@{domain}")
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where Django's `EmailValidator` is stricter than the HTML rule of the `validator` crate: the local part is a
/// dot-atom, and the domain has a top level of two characters or more, or is `localhost` or an address in brackets.
fn is_django_email(local: &str, domain: &str) -> bool {
    let dot_atom = local.split('.').all(|atom| !atom.is_empty());
    let top_level = domain.rsplit_once('.').is_some_and(|(_, top)| top.chars().count() >= 2);
    let literal = domain.starts_with('[') && domain.ends_with(']');
    let ends_like_a_literal = domain.ends_with(']');
    dot_atom && (literal || (!ends_like_a_literal && (top_level || domain.eq_ignore_ascii_case("localhost"))))
}

/// The one recipient of a code: that there is exactly one, the type says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    Mobile(MobileNumber),
    Email(EmailAddress),
}

impl Recipient {
    /// The one that is given; both or neither is refused in the contract's words.
    pub fn exactly_one(mobile_number: Option<MobileNumber>, email: Option<EmailAddress>) -> Result<Self, Error> {
        match (mobile_number, email) {
            (Some(number), None) => Ok(Self::Mobile(number)),
            (None, Some(address)) => Ok(Self::Email(address)),
            _ => {
                Err(FieldErrors::one(FieldErrors::NON_FIELD, "Exactly one of mobile_number or email must be provided.")
                    .into())
            }
        }
    }

    pub fn mobile_number(&self) -> Option<&MobileNumber> {
        match self {
            Self::Mobile(number) => Some(number),
            Self::Email(_) => None,
        }
    }

    pub fn email(&self) -> Option<&EmailAddress> {
        match self {
            Self::Mobile(_) => None,
            Self::Email(address) => Some(address),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Mobile(number) => number.as_str(),
            Self::Email(address) => address.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_form_of_a_number_is_stored_in_one_form() {
        for text in [
            "09123456789",
            "9123456789",
            "+989123456789",
            "+98 912 345 6789",
            "00989123456789",
            "0098 912 345 67 89",
            "989123456789",
            "0912-345-6789",
            " 0912 345 6789 ",
            "۰۹۱۲۳۴۵۶۷۸۹",
            "٠٩١٢٣٤٥٦٧٨٩",
            "+۹۸۹۱۲۳۴۵۶۷۸۹",
            "0912\u{200c}345\u{200c}6789",
            "\u{202a}+98 912 345 6789\u{202c}",
            "0912–345–6789",
        ] {
            assert_eq!(MobileNumber::parse(text).unwrap().as_str(), "09123456789", "{text}");
        }
        assert_eq!(MobileNumber::parse("9891234567").unwrap().as_str(), "09891234567", "an operator prefix 098");
        assert_eq!(MobileNumber::parse("09001234567").unwrap().as_str(), "09001234567");
        assert_eq!(MobileNumber::parse("09991234567").unwrap().as_str(), "09991234567");
    }

    #[test]
    fn what_is_no_iranian_mobile_number_is_refused() {
        for text in [
            "",
            "-",
            "0912345678",
            "091234567890",
            "08123456789",
            "02188776655",
            "+19123456789",
            "+9809123456789",
            "0912345678a",
            "0912+3456789",
            "++989123456789",
            "00989123456",
            "9809123456789",
            "09123456789,09123456788",
            "0912.345.6789",
            "０９１２３４５６７８９",
            "912345678",
        ] {
            assert_eq!(MobileNumber::parse(text), Err("Enter a valid mobile number.".into()), "{text}");
        }
    }

    #[test]
    fn an_address_keeps_its_local_part_and_lowers_its_domain() {
        for (text, stored) in [
            ("some@email.com", "some@email.com"),
            ("  Some.One+tag@EMAIL.Com ", "Some.One+tag@email.com"),
            ("a@localhost", "a@localhost"),
            ("a@[127.0.0.1]", "a@[127.0.0.1]"),
            ("info@مثال.ایران", "info@مثال.ایران"),
            ("o'neil@sub.domain.example", "o'neil@sub.domain.example"),
        ] {
            assert_eq!(EmailAddress::parse(text).map(|e| e.0), Ok(stored.into()), "{text}");
        }
    }

    #[test]
    fn what_django_calls_no_address_is_refused() {
        for text in [
            "x",
            "x@",
            "@x.com",
            "x@y",
            "x@y.z",
            "a b@x.com",
            "a@x com.org",
            "a@@x.com",
            "a@-x.com",
            "a@x..com",
            ".a@x.com",
            "a.@x.com",
            "a..b@x.com",
            "a@x.com\r\nBcc: b@x.com",
            "a\u{0}@x.com",
            "نام@x.com",
            "a@evil\r\n[127.0.0.1]",
            "a@[999.0.0.1]",
            "a@x.com.",
            "<a@x.com>",
            "a@b@c.com",
        ] {
            assert_eq!(EmailAddress::parse(text), Err("Enter a valid email address.".into()), "{text}");
        }
    }

    #[test]
    fn an_address_has_at_most_254_characters() {
        let domain = format!("{}.{}.{}.com", "d".repeat(62), "e".repeat(62), "f".repeat(59));
        let fits = format!("{}@{domain}", "a".repeat(64));
        assert_eq!(fits.chars().count(), 254);
        assert_eq!(EmailAddress::parse(&fits).map(|e| e.0), Ok(fits.clone()));
        let too_long = fits.replace(".com", ".info");
        let refusal = Err("Ensure this field has no more than 254 characters.".into());
        assert_eq!(EmailAddress::parse(&too_long), refusal);
        assert_eq!(EmailAddress::parse(&format!("{}@example.com", "a".repeat(250))), refusal);
    }

    #[test]
    fn what_is_printed_is_masked() {
        let number = MobileNumber::parse("09123456545").unwrap();
        let address = EmailAddress::parse("info@moeinmail.ir").unwrap();
        assert_eq!(format!("{number} {number:?}"), "0912***6545 0912***6545");
        assert_eq!(format!("{address} {address:?}"), "i***@moeinmail.ir i***@moeinmail.ir");
        assert_eq!(format!("{:?}", Recipient::Mobile(number)), "Mobile(0912***6545)");
    }
}
