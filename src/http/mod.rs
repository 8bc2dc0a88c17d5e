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
mod openapi;
mod otps;
mod page;

use std::io;
use std::net::TcpListener;

pub use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, Resource, Route, guard, web};

use crate::error::{Error, Kind};
pub use crate::http::client_view::TrustedProxies;
use crate::http::not_allowed::Allow;
use crate::service::Service;

/// How long a stop waits for requests in flight (`operations.md`, "Service manners").
const SHUTDOWN_SECONDS: u64 = 10;
/// Threads that visit the readers on behalf of one worker; more would only wait longer for a free reader.
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

/// A path, the verbs that it has, and what they do. Each path works with and without a trailing slash.
struct Endpoint {
    path: &'static str,
    allow: &'static str,
    /// Whether other verbs are refused only after the caller is known.
    needs_token: bool,
    routes: fn(Resource) -> Resource,
}

const ENDPOINTS: [Endpoint; 7] = [
    Endpoint {
        path: "/api/notifications/otp",
        allow: "GET, HEAD, POST",
        needs_token: true,
        routes: |resource| resource.route(read().to(otps::list)).route(web::post().to(otps::create)),
    },
    Endpoint {
        path: "/api/notifications/otp/{id}",
        allow: "GET, HEAD, PATCH, DELETE",
        needs_token: true,
        routes: |resource| {
            resource
                .route(read().to(otps::retrieve))
                .route(web::patch().to(otps::update))
                .route(web::delete().to(otps::delete))
        },
    },
    open_read("/healthz", |resource| resource.route(read().to(health::live))),
    open_read("/readyz", |resource| resource.route(read().to(health::ready))),
    open_read("/openapi.json", |resource| resource.route(read().to(openapi::describe))),
    open_read("/docs/{file:.*}", |resource| resource.route(read().to(openapi::docs_file))),
    open_read("/docs", |resource| resource.route(read().to(openapi::docs))),
];

/// A path that is only read, by anyone.
const fn open_read(path: &'static str, routes: fn(Resource) -> Resource) -> Endpoint {
    Endpoint { path, allow: "GET, HEAD", needs_token: false, routes }
}

fn routes(config: &mut web::ServiceConfig) {
    for endpoint in ENDPOINTS {
        let resource = web::resource([endpoint.path.to_owned(), format!("{}/", endpoint.path)]);
        let resource = (endpoint.routes)(resource.app_data(Allow(endpoint.allow)));
        config.service(if endpoint.needs_token {
            resource.default_service(web::to(not_allowed::for_staff))
        } else {
            resource.default_service(web::to(not_allowed::for_anyone))
        });
    }
}

/// GET, and HEAD with it.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
