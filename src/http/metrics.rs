//! `/metrics`: on the API port for callers with the view permission, and on the port of `server.metrics` without a
//! token.

use std::io;
use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, web};

use crate::error::Result;
use crate::http::caller::{Caller, Permission};
use crate::http::connections::{Connections, IDLE_TIMEOUT, SHUTDOWN_SECONDS};
use crate::http::observe;
use crate::http::openapi::responses::{Denials, Faults};
use crate::http::routing::{Endpoint, open_read, read, routes};
use crate::service::Service;

/// The maximum number of connections to the metrics port.
const CONNECTIONS: usize = 32;
/// The media type of the Prometheus text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics for Prometheus
///
/// Permission code 2852. If `server.metrics` is set, that address serves the metrics too, without a token.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "service",
    security(("token" = [])),
    responses(
        (status = 200, description = "Prometheus text format", body = String, content_type = "text/plain"),
        Denials, Faults
    )
)]
pub(super) async fn show_metrics(caller: Caller, service: web::Data<Service>) -> Result<HttpResponse> {
    caller.require(Permission::ViewOtp)?;
    service.metrics().await.map(text)
}

/// The endpoints on the metrics port.
const ENDPOINTS: [Endpoint; 1] = [open_read("/metrics", |resource| resource.route(read().to(show_without_token)))];

/// Returns a server on `listener` that serves only the metrics, without a token.
///
/// # Errors
/// The listener can't be used.
pub fn metrics_server(listener: TcpListener, service: Service) -> io::Result<Server> {
    let watched = Connections::watched(IDLE_TIMEOUT);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(service.clone()))
            .wrap(from_fn(observe::observe))
            .configure(|config| routes(config, &ENDPOINTS))
    });
    Ok(server
        .workers(1)
        .max_connections(CONNECTIONS)
        .on_connect(move |stream, data| watched.admit(stream, data))
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals()
        .listen(listener)?
        .run())
}

async fn show_without_token(service: web::Data<Service>) -> Result<HttpResponse> {
    service.metrics().await.map(text)
}

fn text(metrics: String) -> HttpResponse {
    HttpResponse::Ok().content_type(TEXT_FORMAT).body(metrics)
}
