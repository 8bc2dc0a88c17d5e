//! The API over HTTP: actix, the routes, what bodies look like, and in `error.rs` the one table from kind to status.

mod body;
mod client_view;
mod credentials;
mod error;
mod fields;
mod health;
mod list_query;
mod not_allowed;
mod observe;
mod otps;
mod page;

use std::io;
use std::net::TcpListener;

pub use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, Route, guard, web};

use crate::error::{Error, Kind};
pub use crate::http::client_view::TrustedProxies;
use crate::http::not_allowed::Allow;
use crate::service::Service;

/// How long a stop waits for requests in flight (`operations.md`, "Service manners").
const SHUTDOWN_SECONDS: u64 = 10;
/// Threads that visit the readers on behalf of one worker; more would only wait for a free reader.
const BLOCKING_THREADS: usize = 8;

/// How a server is run.
pub struct Settings {
    /// Threads that serve requests.
    pub workers: usize,
    pub trusted_proxies: TrustedProxies,
}

/// A server on `listener`. It handles no signals: whoever runs it decides when it stops.
///
/// # Errors
/// Where the listener can't be used.
pub fn server(listener: TcpListener, service: Service, settings: Settings) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(service.clone()))
            .app_data(web::Data::new(settings.trusted_proxies.clone()))
            .wrap(from_fn(observe::observe))
            .configure(routes)
            .default_service(web::to(|| async { Err::<HttpResponse, _>(Error::new(Kind::NotFound, "Not found.")) }))
    });
    Ok(server
        .workers(settings.workers)
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals()
        .listen(listener)?
        .run())
}

/// Every path, each with and without a trailing slash.
fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource(["/api/notifications/otp", "/api/notifications/otp/"])
                .app_data(Allow("GET, HEAD, POST"))
                .route(read().to(otps::list))
                .route(web::post().to(otps::create))
                .default_service(web::to(not_allowed::for_staff)),
        )
        .service(
            web::resource(["/api/notifications/otp/{id}", "/api/notifications/otp/{id}/"])
                .app_data(Allow("GET, HEAD, PATCH, DELETE"))
                .route(read().to(otps::retrieve))
                .route(web::patch().to(otps::update))
                .route(web::delete().to(otps::delete))
                .default_service(web::to(not_allowed::for_staff)),
        )
        .service(
            web::resource(["/healthz", "/healthz/"])
                .app_data(Allow("GET, HEAD"))
                .route(read().to(health::live))
                .default_service(web::to(not_allowed::for_anyone)),
        )
        .service(
            web::resource(["/readyz", "/readyz/"])
                .app_data(Allow("GET, HEAD"))
                .route(read().to(health::ready))
                .default_service(web::to(not_allowed::for_anyone)),
        );
}

/// GET, and HEAD with it.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
