//! Who receives a code: an Iranian mobile number or an e-mail address, each made only by `parse`.

use std::fmt;

use validator::ValidateEmail;

use crate::domain::digits::{is_separator, to_ascii_digits};
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

    /// As `+98` and ten digits (E.164).
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

/// An e-mail address: domain in lower case, local part as given. `Debug` and `Display` mask it.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The most characters an address may have (RFC 5321 by way of `api.md`).
    pub const MAX_CHARS: usize = 254;

    /// Reads an address by Django's rule, white space around it taken off.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').unwrap_or((text, ""));
        // Some letters grow when they are lowered; what is stored must fit as well as what came in.
        let stored = format!("{local}@{}", domain.to_lowercase());
        if text.chars().count().max(stored.chars().count()) > Self::MAX_CHARS + usize::from(domain.is_empty()) {
            return Err("Ensure this field has no more than 254 characters.".into());
        }
        if text.validate_email() && is_django_email(local, domain) {
            Ok(Self(stored))
        } else {
            Err("Enter a valid email address.".into())
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

    /// The same for all ways to write one recipient.
    pub fn key(&self) -> String {
        self.as_str().to_ascii_lowercase()
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
