//! Middleware for all requests: request id, common response headers, one log line per request, and panic handling.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, ResponseError, web};
use futures_util::FutureExt;

use crate::error::Error;
use crate::http::body::malformed;
use crate::http::connections::Busy;
use crate::http::payload::Shared;
use crate::http::request_id::{REQUEST_ID, RequestId};
use crate::http::request_log::{Details, LoggedId};
use crate::metrics::Metrics;

/// The logged route of a request with a malformed body, which may not have been routed.
const MALFORMED: &str = "(malformed body)";

/// The path pattern of the endpoint to which a request was routed.
pub(super) struct Pattern(pub(super) &'static str);

/// A flag that the server is about to stop. When it is set, every response closes its connection, so that clients do
/// not send requests on connections that are about to be closed.
#[derive(Clone, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) async fn observe(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let mut exchange = Exchange::begin(&mut request);
    let stopping = request.app_data::<Stopping>().cloned();
    let mut response = next.call(request).await?;
    exchange.finish_reading(&mut response).await;
    exchange.set_headers(response.headers_mut());
    if stopping.is_some_and(|stopping| stopping.has_begun()) {
        close(&mut response);
    }
    // The pattern is logged instead of the path, because a path may contain personal data.
    let route = response.request().app_data::<Pattern>().map_or("(no such path)", |pattern| pattern.0);
    let cause = response.response().error().and_then(actix_web::Error::as_error::<Error>).and_then(Error::cause);
    exchange.note(route, response.status(), cause, &Details::of(&response));
    exchange.is_answered = true;
    Ok(response)
}

/// A request and its response.
struct Exchange {
    begun: Instant,
    id: RequestId,
    method: &'static str,
    metrics: Option<web::Data<Metrics>>,
    busy: Option<Busy>,
    payload: Option<Shared>,
    is_answered: bool,
}

impl Exchange {
    fn begin(request: &mut ServiceRequest) -> Self {
        let id = RequestId::from_headers(request.headers());
        request.extensions_mut().insert(LoggedId(id.logged().to_owned()));
        Self {
            begun: Instant::now(),
            id,
            method: verb(request.method()),
            metrics: request.app_data().cloned(),
            busy: Busy::with(request.request()),
            payload: Shared::of(request),
            is_answered: false,
        }
    }

    /// Discards the unread rest of the body, unless the response closes the connection anyway.
    async fn finish_reading(&mut self, response: &mut ServiceResponse<impl MessageBody>) {
        let Some(payload) = &mut self.payload else { return };
        if response.response().head().connection_type() == ConnectionType::Close {
            return;
        }
        payload.discard().await;
        if payload.is_malformed() {
            close(response);
            if let Some(busy) = &self.busy {
                busy.drain_before_close();
            }
        }
    }

    /// Sets the headers of every response. Responses contain codes, so caches must not store them. Only a handler of
    /// files without data sets another rule.
    fn set_headers(&self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.id.value());
        if !headers.contains_key(CACHE_CONTROL) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }

    /// Counts and logs the response.
    fn note(
        &self,
        route: &str,
        status: StatusCode,
        cause: Option<&(dyn std::error::Error + Send + Sync)>,
        details: &Details,
    ) {
        let (id, method, took) = (self.id.logged(), self.method, self.begun.elapsed());
        if let Some(metrics) = &self.metrics {
            metrics.request(method, route, status.as_str(), took);
        }
        match cause {
            Some(cause) => log::error!("{id} {method} {route} {}{details}: {cause}", status.as_str()),
            None => log::info!("{id} {method} {route} {} {took:.1?}{details}", status.as_str()),
        }
    }
}

impl Drop for Exchange {
    /// Responds to a request with a malformed chunk. actix treats it as a lost connection and drops the request,
    /// although the client is still connected.
    fn drop(&mut self) {
        if !self.is_answered
            && let (Some(busy), Some(payload)) = (&self.busy, &mut self.payload)
            && payload.is_malformed()
        {
            let mut response = malformed().error_response();
            self.set_headers(response.headers_mut());
            self.note(MALFORMED, response.status(), None, &Details::none());
            busy.answer(response);
        }
    }
}

fn close(response: &mut ServiceResponse<impl MessageBody>) {
    response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
}

/// Converts a panic of a handler to an internal error, which [`observe`] counts and logs.
pub(super) async fn catch_panic(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let http_request = request.request().clone();
    AssertUnwindSafe(next.call(request)).catch_unwind().await.map_or_else(
        |_| {
            Ok(ServiceResponse::from_err(
                Error::internal("the handler panicked; the previous log line has the location"),
                http_request,
            ))
        },
        |outcome| outcome.map(ServiceResponse::map_into_boxed_body),
    )
}

/// The method if it is a standard one. Others are not logged, because they may contain any text.
fn verb(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("(other verb)")
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::{App, HttpResponse};

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_internal_error_and_is_counted() {
        async fn panics() -> HttpResponse {
            panic!("on purpose")
        }
        let metrics = Metrics::new();
        let route = web::resource("/fragile").app_data(Pattern("/fragile")).wrap(from_fn(catch_panic));
        let app = App::new().app_data(web::Data::new(metrics.clone())).wrap(from_fn(observe));
        let app = init_service(app.service(route.route(web::get().to(panics)))).await;
        for _ in 0..2 {
            let response = call_service(&app, TestRequest::get().uri("/fragile").to_request()).await;
            assert_eq!(response.status(), 500);
            assert_eq!(response.headers().get(REQUEST_ID).unwrap().len(), 16);
            assert_eq!(response.headers().get(CACHE_CONTROL).unwrap(), "no-store");
            assert_eq!(read_body(response).await, r#"{"detail":"A server error occurred."}"#);
        }
        let counted = r#"otpd_http_request_duration_seconds_count{method="GET",route="/fragile",status="500"} 2"#;
        let metrics = metrics.render().unwrap();
        assert!(metrics.contains(counted), "{metrics}");
    }
}
