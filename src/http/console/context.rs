//! What every page of the console needs to know of its request.

use std::rc::Rc;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::future::{Ready, ready};

use crate::domain::session::SessionKey;
use crate::domain::time_zone::Tz;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::http::caller::{Caller, source};
use crate::http::client_view::{self, TrustedProxies};
use crate::http::console::Settings;
use crate::http::console::origin::OwnOrigin;
use crate::http::console::preferences::Preferences;
use crate::http::console::texts::{Texts, texts};
use crate::service::sessions::Visit;
use crate::service::{RequestSource, Service};

/// A request of a browser, with or without a session.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) preferences: Preferences,
    pub(super) t: &'static Texts,
    pub(super) own: OwnOrigin,
    pub(super) source: RequestSource,
    pub(super) zone: Tz,
    pub(super) now: Timestamp,
    /// The path and query of the request.
    pub(super) location: String,
    pub(super) service: web::Data<Service>,
    pub(super) visit: Option<Visit>,
}

impl Context {
    /// Reads a request.
    ///
    /// # Errors
    /// The app has no service.
    pub(super) fn of(request: &HttpRequest) -> Result<Self> {
        let service = request.app_data::<web::Data<Service>>().cloned();
        let service = service.ok_or_else(|| Error::internal("the app has no service"))?;
        let settings = request.app_data::<web::Data<Settings>>();
        let proxies = request.app_data::<web::Data<TrustedProxies>>();
        let none = TrustedProxies::default();
        let proxies = proxies.map_or(&none, |proxies| proxies);
        let preferences = Preferences::of(request);
        Ok(Self {
            preferences,
            t: texts(preferences.language),
            own: OwnOrigin::of(request, settings.and_then(|settings| settings.origin.as_deref()), proxies),
            source: source(request),
            zone: service.timezone(),
            now: service.now(),
            location: request.uri().path_and_query().map_or_else(String::new, ToString::to_string),
            service,
            visit: None,
        })
    }

    /// Whether the console is open to the address of the client.
    pub(super) fn is_allowed(&self, settings: &Settings) -> bool {
        let contains = |address: std::net::IpAddr| {
            settings.allowed_addresses.iter().any(|network| network.contains(&address.to_canonical()))
        };
        settings.allowed_addresses.is_empty() || self.source.address.is_some_and(contains)
    }

    /// The name of the session cookie. Browsers accept the prefix only over HTTPS.
    pub(super) fn cookie_name(&self) -> &'static str {
        if self.own.is_https() { "__Host-otpd" } else { "otpd_session" }
    }

    /// The key of the session in the request, if it has one.
    pub(super) fn session_key(&self, request: &HttpRequest) -> Option<SessionKey> {
        SessionKey::parse(request.cookie(self.cookie_name())?.value())
    }

    /// The cookie of a session. It ends with the browser.
    pub(super) fn session_cookie(&self, value: &str) -> Cookie<'static> {
        let cookie = Cookie::build(self.cookie_name(), value.to_owned()).path("/").http_only(true);
        cookie.same_site(SameSite::Lax).secure(self.own.is_https()).finish()
    }
}

/// The address of the client, for error pages.
pub(super) fn client_address(request: &HttpRequest) -> String {
    let proxies = request.app_data::<web::Data<TrustedProxies>>();
    let address = proxies.and_then(|proxies| client_view::client(request, proxies));
    address.map_or_else(String::new, |address| address.to_string())
}

/// A page of an open session. The middleware resolves the session before a handler runs.
#[derive(Clone)]
pub(super) struct Visitor(Rc<Context>);

impl Visitor {
    pub(super) fn new(context: Context) -> Self {
        Self(Rc::new(context))
    }

    pub(super) fn visit(&self) -> Result<&Visit> {
        self.0.visit.as_ref().ok_or_else(|| Error::new(Kind::Unauthenticated, "There is no session."))
    }

    pub(super) fn caller(&self) -> Result<&Caller> {
        self.visit().map(|visit| &visit.caller)
    }

    pub(super) fn service(&self) -> &Service {
        &self.0.service
    }
}

impl std::ops::Deref for Visitor {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.0
    }
}

impl FromRequest for Visitor {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let visitor = request.extensions().get::<Self>().cloned();
        ready(visitor.ok_or_else(|| Error::internal("the page has no session middleware")))
    }
}
