//! Messages: what a provider delivers to a recipient.

use std::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::domain::code::Code;
use crate::domain::purpose::Purpose;
use crate::domain::recipient::Recipient;

/// The channel of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase", parse_err_ty = crate::domain::Refusal, parse_err_fn = no_channel)]
pub enum Channel {
    Sms,
    /// A voice call that reads the code out.
    Call,
    /// The Bale messenger.
    Bale,
    Email,
}

impl Channel {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns the channel for requests that name none.
    pub fn for_recipient(recipient: &Recipient) -> Self {
        match recipient {
            Recipient::Mobile(_) => Self::Sms,
            Recipient::Email(_) => Self::Email,
        }
    }

    /// Whether messages of this channel go to a kind of recipient: e-mails to addresses, all others to numbers.
    pub fn can_reach(self, recipient: &Recipient) -> bool {
        (self == Self::Email) == recipient.email().is_some()
    }

    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One value for each channel.
#[derive(Clone, Debug, Default)]
pub struct PerChannel<T> {
    pub sms: T,
    pub call: T,
    pub bale: T,
    pub email: T,
}

impl<T> PerChannel<T> {
    /// Makes the values with a function.
    ///
    /// # Errors
    /// The first error of the function.
    pub fn try_from_fn<E>(mut value: impl FnMut(Channel) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            sms: value(Channel::Sms)?,
            call: value(Channel::Call)?,
            bale: value(Channel::Bale)?,
            email: value(Channel::Email)?,
        })
    }

    pub fn get(&self, channel: Channel) -> &T {
        match channel {
            Channel::Sms => &self.sms,
            Channel::Call => &self.call,
            Channel::Bale => &self.bale,
            Channel::Email => &self.email,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Channel, &T)> {
        Channel::ALL.iter().map(|channel| (*channel, self.get(*channel)))
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
    "sms, call, bale or email"
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

/// How a code is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// See [`Message::reference`].
    pub reference: u64,
    pub channel: Channel,
    pub language: Language,
}

/// A message that is ready to be sent. Gateways with their own templates use `code`; all others use `text`.
#[derive(Clone, Debug)]
pub struct Message {
    /// Identifies the message at providers that accept an id from the client. It is the same for repeated attempts, and
    /// less than 2^53, so that every JSON parser reads it exactly.
    pub reference: u64,
    pub channel: Channel,
    pub recipient: Recipient,
    pub code: Code,
    pub purpose: Purpose,
    pub language: Language,
    /// Whole minutes for which the code is still valid. 0 is less than one minute.
    pub minutes: u64,
    pub text: Text,
}
