//! The HTTP API: server, routes, request and response bodies, and errors (`error.rs`).

mod audit;
mod body;
mod callbacks;
mod caller;
mod client_view;
mod connections;
pub mod console;
mod deliveries;
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
mod query;
mod request_id;
mod request_log;
mod routing;
mod sending;
mod throttle;

use std::io;
use std::net::TcpListener;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

pub use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};

pub use crate::http::audit::event_json;
pub use crate::http::client_view::TrustedProxies;
use crate::http::connections::{Connections, IDLE_TIMEOUT, SHUTDOWN_SECONDS};
pub use crate::http::metrics::metrics_server;
pub use crate::http::observe::Stopping;
use crate::http::openapi::description::describe;
use crate::http::openapi::docs::{docs, docs_file};
use crate::http::routing::{Endpoint, only_read, open_read, read, routes, with_token};
use crate::http::throttle::Throttle;
use crate::metrics::Metrics;
use crate::service::Service;

/// Timeout for the head of a request (actix's default).
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection may be idle between requests. Reverse proxies usually close idle connections after 60 s. This
/// time is longer, so that otpd does not close a connection that a proxy is about to use.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

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
    pub idle_timeout: Duration,
    pub trusted_proxies: TrustedProxies,
    /// Requests per second allowed from one client address.
    pub requests_per_second: Option<NonZeroU32>,
    /// The settings of the console. `None`: there is no console.
    pub console: Option<console::Settings>,
    pub metrics: Metrics,
    pub stopping: Stopping,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: 1,
            connections: 1024,
            blocking_threads: 4,
            idle_timeout: IDLE_TIMEOUT,
            trusted_proxies: TrustedProxies::default(),
            requests_per_second: None,
            console: Some(console::Settings::default()),
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
    let Settings { workers, trusted_proxies, requests_per_second, console, metrics, stopping, .. } = settings;
    let watched = Connections::watched(settings.idle_timeout);
    let throttle =
        requests_per_second.map(|limit| Arc::new(Throttle::new(limit, trusted_proxies.clone(), metrics.clone())));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(service.for_event_loop()))
            .app_data(web::Data::new(trusted_proxies.clone()))
            .app_data(web::Data::new(metrics.clone()))
            .app_data(throttle.clone())
            .app_data(stopping.clone())
            .wrap(from_fn(throttle::throttle))
            .wrap(from_fn(observe::observe))
            .configure(|config| {
                // The API first: actix compares a request with the paths in their order.
                routes(config, &ENDPOINTS);
                if let Some(settings) = &console {
                    console::registration::configure(config, settings);
                }
            })
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

const ENDPOINTS: [Endpoint; 15] = [
    with_token("/api/notifications/otp", "GET, HEAD, POST", |resource| {
        resource.route(read().to(otps::list)).route(web::post().to(otps::create))
    }),
    with_token("/api/notifications/otp/send", "POST", |resource| resource.route(web::post().to(sending::send))),
    with_token("/api/notifications/otp/verify", "POST", |resource| resource.route(web::post().to(sending::verify))),
    with_token("/api/notifications/otp/reset", "POST", |resource| resource.route(web::post().to(sending::reset))),
    with_token("/api/notifications/otp/{id}", "GET, HEAD, PATCH, DELETE", |resource| {
        let resource = resource.route(read().to(otps::retrieve));
        resource.route(web::patch().to(otps::update)).route(web::delete().to(otps::delete))
    }),
    only_read("/api/notifications/otp/{id}/deliveries", |resource| resource.route(read().to(deliveries::deliveries))),
    only_read("/api/audit", |resource| resource.route(read().to(audit::list_audit))),
    only_read("/dev/inbox", |resource| resource.route(read().to(inbox::show_inbox))),
    only_read("/metrics", |resource| resource.route(read().to(metrics::show_metrics))),
    Endpoint {
        path: "/callbacks/{secret}/{provider}",
        allow: "GET, POST",
        needs_token: false,
        routes: |resource| {
            let resource = resource.route(web::get().to(callbacks::report_in_query));
            resource.route(web::post().to(callbacks::report_in_form))
        },
    },
    open_read("/healthz", |resource| resource.route(read().to(health::live))),
    open_read("/readyz", |resource| resource.route(read().to(health::ready))),
    open_read("/openapi.json", |resource| resource.route(read().to(describe))),
    open_read("/docs/{file:.*}", |resource| resource.route(read().to(docs_file))),
    open_read("/docs", |resource| resource.route(read().to(docs))),
];
