//! `Authorization: Token <key>`, parsed like DRF's `TokenAuthentication`.

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;

use crate::domain::token::ApiToken;
pub(super) use crate::domain::user::{Caller, Permission};
use crate::error::{Error, Kind, Result};
use crate::service::Service;

const SCHEME: &[u8] = b"token";

/// Authenticates the token of a request. If a handler takes a [`Caller`], requests without a valid token get 401 before
/// any other check. The handler checks permissions with [`Caller::require`].
impl FromRequest for Caller {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = parse(request.headers().get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes()));
        let service = request.app_data::<web::Data<Service>>().cloned();
        Box::pin(async move {
            let service = service.ok_or_else(|| Error::internal("the app has no service"))?;
            service.authenticate(&token?).await
        })
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
