//! Endpoints and their registration with actix.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, Resource, Route, guard, web};

use crate::error::{Error, Kind};
use crate::http::not_allowed::{self, Allow};
use crate::http::observe::{self, Pattern};

/// A path, its methods and their handlers. Each path works with and without a trailing slash.
pub(super) struct Endpoint {
    pub(super) path: &'static str,
    pub(super) allow: &'static str,
    /// Whether authentication comes before the check of the method.
    pub(super) needs_token: bool,
    pub(super) routes: fn(Resource) -> Resource,
}

/// An endpoint that needs a token.
pub(super) const fn with_token(path: &'static str, allow: &'static str, routes: fn(Resource) -> Resource) -> Endpoint {
    Endpoint { path, allow, needs_token: true, routes }
}

/// A read-only endpoint that needs a token.
pub(super) const fn only_read(path: &'static str, routes: fn(Resource) -> Resource) -> Endpoint {
    with_token(path, "GET, HEAD", routes)
}

/// A read-only endpoint without authentication.
pub(super) const fn open_read(path: &'static str, routes: fn(Resource) -> Resource) -> Endpoint {
    Endpoint { needs_token: false, ..only_read(path, routes) }
}

/// Adds the endpoints, and 404 for all other paths.
pub(super) fn routes(config: &mut web::ServiceConfig, endpoints: &[Endpoint]) {
    // Paths with and without a slash are separate resources. A single resource would match even fixed paths by a
    // regular expression.
    for (endpoint, slash) in endpoints.iter().flat_map(|endpoint| [(endpoint, ""), (endpoint, "/")]) {
        let resource = web::resource(format!("{}{slash}", endpoint.path));
        let resource = (endpoint.routes)(resource.app_data(Allow(endpoint.allow)).app_data(Pattern(endpoint.path)));
        let refuse =
            if endpoint.needs_token { web::to(not_allowed::with_token) } else { web::to(not_allowed::without_token) };
        config.service(resource.default_service(refuse).wrap(from_fn(observe::catch_panic)));
    }
    config.default_service(web::to(|| async { Err::<HttpResponse, _>(Error::new(Kind::NotFound, "Not found.")) }));
}

/// A route for GET and HEAD.
pub(super) fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
