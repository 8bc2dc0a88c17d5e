//! The fields of the form of a code, as they are typed, and their values.

use strum::{EnumString, IntoStaticStr};

use crate::domain::calendar::parse_moment;
use crate::domain::code::Code;
use crate::domain::otp::{Change, Otp, OtpPatch};
use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::domain::timestamp::Timestamp;
use crate::http::console::context::Context;
use crate::http::console::form::Form;

/// The choice of the validity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Validity {
    Keep,
    #[default]
    Renew,
    Until,
}

/// The fields as typed.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub(super) mobile: String,
    pub(super) email: String,
    pub(super) code: String,
    pub(super) validity: Validity,
    pub(super) until: String,
    /// `updated_at` of the code when the form was shown.
    updated_at: String,
}

/// A field with an error.
pub(super) struct FieldError {
    /// The id of the field.
    pub(super) field: &'static str,
    pub(super) message: &'static str,
}

/// The values of the fields.
pub(super) struct Entered {
    /// `None`: keep or generate.
    pub(super) code: Option<Code>,
    pub(super) recipient: Recipient,
    /// `None`: the default lifetime.
    pub(super) valid_to: Option<Timestamp>,
}

impl Fields {
    pub(super) fn for_new() -> Self {
        Self::typed(&Form::default())
    }

    /// The fields of a stored code. The code itself is not shown.
    pub(super) fn of(otp: &Otp) -> Self {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        Self {
            mobile: text(otp.recipient.mobile_number().map(MobileNumber::as_str)),
            email: text(otp.recipient.email().map(EmailAddress::as_str)),
            code: String::new(),
            validity: Validity::Keep,
            until: String::new(),
            updated_at: otp.updated_at.to_string(),
        }
    }

    /// The fields of a submitted form.
    pub(super) fn typed(form: &Form) -> Self {
        let text = |name| form.text(name).to_owned();
        Self {
            mobile: text("mobile"),
            email: text("email"),
            code: text("code"),
            validity: form.text("validity").parse().unwrap_or_default(),
            until: text("until"),
            updated_at: text("updated_at"),
        }
    }

    /// The fields as names and values.
    pub(super) fn pairs(&self) -> [(&'static str, &str); 6] {
        [
            ("mobile", &self.mobile),
            ("email", &self.email),
            ("code", &self.code),
            ("validity", self.validity.into()),
            ("until", &self.until),
            ("updated_at", &self.updated_at),
        ]
    }

    /// `updated_at` of the code as the form showed it.
    pub(super) fn read_at(&self) -> Option<Timestamp> {
        Timestamp::parse(&self.updated_at).ok()
    }

    /// Checks the fields. `stored` is the edited code.
    pub(super) fn check(&self, context: &Context, stored: Option<&Otp>) -> Result<Entered, Vec<FieldError>> {
        let t = &context.t.form;
        let mut errors = Vec::new();
        let mut note = |field, message| errors.push(FieldError { field, message });
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let mobile = given(&self.mobile).map(|text| MobileNumber::parse(&text));
        let email = given(&self.email).map(|text| EmailAddress::parse(&text));
        let code = given(&self.code).map(|text| Code::parse_typed(&text));
        let recipient = match (mobile, email) {
            (Some(Err(_)), _) => {
                note("mobile", t.bad_mobile);
                None
            }
            (_, Some(Err(_))) => {
                note("email", t.bad_email);
                None
            }
            (Some(Ok(number)), None) => Some(Recipient::Mobile(number)),
            (None, Some(Ok(address))) => Some(Recipient::Email(address)),
            (Some(Ok(_)), Some(Ok(_))) | (None, None) => {
                note("mobile", t.one_recipient);
                None
            }
        };
        if matches!(code, Some(Err(_))) {
            note("code", t.bad_code);
        }
        let valid_to = match self.validity {
            Validity::Keep => stored.map(|otp| otp.valid_to),
            Validity::Renew => None,
            Validity::Until => {
                let moment = parse_moment(&self.until, context.zone);
                if moment.is_none() {
                    note("until", t.bad_date);
                }
                moment
            }
        };
        match recipient {
            Some(recipient) if errors.is_empty() => {
                Ok(Entered { code: code.and_then(Result::ok), recipient, valid_to })
            }
            _ => Err(errors),
        }
    }
}

impl Entered {
    /// The changes of a stored code. A code that stays the same is not part of them, because setting a code again does
    /// not make a used one usable.
    pub(super) fn into_patch(self, stored: &Otp) -> OtpPatch {
        let (mobile_number, email) = match self.recipient {
            Recipient::Mobile(number) => (Change::Set(number), Change::Clear),
            Recipient::Email(address) => (Change::Clear, Change::Set(address)),
        };
        OtpPatch { code: self.code.filter(|code| *code != stored.code), mobile_number, email, valid_to: self.valid_to }
    }
}
