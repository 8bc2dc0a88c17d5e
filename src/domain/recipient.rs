//! The recipient of a code: an Iranian mobile number or an e-mail address. Only `parse` creates them from input.

use std::fmt;
use std::net::IpAddr;

use validator::ValidateEmail;

use crate::domain::digits::{is_invisible, is_separator, to_ascii_digits};
use crate::domain::host::ascii_domain;
use crate::error::{Error, FieldErrors, InvalidValue};

/// An Iranian mobile number in its canonical form: `09` and nine digits. `Debug` and `Display` mask it.
#[derive(Clone, PartialEq, Eq)]
pub struct MobileNumber(String);

impl MobileNumber {
    /// Parses any usual form (`docs/api.md`, "Input fields"). Operator prefixes are not checked: new ones appear every
    /// year.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let separates = |c: char| is_separator(c) || matches!(c, '.' | '(' | ')');
        let bare: String = to_ascii_digits(text).chars().filter(|c| !separates(*c)).collect();
        // A dash separates groups, but a leading dash is a minus sign.
        national_part(&bare)
            .filter(|_| !is_decimal(text) && !text.trim_start().starts_with('-'))
            .filter(|part| part.len() == 10 && part.starts_with('9') && part.bytes().all(|b| b.is_ascii_digit()))
            .map(|part| Self(format!("0{part}")))
            .ok_or_else(Self::invalid)
    }

    pub fn invalid() -> InvalidValue {
        "Enter a valid mobile number.".into()
    }

    /// A number from the store, already validated by `parse`.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the E.164 form: `+98` and ten digits.
    pub fn international(&self) -> String {
        format!("+98{}", self.0.get(1..).unwrap_or_default())
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

/// Whether a text is a decimal number such as `912345678.0`, as spreadsheets write it: it has one dot, and one or two digits
/// behind it. Its digits would be those of another mobile number.
fn is_decimal(text: &str) -> bool {
    let visible: String = to_ascii_digits(text).chars().filter(|c| !c.is_whitespace() && !is_invisible(*c)).collect();
    let is_fraction = |text: &str| text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    visible.split_once('.').is_some_and(|(_, rest)| is_fraction(rest))
}

/// Returns the part after the country code, the trunk zero, or both (`+98 0912…`). The length decides whether a leading
/// `98` is the country code or an operator prefix.
fn national_part(bare: &str) -> Option<&str> {
    match (bare.strip_prefix('+'), bare.len()) {
        (Some(international), _) => international
            .strip_prefix("98")
            .map(|part| if part.len() == 11 { part.strip_prefix('0').unwrap_or(part) } else { part }),
        (None, 14) => bare.strip_prefix("0098"),
        (None, 12) => bare.strip_prefix("98"),
        (None, 11) => bare.strip_prefix('0'),
        (None, _) => Some(bare),
    }
}

/// An e-mail address as it is passed to the mail server: the domain in its ASCII form ([`ascii_domain`]), the local
/// part unchanged. All spellings of a domain yield the same address. `Debug` and `Display` mask it.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The maximum length of an address in characters (RFC 5321; `docs/api.md`, "The code resource").
    pub const MAX_CHARS: usize = 254;

    /// Parses an address by Django's rule. Surrounding white space and invisible marks are removed (`docs/api.md`,
    /// "Input fields").
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c));
        let (local, domain) = text.rsplit_once('@').unwrap_or((text, ""));
        let stored = stored_domain(domain).map(|domain| format!("{local}@{domain}"));
        // The ASCII form of a domain can be longer than the input. The limit applies to both.
        if text.chars().count().max(stored.as_ref().map_or(0, String::len)) > Self::MAX_CHARS {
            return Err("Ensure this field has no more than 254 characters.".into());
        }
        let is_address = |stored: &String| stored.validate_email() && is_django_email(stored);
        stored.filter(is_address).map(Self).ok_or_else(|| "Enter a valid email address.".into())
    }

    /// An address from the store, already validated by `parse`.
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

/// Returns the canonical form of a domain: its ASCII form, or an IP address in brackets. `None`: the domain is invalid.
fn stored_domain(domain: &str) -> Option<String> {
    match domain.strip_prefix('[') {
        Some(literal) => {
            let address: IpAddr = literal.strip_suffix(']')?.parse().ok()?;
            Some(format!("[{}]", address.to_canonical()))
        }
        None => ascii_domain(domain),
    }
}

/// Checks the rules of Django's `EmailValidator` that are stricter than those of the `validator` crate (HTML). The
/// local part is a dot-atom. The domain has a top level of two or more characters, or is `localhost` or an address in
/// brackets.
fn is_django_email(stored: &str) -> bool {
    let (local, domain) = stored.rsplit_once('@').unwrap_or_default();
    let dot_atom = local.split('.').all(|atom| !atom.is_empty());
    let top_level = domain.rsplit_once('.').is_some_and(|(_, top)| top.len() >= 2);
    dot_atom && (top_level || domain == "localhost" || domain.starts_with('['))
}

/// The recipient of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    Mobile(MobileNumber),
    Email(EmailAddress),
}

impl Recipient {
    /// Returns the recipient that is given. Both or neither is an error with the contract's text.
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

    /// The key of the recipient in limits, lock-outs and look-ups. All spellings of a recipient have the same key.
    pub fn key(&self) -> String {
        self.as_str().to_ascii_lowercase()
    }

    /// A recipient from its stored [`key`](Self::key).
    pub(crate) fn from_key(key: String) -> Self {
        if key.contains('@') {
            Self::Email(EmailAddress::from_stored(key))
        } else {
            Self::Mobile(MobileNumber::from_stored(key))
        }
    }

    /// The recipient with most characters hidden, for logs and the audit trail.
    pub fn masked(&self) -> String {
        match self {
            Self::Mobile(number) => number.to_string(),
            Self::Email(address) => address.to_string(),
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
mod tests;
