//! The HTTP API: server, routes, request and response bodies, and errors (`error.rs`).

mod body;
mod caller;
mod client_view;
mod connections;
mod error;
mod fields;
mod health;
mod inbox;
mod list_query;
mod metrics;
mod not_allowed;
mod observe;
mod openapi;
mod otps;
mod page;
mod payload;
mod request_id;
mod sending;
mod throttle;

use std::io;
use std::net::TcpListener;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, Resource, Route, guard, web};

use crate::error::{Error, Kind};
pub use crate::http::client_view::TrustedProxies;
use crate::http::connections::Connections;
pub use crate::http::metrics::metrics_server;
use crate::http::not_allowed::Allow;
use crate::http::throttle::Throttle;
use crate::metrics::Metrics;
use crate::service::Service;

/// How long a stop waits for requests in flight (`operations.md`, "Service manners").
const SHUTDOWN_SECONDS: u64 = 10;
/// Timeout for the head of a request (actix's default).
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection may be idle between requests. Reverse proxies usually close idle connections after 60 s. This
/// time is longer, so that otpd does not close a connection that a proxy is about to use.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long a connection may exist without a completed request. Longer than `KEEP_ALIVE`, so that only stuck
/// connections are affected.
pub const NO_REQUEST_FOR: Duration = Duration::from_secs(80);

/// The settings of the HTTP server.
pub struct Settings {
    /// Threads that serve requests.
    pub workers: usize,
    /// Maximum number of open connections. Further connections wait until one is closed.
    pub connections: usize,
    /// Threads per worker for blocking reads from the store. With one thread per store reader, a read that has a reader
    /// never waits for a thread.
    pub blocking_threads: usize,
    /// How long a connection may exist without a completed request.
    pub no_request_for: Duration,
    pub trusted_proxies: TrustedProxies,
    /// Requests per second allowed from one client address.
    pub requests_per_second: Option<NonZeroU32>,
    pub metrics: Metrics,
    pub stopping: Stopping,
}

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

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: 1,
            connections: 1024,
            blocking_threads: 4,
            no_request_for: NO_REQUEST_FOR,
            trusted_proxies: TrustedProxies::default(),
            requests_per_second: None,
            metrics: Metrics::new(),
            stopping: Stopping::default(),
        }
    }
}

/// Returns a server on `listener`. It does not handle signals; the caller stops it.
///
/// # Errors
/// The listener can't be used.
pub fn server(listener: TcpListener, service: Service, settings: Settings) -> io::Result<Server> {
    let Settings { workers, trusted_proxies, requests_per_second, metrics, stopping, .. } = settings;
    let watched = Connections::watched(settings.no_request_for);
    let throttle =
        requests_per_second.map(|limit| Arc::new(Throttle::new(limit, trusted_proxies.clone(), metrics.clone())));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(service.clone()))
            .app_data(web::Data::new(trusted_proxies.clone()))
            .app_data(web::Data::new(metrics.clone()))
            .app_data(throttle.clone())
            .app_data(stopping.clone())
            .wrap(from_fn(throttle::throttle))
            .wrap(from_fn(observe::observe))
            .configure(|config| routes(config, &ENDPOINTS))
    });
    Ok(server
        .workers(workers)
        .worker_max_blocking_threads(settings.blocking_threads)
        .max_connections(settings.connections.div_ceil(workers))
        .on_connect(move |stream, data| watched.admit(stream, data))
        .client_request_timeout(HEAD_DEADLINE)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals()
        .listen(listener)?
        .run())
}

/// A path, its methods and their handlers. Each path works with and without a trailing slash.
struct Endpoint {
    path: &'static str,
    allow: &'static str,
    /// Whether authentication comes before the check of the method.
    needs_token: bool,
    routes: fn(Resource) -> Resource,
}

/// The path pattern of the endpoint to which a request was routed.
struct Pattern(&'static str);

const ENDPOINTS: [Endpoint; 13] = [
    Endpoint {
        path: "/api/notifications/otp",
        allow: "GET, HEAD, POST",
        needs_token: true,
        routes: |resource| resource.route(read().to(otps::list)).route(web::post().to(otps::create)),
    },
    only_post("/api/notifications/otp/send", |resource| resource.route(web::post().to(sending::send))),
    only_post("/api/notifications/otp/verify", |resource| resource.route(web::post().to(sending::verify))),
    only_post("/api/notifications/otp/reset", |resource| resource.route(web::post().to(sending::reset))),
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
    only_read("/api/notifications/otp/{id}/deliveries", |resource| resource.route(read().to(sending::deliveries))),
    only_read("/dev/inbox", |resource| resource.route(read().to(inbox::show_inbox))),
    only_read("/metrics", |resource| resource.route(read().to(metrics::show_metrics))),
    open_read("/healthz", |resource| resource.route(read().to(health::live))),
    open_read("/readyz", |resource| resource.route(read().to(health::ready))),
    open_read("/openapi.json", |resource| resource.route(read().to(openapi::describe))),
    open_read("/docs/{file:.*}", |resource| resource.route(read().to(openapi::docs_file))),
    open_read("/docs", |resource| resource.route(read().to(openapi::docs))),
];

/// An endpoint with POST only.
const fn only_post(path: &'static str, routes: fn(Resource) -> Resource) -> Endpoint {
    Endpoint { path, allow: "POST", needs_token: true, routes }
}

/// A read-only endpoint that needs a token.
const fn only_read(path: &'static str, routes: fn(Resource) -> Resource) -> Endpoint {
    Endpoint { path, allow: "GET, HEAD", needs_token: true, routes }
}

/// A read-only endpoint without authentication.
const fn open_read(path: &'static str, routes: fn(Resource) -> Resource) -> Endpoint {
    Endpoint { needs_token: false, ..only_read(path, routes) }
}

/// Adds the endpoints, and 404 for all other paths.
fn routes(config: &mut web::ServiceConfig, endpoints: &[Endpoint]) {
    // Paths with and without a slash are separate resources. A single resource would match even fixed paths by a
    // regular expression.
    for (endpoint, slash) in endpoints.iter().flat_map(|endpoint| [(endpoint, ""), (endpoint, "/")]) {
        let resource = web::resource(format!("{}{slash}", endpoint.path));
        let resource = (endpoint.routes)(resource.app_data(Allow(endpoint.allow)).app_data(Pattern(endpoint.path)));
        let resource = if endpoint.needs_token {
            resource.default_service(web::to(not_allowed::for_staff))
        } else {
            resource.default_service(web::to(not_allowed::for_anyone))
        };
        config.service(resource.wrap(from_fn(observe::catch_panic)));
    }
    config.default_service(web::to(|| async { Err::<HttpResponse, _>(Error::new(Kind::NotFound, "Not found.")) }));
}

/// A route for GET and HEAD.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
