//! Request bodies: a JSON object or a form of at most 16 KiB that arrives within ten seconds.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use serde_json::{Map, Value};

use crate::error::{Error, FieldErrors, Kind, Result};

const LIMIT: usize = 16 * 1024;
const DEADLINE: Duration = Duration::from_secs(10);

/// The fields of a body.
#[derive(Debug)]
pub(super) struct Fields {
    values: Map<String, Value>,
    is_form: bool,
}

impl Fields {
    /// The value of a field, if the body contains it.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Whether the body is a form. Form values are always text, so an empty field stands for `null`.
    pub(super) fn is_form(&self) -> bool {
        self.is_form
    }
}

/// A body that has not been read: its payload and media type. actix extracts all arguments before it calls the handler,
/// so reading is deferred to the handler, after authentication.
pub(super) struct Body {
    payload: Payload,
    media_type: String,
}

impl FromRequest for Body {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let media_type = request.headers().get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        let media_type = String::from_utf8_lossy(media_type).into_owned();
        ready(Ok(Self { payload: payload.take(), media_type }))
    }
}

impl Body {
    /// Reads the fields of the body.
    ///
    /// # Errors
    /// The body is too long, too slow, has an unsupported media type, or is not an object of fields.
    pub(super) async fn read(self) -> Result<Fields> {
        let media_type = self.media_type.clone();
        parse(&media_type, self.bytes().await)
    }

    /// Reads the bytes of the body.
    ///
    /// # Errors
    /// The body is too long or too slow.
    pub(super) async fn bytes(self) -> Result<Vec<u8>> {
        let slow = Error::new(Kind::BodyTooSlow, "The request body did not arrive in time.");
        tokio::time::timeout(DEADLINE, collect(self.payload)).await.unwrap_or(Err(slow))
    }

    pub(super) fn media_type(&self) -> &str {
        &self.media_type
    }
}

async fn collect(mut payload: Payload) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| malformed())?;
        if bytes.len() + chunk.len() > LIMIT {
            return Err(Error::new(Kind::BodyTooLarge, "Request body is too large."));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The error for a body with invalid framing.
pub(super) fn malformed() -> Error {
    Error::new(Kind::Invalid, "The request body is not well-formed.")
}

/// Parses a body. An empty body is `{}` with any media type. Otherwise the media type is checked first, then the
/// length, then the content.
fn parse(content_type: &str, bytes: Result<Vec<u8>>) -> Result<Fields> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_form = media_type == "application/x-www-form-urlencoded";
    let values = match bytes {
        Ok(empty) if empty.is_empty() => Map::new(),
        bytes if is_form => parse_form(&bytes?)?,
        bytes if media_type == "application/json" => parse_json(&bytes?)?,
        _ => {
            let detail = format!("Unsupported media type \"{content_type}\" in request.");
            return Err(Error::new(Kind::UnsupportedMediaType, detail));
        }
    };
    Ok(Fields { values, is_form })
}

/// The fields that are lists.
const LISTS: [&str; 1] = ["channel"];

/// Parses a form. If a field occurs twice, the last value is used, as in a JSON object. A list has all values.
///
/// A pair without `=`, and a body that begins like JSON, are refused, whereas Django reads them as fields. They are almost
/// always JSON sent with the wrong media type (curl's default); accepting them would silently ignore all fields.
fn parse_form(bytes: &[u8]) -> Result<Map<String, Value>> {
    let refuse = |cause| {
        let detail = format!("Form parse error - {cause}. Send JSON with Content-Type: application/json.");
        Err(Error::new(Kind::Invalid, detail))
    };
    if matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return refuse("the body is JSON");
    }
    if bytes.split(|b| *b == b'&').any(|pair| !pair.is_empty() && !pair.contains(&b'=')) {
        return refuse("a field has no value");
    }
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(bytes).into_owned() {
        let joined = match fields.remove(&name) {
            Some(Value::String(earlier)) if LISTS.contains(&name.as_str()) => format!("{earlier},{value}"),
            _ => value,
        };
        fields.insert(name, Value::String(joined));
    }
    Ok(fields)
}

fn parse_json(bytes: &[u8]) -> Result<Map<String, Value>> {
    let value = serde_json::from_slice(bytes)
        .map_err(|cause| Error::new(Kind::Invalid, format!("JSON parse error - {cause}")))?;
    let found = match value {
        Value::Object(values) => return Ok(values),
        Value::Null => return Err(FieldErrors::one(FieldErrors::NON_FIELD, "No data provided").into()),
        Value::Array(_) => "list",
        Value::String(_) => "str",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
    };
    let message = format!("Invalid data. Expected a dictionary, but got {found}.");
    Err(FieldErrors::one(FieldErrors::NON_FIELD, message).into())
}
