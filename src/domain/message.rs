//! Messages: what a provider delivers to a recipient.

use std::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::domain::code::Code;
use crate::domain::purpose::Purpose;
use crate::domain::recipient::Recipient;

/// The channel of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase", parse_err_ty = crate::domain::Refusal, parse_err_fn = no_channel)]
pub enum Channel {
    Sms,
    Email,
}

impl Channel {
    pub fn for_recipient(recipient: &Recipient) -> Self {
        match recipient {
            Recipient::Mobile(_) => Self::Sms,
            Recipient::Email(_) => Self::Email,
        }
    }

    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The language of a message text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase", parse_err_ty = crate::domain::Refusal, parse_err_fn = no_language)]
pub enum Language {
    #[default]
    Fa,
    En,
}

impl Language {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Formats whole minutes for a text. 0 becomes "less than 1", so that a text never overstates the validity.
    pub fn minutes(self, minutes: u64) -> String {
        match (minutes, self) {
            (0, Self::Fa) => "کمتر از 1".to_owned(),
            (0, Self::En) => "less than 1".to_owned(),
            (minutes, _) => minutes.to_string(),
        }
    }

    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn no_channel(_: &str) -> &'static str {
    "sms or email"
}

fn no_language(_: &str) -> &'static str {
    "fa or en"
}

/// The text that the recipient reads. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// E-mail only.
    pub subject: Option<String>,
    pub plain: String,
    /// E-mail only.
    pub html: Option<String>,
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(***)")
    }
}

/// A message that is ready to be sent. Gateways with their own templates use `code`; all others use `text`.
#[derive(Clone, Debug)]
pub struct Message {
    pub recipient: Recipient,
    pub code: Code,
    pub purpose: Purpose,
    pub language: Language,
    /// Whole minutes for which the code is still valid. 0 is less than one minute.
    pub minutes: u64,
    pub text: Text,
}
