//! `/metrics`: for callers who may view codes on the API's own port, and for anyone on the port of `server.metrics`.

use std::io;
use std::net::TcpListener;

use actix_web::{App, HttpResponse, HttpServer, web};

use crate::error::Result;
use crate::http::caller::{Caller, Permission};
use crate::http::openapi::{Denials, Faults};
use crate::http::{SHUTDOWN_SECONDS, Server};
use crate::service::Service;

/// Connections to the port of the metrics.
const CONNECTIONS: usize = 32;
/// What Prometheus calls its text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics for Prometheus
///
/// Permission code 2852. Where `server.metrics` names an address they are also served there, without a token.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "service",
    security(("token" = [])),
    responses(
        (status = 200, description = "In the text format of Prometheus", body = String, content_type = "text/plain"),
        Denials, Faults
    )
)]
pub(super) async fn show(caller: Caller, service: web::Data<Service>) -> Result<HttpResponse> {
    caller.require(Permission::ViewOtp)?;
    service.metrics().await.map(text)
}

/// A server on `listener` that shows the metrics to anyone, and nothing else.
///
/// # Errors
/// Where the listener can't be used.
pub fn metrics_server(listener: TcpListener, service: Service) -> io::Result<Server> {
    let anyone = |service: web::Data<Service>| async move { service.metrics().await.map(text) };
    let server = HttpServer::new(move || {
        App::new().app_data(web::Data::new(service.clone())).route("/metrics", web::get().to(anyone))
    });
    Ok(server
        .workers(1)
        .max_connections(CONNECTIONS)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals()
        .listen(listener)?
        .run())
}

fn text(metrics: String) -> HttpResponse {
    HttpResponse::Ok().content_type(TEXT_FORMAT).body(metrics)
}
