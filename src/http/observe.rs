//! What surrounds every request: its id, the headers of every answer, one line in the log, and a net for panics.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use actix_web::web;
use futures_util::FutureExt;

use crate::error::Error;
use crate::http::connections::Busy;
use crate::http::request_id::{REQUEST_ID, RequestId};
use crate::http::{Pattern, Stopping};
use crate::metrics::Metrics;

pub(super) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let begun = Instant::now();
    let _busy = Busy::with(request.request());
    let id = RequestId::of(request.headers());
    let stopping = request.app_data::<Stopping>().cloned();
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.value());
    // Codes and who may use them are nobody else's to keep.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if stopping.is_some_and(|stopping| stopping.has_begun()) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    note(&response, &id, begun);
    Ok(response)
}

/// Counts a request, and writes its line in the log.
fn note(response: &ServiceResponse<impl MessageBody>, id: &RequestId, begun: Instant) {
    let (request, status, took) = (response.request(), response.status(), begun.elapsed());
    let method = verb(request.method());
    // The pattern, not the path: a path can hold anything that a client put there, a number or an address too.
    let route = request.app_data::<Pattern>().map_or("(no such path)", |pattern| pattern.0);
    if let Some(metrics) = request.app_data::<web::Data<Metrics>>() {
        metrics.request(method, route, status.as_str(), took);
    }
    let id = id.logged(request.headers());
    let cause = response.response().error().and_then(actix_web::Error::as_error::<Error>).and_then(Error::cause);
    match cause {
        Some(cause) => log::error!("{id} {method} {route} {}: {cause}", status.as_str()),
        None => log::info!("{id} {method} {route} {} {took:.1?}", status.as_str()),
    }
}

/// Makes a panic of a handler an error like any other, which [`observe`] counts and logs.
pub(super) async fn catch_panic(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let asked = request.request().clone();
    AssertUnwindSafe(next.call(request)).catch_unwind().await.map_or_else(
        |_| Ok(ServiceResponse::from_err(Error::internal("the handler panicked; the line above says where"), asked)),
        |outcome| outcome.map(ServiceResponse::map_into_boxed_body),
    )
}

/// A verb that HTTP knows; any other could be anything, a number too.
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
    async fn a_panic_is_answered_and_counted_like_any_fault_on_our_side() {
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
