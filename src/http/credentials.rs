//! `Authorization: Token <key>`, read as DRF's `TokenAuthentication` reads it.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest};

use crate::domain::token::ApiToken;
use crate::error::{Error, Kind, Result};

const SCHEME: &[u8] = b"token";

/// The token that a request bears. A handler that takes this answers 401 where there is none; whose it is and what it may
/// do, the service finds out.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) token: ApiToken,
}

impl FromRequest for Credentials {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
        ready(parse(header).map(|token| Self { token }))
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
            .and_then(|key| ApiToken::presented(key).ok_or_else(|| refused("Invalid token."))),
    }
}

fn refused(detail: &'static str) -> Error {
    Error::new(Kind::Unauthenticated, detail)
}
