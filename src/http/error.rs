//! Maps error kinds to HTTP statuses and writes error responses.

use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::error::{Error, Kind, Public};

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        match self.kind() {
            Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
            Kind::PermissionDenied => StatusCode::FORBIDDEN,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Kind::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Kind::Invalid => StatusCode::BAD_REQUEST,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self.kind() {
            Kind::Unauthenticated => {
                response.insert_header((WWW_AUTHENTICATE, "Token"));
            }
            Kind::BodyTooSlow => {
                response.force_close();
            }
            _ => {}
        }
        if let Some(seconds) = self.retry_after() {
            response.insert_header((RETRY_AFTER, seconds));
        }
        response.json(Body(self.public()))
    }
}

/// An error body in one of DRF's two forms: `{"detail": "…"}`, with a machine-readable `reason` where there are
/// several, or a list of messages per field.
struct Body<'a>(&'a Public);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.0 {
            Public::Detail(detail) => map.serialize_entry("detail", detail)?,
            Public::Refusal { detail, reason, attempts_left } => {
                map.serialize_entry("detail", detail)?;
                map.serialize_entry("reason", reason.as_str())?;
                if let Some(left) = attempts_left {
                    map.serialize_entry("attempts_left", left)?;
                }
            }
            Public::Fields(fields) => {
                for (field, messages) in fields.iter() {
                    map.serialize_entry(field, messages)?;
                }
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn the_response_to_an_internal_error_does_not_contain_the_cause() {
        let response = Error::internal("the cause").error_response();
        assert_eq!(response.status(), 500);
        let body = to_bytes(response.into_body()).now_or_never().unwrap().unwrap();
        assert_eq!(body, r#"{"detail":"A server error occurred."}"#);
    }
}
