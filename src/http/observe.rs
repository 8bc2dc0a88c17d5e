//! What surrounds every request: its id, the headers of every answer, one line in the log, and a net for panics.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use actix_web::{ResponseError, web};
use futures_util::FutureExt;
use rand::TryRng;
use rand::rngs::SysRng;

use crate::error::Error;
use crate::http::connections::Busy;
use crate::http::{Pattern, Stopping};
use crate::metrics::Metrics;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let begun = Instant::now();
    let _busy = Busy::with(request.request());
    let id = RequestId::of(request.headers());
    let method = verb(request.method());
    let metrics = request.app_data::<web::Data<Metrics>>().cloned();
    let stopping = request.app_data::<Stopping>().cloned();
    let Ok(outcome) = AssertUnwindSafe(next.call(request)).catch_unwind().await else {
        log::error!("{} {method} panicked; the line above says where", id.as_str());
        let mut response = Error::internal("panic").error_response();
        id.set_headers(response.headers_mut());
        return Err(InternalError::from_response("panic", response).into());
    };
    let mut response = outcome?;
    id.set_headers(response.headers_mut());
    if stopping.is_some_and(|stopping| stopping.has_begun()) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let (id, status, took) = (id.as_str(), response.status(), begun.elapsed());
    // The pattern, not the path: a path can hold anything that a client put there, a number or an address too.
    let route = response.request().app_data::<Pattern>().map_or("(no such path)", |pattern| pattern.0);
    if let Some(metrics) = metrics {
        metrics.request(method, route, status.as_str(), took);
    }
    let cause = response.response().error().and_then(actix_web::Error::as_error::<Error>).and_then(Error::cause);
    match cause {
        Some(cause) => log::error!("{id} {method} {route} {}: {cause}", status.as_str()),
        None => log::info!("{id} {method} {route} {} {took:.1?}", status.as_str()),
    }
    Ok(response)
}

/// A verb that HTTP knows; any other could be anything, a number too.
fn verb(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("(other verb)")
}

/// The caller's own id if it is 1–64 characters of `[A-Za-z0-9._-]`, else a fresh one.
struct RequestId(HeaderValue);

impl RequestId {
    fn of(headers: &HeaderMap) -> Self {
        let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"._-".contains(b);
        let callers = headers
            .get(REQUEST_ID)
            .filter(|value| (1..=64).contains(&value.len()) && value.as_bytes().iter().all(allowed));
        Self(callers.cloned().unwrap_or_else(fresh))
    }

    fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The headers of every answer. Codes and who may use them are nobody else's to keep: `no-store`.
    fn set_headers(&self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.0.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
}

fn fresh() -> HeaderValue {
    // An id names a request and guards nothing: where the system has no randomness, zeros do too.
    let number = SysRng.try_next_u64().unwrap_or_default();
    HeaderValue::try_from(format!("{number:016x}")).unwrap_or_else(|_| HeaderValue::from_static("0"))
}
