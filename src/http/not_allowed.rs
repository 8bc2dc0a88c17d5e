//! Unsupported methods: 405 with `Allow`, after authentication and permission checks (`docs/api.md`,
//! "Authentication and permissions").

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::error::{Error, Kind, Result};
use crate::http::caller::Caller;

/// The methods of a resource, stored in its `app_data`.
pub(super) struct Allow(pub(super) &'static str);

/// Refuses a method on a path that needs a token.
pub(super) async fn with_token(request: HttpRequest, caller: Caller) -> Result<HttpResponse> {
    caller.require_staff()?;
    Ok(refusal(&request))
}

/// Refuses a method on a path that needs no token.
pub(super) async fn without_token(request: HttpRequest) -> HttpResponse {
    refusal(&request)
}

fn refusal(request: &HttpRequest) -> HttpResponse {
    let detail = format!("Method \"{}\" not allowed.", request.method());
    let mut response = Error::new(Kind::MethodNotAllowed, detail).error_response();
    if let Some(Allow(verbs)) = request.app_data() {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(verbs));
    }
    response
}
