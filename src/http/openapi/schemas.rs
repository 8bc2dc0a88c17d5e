//! JSON Schemas of the writable fields. `http/fields.rs` parses them.

use std::borrow::Cow;

use serde_json::{Value, json};
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::audit::Action;
use crate::domain::code::Code;
use crate::domain::listing::Window;
use crate::domain::recipient::EmailAddress;

/// The body for creating a code, as JSON.
pub(crate) struct NewOtpJson;
/// The body for creating a code, as a form.
pub(crate) struct NewOtpForm;
/// The body for updating a code, as JSON.
pub(crate) struct OtpPatchJson;
/// The body for updating a code, as a form.
pub(crate) struct OtpPatchForm;

/// Implements `ToSchema` for a body type with a name and a schema.
macro_rules! body {
    ($body:ty, $name:literal, $schema:expr) => {
        impl ToSchema for $body {
            fn name() -> Cow<'static, str> {
                $name.into()
            }
        }

        impl PartialSchema for $body {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }
    };
}

pub(super) use body;

body!(NewOtpJson, "NewOtp", new_otp(&null()));
body!(NewOtpForm, "NewOtpForm", new_otp(&empty()));
body!(OtpPatchJson, "OtpPatch", otp_patch(&null()));
body!(OtpPatchForm, "OtpPatchForm", otp_patch(&empty()));

/// The schema for creating a code. One recipient field is required; the other one is `nothing` or missing.
fn new_otp(nothing: &Schema) -> OneOfBuilder {
    let with = |set: &str, other: &str| one_recipient(set, other, nothing).required("code").required(set);
    OneOfBuilder::new()
        .description(Some("A code for a mobile number or an e-mail address. Unknown fields are ignored."))
        .item(with("mobile_number", "email"))
        .item(with("email", "mobile_number"))
        .examples([json!({"code": 255_315, "mobile_number": "09123456789"})])
}

fn otp_patch(nothing: &Schema) -> AnyOfBuilder {
    AnyOfBuilder::new()
        .description(Some(
            "Fields to change. null (in a form: an empty field) clears a recipient. The result must have exactly one \
             recipient. If `valid_to` is missing, it becomes the current time plus the expiration time. Unknown fields \
             are ignored.",
        ))
        .item(one_recipient("mobile_number", "email", nothing))
        .item(one_recipient("email", "mobile_number", nothing))
        .examples([json!({"mobile_number": nothing_in(nothing), "email": "some@email.com"})])
}

/// The writable fields. `set` is the recipient field with a value, `other` the one without.
fn one_recipient(set: &str, other: &str, nothing: &Schema) -> ObjectBuilder {
    let value = if set == "email" { email() } else { mobile_number() };
    ObjectBuilder::new()
        .property("code", code())
        .property(set, value)
        .property(other, nothing.clone())
        .property("valid_to", if *nothing == null() { valid_to() } else { or_empty(valid_to()) })
}

/// Allows an empty form field, which counts as missing.
pub(super) fn or_empty(schema: Schema) -> Schema {
    AnyOfBuilder::new().item(schema).item(empty()).into()
}

pub(super) fn null() -> Schema {
    typed(Type::Null).into()
}

pub(super) fn empty() -> Schema {
    typed(Type::String).max_length(Some(0)).into()
}

fn nothing_in(nothing: &Schema) -> Value {
    if *nothing == null() { Value::Null } else { Value::String(String::new()) }
}

/// Messages per invalid field. Messages that do not concern a single field are under `non_field_errors`.
pub(crate) struct FieldMessages;

impl ToSchema for FieldMessages {}

impl PartialSchema for FieldMessages {
    fn schema() -> RefOr<Schema> {
        let messages = ArrayBuilder::new().items(typed(Type::String)).min_items(Some(1));
        ObjectBuilder::new()
            .additional_properties(Some(messages))
            .examples([json!({"email": ["Enter a valid email address."]})])
            .into()
    }
}

pub(super) fn typed(json_type: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(json_type))
}

pub(super) fn code() -> Schema {
    let integer = typed(Type::Integer).minimum(Some(0)).maximum(Some(Code::MAX));
    let digits = typed(Type::String).pattern(Some(r"^ *[0-9۰-۹٠-٩]{1,15}(\.0*)? *$"));
    let description = "An integer or a string of digits. Persian and Arabic digits are accepted.";
    AnyOfBuilder::new().item(integer).item(digits).description(Some(description)).examples([json!(255_315)]).into()
}

/// An optional prefix `+98`, `0098`, `98` or `0`, and ten digits starting with 9. Digits are ASCII, Persian or Arabic,
/// with optional separators.
const MOBILE_NUMBER: &str =
    "^ *((\\+[9۹٩][8۸٨]|[0۰٠]{2}[9۹٩][8۸٨]|[9۹٩][8۸٨]|[0۰٠])[ \u{200c}-]?)?[9۹٩]([ \u{200c}-]?[0-9۰-۹٠-٩]){9} *$";

/// A dot-atom, and a domain of at least two labels. The server also accepts some addresses that do not match (names in
/// other scripts, quoted local parts).
const EMAIL: &str = "^[A-Za-z0-9_+'-]{1,30}(\\.[A-Za-z0-9_+'-]{1,30})?@([A-Za-z0-9]([A-Za-z0-9-]{0,40}[A-Za-z0-9])?\\.){1,4}[A-Za-z]{2,20}$";

/// An Iranian mobile number in any usual form.
pub(crate) fn mobile_number() -> Schema {
    typed(Type::String)
        .pattern(Some(MOBILE_NUMBER))
        .description(Some("An Iranian mobile number in any usual form. It is stored as `09` and nine digits."))
        .examples([json!("09123456789")])
        .into()
}

/// An integer of any length.
pub(crate) fn any_integer() -> Schema {
    typed(Type::Integer).into()
}

pub(crate) fn limit() -> Schema {
    let default = Some(json!(Window::DEFAULT_LIMIT));
    typed(Type::Integer).minimum(Some(1)).default(default).into()
}

pub(crate) fn offset() -> Schema {
    typed(Type::Integer).minimum(Some(0)).default(Some(json!(0))).into()
}

/// An action of the audit trail.
pub(crate) fn audit_action() -> Schema {
    typed(Type::String).enum_values(Some(Action::ALL.iter().map(|action| action.as_str()))).into()
}

pub(crate) fn email() -> Schema {
    typed(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Email)))
        .pattern(Some(EMAIL))
        .max_length(Some(EmailAddress::MAX_CHARS))
        .examples([json!("some@email.com")])
        .into()
}

fn valid_to() -> Schema {
    typed(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some(
            "When the code expires, in ISO 8601. Without an offset the time is UTC. More than six fractional digits \
             are truncated.",
        ))
        .examples([json!("2025-12-30T14:39:10.268800Z")])
        .into()
}
