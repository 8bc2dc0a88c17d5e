//! The writable fields of a code, parsed like DRF's serializer fields (`docs/api.md`, "Input fields"). All invalid
//! fields are reported at once.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::domain::client::ClientNetwork;
use crate::domain::code::Code;
use crate::domain::message::{Channel, Language};
use crate::domain::otp::{Change, NewOtp, OtpPatch};
use crate::domain::purpose::Purpose;
use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::domain::timestamp::Timestamp;
use crate::error::{FieldErrors, InvalidValue, Result};
use crate::http::body::Fields;
use crate::service::sending::SendRequest;
use crate::service::verifying::VerifyRequest;

/// The messages of DRF's `CharField` and `EmailField` for a value of the wrong type.
const NOT_TEXT: &str = "Not a valid string.";
const NOT_EMAIL: &str = "Enter a valid email address.";

/// Parses the body of a POST.
pub(super) fn new_otp(body: &Fields) -> Result<NewOtp> {
    let mut errors = FieldErrors::default();
    let code = errors.note("code", body.get("code").ok_or("This field is required.".into()).and_then(code));
    let rest = Rest::read(body, &mut errors);
    let Some(code) = code.filter(|_| errors.is_empty()) else { return Err(errors.into()) };
    let recipient = Recipient::exactly_one(rest.mobile_number.into_set(), rest.email.into_set())?;
    Ok(NewOtp { code, recipient, valid_to: rest.valid_to })
}

/// Parses the body of a PATCH.
pub(super) fn otp_patch(body: &Fields) -> Result<OtpPatch> {
    let mut errors = FieldErrors::default();
    let code = body.get("code").and_then(|value| errors.note("code", code(value)));
    let Rest { mobile_number, email, valid_to } = Rest::read(body, &mut errors);
    if errors.is_empty() { Ok(OtpPatch { code, mobile_number, email, valid_to }) } else { Err(errors.into()) }
}

/// Parses the body of a send request.
pub(super) fn send_request(body: &Fields) -> Result<SendRequest> {
    let mut errors = FieldErrors::default();
    let purpose = errors.note("purpose", optional(body, "purpose", Purpose::parse)).flatten();
    let language = errors.note("language", optional(body, "language", language)).flatten();
    let client = errors.note("client_ip", optional(body, "client_ip", ClientNetwork::parse)).flatten();
    let channels = errors.note("channel", channels(body)).unwrap_or_default();
    let recipient = one_recipient(body, errors)?;
    Ok(SendRequest { recipient, purpose: purpose.unwrap_or_default(), language, channels, client })
}

/// Parses the body of a verify request.
pub(super) fn verify_request(body: &Fields) -> Result<VerifyRequest> {
    let mut errors = FieldErrors::default();
    let code = errors.note("code", body.get("code").ok_or("This field is required.".into()).and_then(typed_code));
    let purpose = errors.note("purpose", optional(body, "purpose", Purpose::parse)).flatten();
    let client = errors.note("client_ip", optional(body, "client_ip", ClientNetwork::parse)).flatten();
    let (number, address) = recipients(body, &mut errors);
    let Some(code) = code.filter(|_| errors.is_empty()) else { return Err(errors.into()) };
    let recipient = Recipient::exactly_one(number.into_set(), address.into_set())?;
    Ok(VerifyRequest { recipient, purpose: purpose.unwrap_or_default(), code, client })
}

/// Parses a body that contains only a recipient.
pub(super) fn recipient(body: &Fields) -> Result<Recipient> {
    one_recipient(body, FieldErrors::default())
}

/// Returns the recipient, or all errors if `errors` is not empty.
fn one_recipient(body: &Fields, mut errors: FieldErrors) -> Result<Recipient> {
    let (number, address) = recipients(body, &mut errors);
    if errors.is_empty() { Recipient::exactly_one(number.into_set(), address.into_set()) } else { Err(errors.into()) }
}

/// Parses the two recipient fields. An invalid field is added to `errors` and returned as [`Change::Keep`].
fn recipients(body: &Fields, errors: &mut FieldErrors) -> (Change<MobileNumber>, Change<EmailAddress>) {
    let number = errors.note("mobile_number", mobile_number(body));
    let address = errors.note("email", change(body, "email", NOT_EMAIL, EmailAddress::parse));
    (number.unwrap_or(Change::Keep), address.unwrap_or(Change::Keep))
}

/// Parses a mobile number. A text may have dots between groups. A JSON number with a fraction is never a mobile number.
fn mobile_number(body: &Fields) -> Result<Change<MobileNumber>, InvalidValue> {
    let has_fraction = body.get("mobile_number").is_some_and(Value::is_f64);
    let parse = |text: &str| if has_fraction { Err(MobileNumber::invalid()) } else { MobileNumber::parse(text) };
    change(body, "mobile_number", NOT_TEXT, parse)
}

/// Parses an optional field. An empty form field counts as missing, as in DRF.
fn optional<T>(
    body: &Fields,
    name: &str,
    parse: impl Fn(&str) -> Result<T, InvalidValue>,
) -> Result<Option<T>, InvalidValue> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::Null) => Err("This field may not be null.".into()),
        Some(Value::String(text)) if text.is_empty() && body.is_form() => Ok(None),
        Some(value) => parse(&text(value, NOT_TEXT)?).map(Some),
    }
}

fn language(text: &str) -> Result<Language, InvalidValue> {
    text.parse().map_err(|_| InvalidValue(format!("\"{text}\" is not a valid choice.").into()))
}

/// Parses the optional channels: one name, or a list of different names. In a form, commas separate the names. Empty:
/// the field is missing.
fn channels(body: &Fields) -> Result<Vec<Channel>, InvalidValue> {
    let names: Vec<Cow<'_, str>> = match body.get("channel") {
        Some(Value::Array(names)) if names.is_empty() => return Err("This list may not be empty.".into()),
        Some(Value::Array(names)) => names.iter().map(|name| text(name, NOT_TEXT)).collect::<Result<_, _>>()?,
        _ => match optional(body, "channel", |text| Ok(text.to_owned()))? {
            None => return Ok(Vec::new()),
            Some(names) if body.is_form() => names.split(',').map(|name| name.trim().to_owned().into()).collect(),
            Some(name) => vec![name.into()],
        },
    };
    let mut channels = Vec::new();
    for name in names {
        let channel = name.parse().map_err(|_| InvalidValue(format!("\"{name}\" is not a valid choice.").into()))?;
        if channels.contains(&channel) {
            return Err(InvalidValue(format!("\"{name}\" occurs twice.").into()));
        }
        channels.push(channel);
    }
    Ok(channels)
}

/// Parses a code typed by a user.
fn typed_code(value: &Value) -> Result<Code, InvalidValue> {
    match value {
        Value::String(text) => Code::parse_typed(text),
        other => code(other),
    }
}

/// The fields that POST and PATCH have in common.
struct Rest {
    mobile_number: Change<MobileNumber>,
    email: Change<EmailAddress>,
    valid_to: Option<Timestamp>,
}

impl Rest {
    /// Parses the fields. Invalid fields are added to `errors` and count as missing.
    fn read(body: &Fields, errors: &mut FieldErrors) -> Self {
        let (mobile_number, email) = recipients(body, errors);
        Self { mobile_number, email, valid_to: errors.note("valid_to", valid_to(body)).flatten() }
    }
}

fn code(value: &Value) -> Result<Code, InvalidValue> {
    match value {
        Value::Null => Err("This field may not be null.".into()),
        Value::String(text) => Code::parse(text),
        Value::Number(number) => code_from_number(number),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(Code::not_an_integer()),
    }
}

/// Parses an integer or a float with an integral value (`3.0`). Numbers beyond 64 bits are floats.
fn code_from_number(number: &Number) -> Result<Code, InvalidValue> {
    match (number.as_i64(), number.as_f64()) {
        (Some(integer), _) => Code::new(integer),
        // The cast saturates. Both limits are outside the range of codes.
        (None, Some(integral)) if integral.fract() == 0.0 => Code::new(integral as i64),
        _ => Err(Code::not_an_integer()),
    }
}

/// Parses the change of a nullable field. Values that are not text are refused with `wrong_type`.
fn change<T>(
    body: &Fields,
    name: &str,
    wrong_type: &'static str,
    parse: impl Fn(&str) -> Result<T, InvalidValue>,
) -> Result<Change<T>, InvalidValue> {
    match body.get(name) {
        None => Ok(Change::Keep),
        Some(Value::Null) => Ok(Change::Clear),
        // An empty form field is null, as in DRF.
        Some(Value::String(text)) if text.is_empty() && body.is_form() => Ok(Change::Clear),
        Some(value) => parse(&text(value, wrong_type)?).map(Change::Set),
    }
}

/// Parses like DRF's `CharField`: non-blank text, or a number as text. Other types are refused with `wrong_type`.
fn text<'a>(value: &'a Value, wrong_type: &'static str) -> Result<Cow<'a, str>, InvalidValue> {
    match value {
        Value::String(text) if text.trim().is_empty() => Err("This field may not be blank.".into()),
        Value::String(text) => Ok(text.into()),
        Value::Number(number) => Ok(number.to_string().into()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(wrong_type.into()),
    }
}

/// Parses the optional expiration time. An empty form field counts as missing, as in DRF.
fn valid_to(body: &Fields) -> Result<Option<Timestamp>, InvalidValue> {
    match body.get("valid_to") {
        None => Ok(None),
        Some(Value::Null) => Err("This field may not be null.".into()),
        Some(Value::String(text)) if text.is_empty() && body.is_form() => Ok(None),
        Some(Value::String(text)) => Timestamp::parse(text).map(Some),
        Some(_) => Err(Timestamp::wrong_format()),
    }
}
