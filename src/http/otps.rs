//! The resource `/api/notifications/otp`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use crate::domain::listing::Window;
use crate::domain::otp::{Otp, OtpId};
use crate::domain::recipient::{EmailAddress, MobileNumber};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::http::body::Body;
use crate::http::client_view::{self, TrustedProxies};
use crate::http::credentials::Credentials;
use crate::http::page::Page;
use crate::http::{fields, list_query};
use crate::service::Service;

pub(super) async fn create(credentials: Credentials, body: Body, service: web::Data<Service>) -> Result<HttpResponse> {
    let new = body.0.and_then(|body| fields::new_otp(&body));
    let otp = service.create_otp(credentials.token, new).await?;
    Ok(HttpResponse::Created().json(Resource::new(&otp, service.now())))
}

pub(super) async fn list(
    request: HttpRequest,
    credentials: Credentials,
    service: web::Data<Service>,
    proxies: web::Data<TrustedProxies>,
) -> Result<HttpResponse> {
    let query = list_query::parse(request.query_string(), service.timezone());
    let window = query.as_ref().map_or_else(|_| Window::default(), |query| query.window);
    let (count, otps) = service.list_otps(credentials.token, query).await?;
    let now = service.now();
    let results = otps.iter().map(|otp| Resource::new(otp, now)).collect();
    let url = client_view::url(&request, &proxies);
    Ok(HttpResponse::Ok().json(Page::new(count, results, window, &url, request.query_string())))
}

pub(super) async fn retrieve(
    credentials: Credentials,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse> {
    let otp = service.retrieve_otp(credentials.token, id(&path)).await?;
    Ok(HttpResponse::Ok().json(Resource::new(&otp, service.now())))
}

pub(super) async fn update(
    credentials: Credentials,
    path: web::Path<String>,
    body: Body,
    service: web::Data<Service>,
) -> Result<HttpResponse> {
    let patch = body.0.and_then(|body| fields::otp_patch(&body));
    let otp = service.update_otp(credentials.token, id(&path), patch).await?;
    Ok(HttpResponse::Ok().json(Resource::new(&otp, service.now())))
}

pub(super) async fn delete(
    credentials: Credentials,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse> {
    service.delete_otp(credentials.token, id(&path)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What the last part of a path names; no code where it is no 64-bit integer.
fn id(path: &str) -> OtpId {
    path.parse().map_or(OtpId::NONE, OtpId)
}

/// A code as the API shows it: these ten keys, in this order (`api.md`, "The resource").
#[derive(Serialize)]
struct Resource<'a> {
    id: i64,
    code: i64,
    mobile_number: Option<&'a str>,
    email: Option<&'a str>,
    recipient: &'a str,
    valid_to: String,
    ttl: u64,
    is_allow: bool,
    created_at: String,
    updated_at: String,
}

impl<'a> Resource<'a> {
    fn new(otp: &'a Otp, now: Timestamp) -> Self {
        Self {
            id: otp.id.0,
            code: otp.code.value(),
            mobile_number: otp.recipient.mobile_number().map(MobileNumber::as_str),
            email: otp.recipient.email().map(EmailAddress::as_str),
            recipient: otp.recipient.as_str(),
            valid_to: otp.valid_to.to_string(),
            ttl: otp.ttl(now),
            is_allow: otp.is_allow(now),
            created_at: otp.created_at.to_string(),
            updated_at: otp.updated_at.to_string(),
        }
    }
}
