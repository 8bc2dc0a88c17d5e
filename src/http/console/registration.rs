//! Registers the pages with actix.

use actix_web::http::Method;
use actix_web::http::header::ACCEPT;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::error::{Error, Kind, Result};
use crate::http::console::routes::PAGES;
use crate::http::console::shell::redirect;
use crate::http::console::{Settings, middleware};
use crate::http::observe::{self, Pattern};

/// Registers all pages. Each works with and without a trailing slash.
pub(in crate::http) fn configure(config: &mut web::ServiceConfig, settings: &Settings) {
    config.app_data(web::Data::new(settings.clone()));
    config.service(web::resource("/").app_data(Pattern("/")).default_service(web::to(root)));
    let mut paths: Vec<&'static str> = PAGES.iter().map(|page| page.path).collect();
    paths.dedup();
    for path in paths {
        let bare = path.trim_end_matches('/');
        for shown in [bare.to_owned(), format!("{bare}/")] {
            let mut resource = web::resource(shown).app_data(Pattern(path));
            for page in PAGES.iter().filter(|page| page.path == path) {
                resource = resource.route((page.route)());
            }
            let refused = || async { Err::<&str, _>(Error::new(Kind::MethodNotAllowed, "Method not allowed.")) };
            let resource = resource.default_service(web::to(refused));
            config.service(resource.wrap(from_fn(observe::catch_panic)).wrap(from_fn(middleware::page)));
        }
    }
    let missing = || async { Err::<&str, _>(Error::new(Kind::NotFound, "Not found.")) };
    let rest = web::resource("/console/{rest:.*}").app_data(Pattern("/console/{rest}"));
    config.service(rest.default_service(web::to(missing)).wrap(from_fn(middleware::page)));
}

/// Redirects browsers from `/` to the console. Other clients get 404.
async fn root(request: HttpRequest) -> Result<HttpResponse> {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    let reads = request.method() == Method::GET || request.method() == Method::HEAD;
    if reads && accept.is_some_and(|accept| accept.contains("text/html")) {
        return Ok(redirect("/console/").finish());
    }
    Err(Error::new(Kind::NotFound, "Not found."))
}
