//! Request bodies: at most 16 KiB, within ten seconds, as JSON or as a form, and always an object of fields.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde_json::{Map, Value};

use crate::error::{Error, FieldErrors, Kind, Result};

const LIMIT: usize = 16 * 1024;
/// What is still read, and thrown away, of a body over the limit, so that its sender gets to hear why it was refused.
const DRAIN: usize = 1024 * 1024;
const DEADLINE: Duration = Duration::from_secs(10);

/// The fields of a body.
#[derive(Debug)]
pub(super) struct Fields {
    values: Map<String, Value>,
    is_form: bool,
}

impl Fields {
    /// The value of a field, if the body names it.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Whether the body is a form, where nothing but text can be said: there an empty field stands for `null`.
    pub(super) fn is_form(&self) -> bool {
        self.is_form
    }
}

/// The verdict of reading a body. It is taken before the caller is judged and answered after (`api.md`, "Order of
/// checks"), so extracting it never fails.
pub(super) struct Body(pub(super) Result<Fields>);

impl FromRequest for Body {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let media_type = request
            .headers()
            .get(CONTENT_TYPE)
            .map_or_else(String::new, |value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let payload = payload.take();
        Box::pin(async move {
            let slow = Error::new(Kind::BodyTooSlow, "The request body did not arrive in time.");
            let bytes = tokio::time::timeout(DEADLINE, read(payload)).await.unwrap_or(Err(slow));
            Ok(Self(parse(&media_type, bytes)))
        })
    }
}

async fn read(mut payload: Payload) -> Result<Vec<u8>> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Error::new(Kind::Invalid, "The request body is not well-formed."))?;
        length += chunk.len();
        if length <= LIMIT {
            bytes.extend_from_slice(&chunk);
        } else if length > DRAIN {
            break;
        }
    }
    if length > LIMIT { Err(Error::new(Kind::BodyTooLarge, "Request body is too large.")) } else { Ok(bytes) }
}

/// An empty body is `{}`, whatever it calls itself; then the media type counts, then the length, then what is inside.
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

/// Of a field that is named twice the last counts, as in a JSON object. A bare word is refused, where Django would take it
/// for the name of an empty field: it is nearly always JSON that was sent without saying so, as curl does by default, and
/// an update that ignores all it was sent helps nobody.
fn parse_form(bytes: &[u8]) -> Result<Map<String, Value>> {
    if bytes.split(|b| *b == b'&').any(|pair| !pair.is_empty() && !pair.contains(&b'=')) {
        let detail = "Form parse error - a field has no value. Send JSON with Content-Type: application/json.";
        return Err(Error::new(Kind::Invalid, detail));
    }
    let pairs = form_urlencoded::parse(bytes).into_owned();
    Ok(pairs.map(|(name, value)| (name, Value::String(value))).collect())
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
