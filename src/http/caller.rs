//! `Authorization: Token <key>`, parsed like DRF's `TokenAuthentication`.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::future::LocalBoxFuture;

pub(super) use crate::domain::caller::Caller;
use crate::domain::token::ApiToken;
pub(super) use crate::domain::user::Permission;
use crate::error::{Error, Kind, Result};
use crate::http::client_view::{self, TrustedProxies};
use crate::http::request_log::{LoggedId, LoggedOrigin};
use crate::service::{RequestSource, Service};

const SCHEME: &[u8] = b"token";

/// Authenticates the token of a request. If a handler takes a [`Caller`], requests without a valid token get 401 before
/// any other check. The handler checks permissions with [`Caller::require`].
impl FromRequest for Caller {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = parse(request.headers().get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes()));
        let request = request.clone();
        Box::pin(async move {
            let service =
                request.app_data::<web::Data<Service>>().ok_or_else(|| Error::internal("the app has no service"))?;
            let caller = service.authenticate(&token?, source(&request)).await?;
            request.extensions_mut().insert(LoggedOrigin(Arc::clone(&caller.origin)));
            Ok(caller)
        })
    }
}

/// Where a request comes from, for the audit trail.
pub(super) fn source(request: &HttpRequest) -> RequestSource {
    let proxies = request.app_data::<web::Data<TrustedProxies>>();
    let untrusted = TrustedProxies::default();
    RequestSource {
        request_id: request.extensions().get::<LoggedId>().map(|id| id.0.clone()),
        address: client_view::client(request, proxies.map_or(&untrusted, |proxies| proxies)),
    }
}

fn parse(header: &[u8]) -> Result<ApiToken> {
    let mut words = header.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    if !words.next().is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME)) {
        return Err(refused("Authentication credentials were not provided."));
    }
    match (words.next(), words.next()) {
        (None, _) => Err(refused("Invalid token header. No credentials provided.")),
        (Some(_), Some(_)) => Err(refused("Invalid token header. Token string should not contain spaces.")),
        (Some(key), None) => str::from_utf8(key)
            .map_err(|_| refused("Invalid token header. Token string should not contain invalid characters."))
            .and_then(|key| ApiToken::parse(key).ok_or_else(|| refused("Invalid token."))),
    }
}

fn refused(detail: &'static str) -> Error {
    Error::new(Kind::Unauthenticated, detail)
}
