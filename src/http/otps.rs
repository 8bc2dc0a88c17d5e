//! The resource `/api/notifications/otp`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::otp::{Otp, OtpId};
use crate::domain::recipient::{EmailAddress, MobileNumber};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::http::body::Body;
use crate::http::caller::{Caller, Permission};
use crate::http::client_view::{self, TrustedProxies};
use crate::http::list_query::ListParameters;
use crate::http::openapi::responses::{BodyRefusals, Denials, Faults, InvalidBody, NoSuchOtp};
use crate::http::openapi::schemas::{FieldMessages, NewOtpForm, NewOtpJson, OtpPatchForm, OtpPatchJson};
use crate::http::page::Page;
use crate::http::request_log::log_otp;
use crate::http::{fields, list_query};
use crate::service::Service;

/// Create a code
///
/// Permission code 2851. Exactly one of `mobile_number` and `email` is required.
#[utoipa::path(
    post,
    path = "/api/notifications/otp/",
    tag = "codes",
    security(("token" = [])),
    request_body(content(
        (NewOtpJson = "application/json"),
        (NewOtpForm = "application/x-www-form-urlencoded"),
    )),
    responses(
        (
            status = 201, description = "The stored code", body = Resource,
            links(
                ("retrieve" = (operation_id = "retrieve", parameters(("id" = "$response.body#/id")))),
                ("update" = (operation_id = "update", parameters(("id" = "$response.body#/id")))),
                ("delete" = (operation_id = "delete", parameters(("id" = "$response.body#/id"))))
            )
        ),
        InvalidBody, BodyRefusals, Denials, Faults
    )
)]
pub(super) async fn create(caller: Caller, body: Body, service: web::Data<Service>) -> Result<HttpResponse> {
    caller.require(Permission::CreateOtp)?;
    let new = fields::new_otp(&body.read().await?)?;
    let otp = service.create_otp(&caller, new).await?;
    Ok(log_otp(HttpResponse::Created().json(Resource::new(&otp, service.now())), otp.id))
}

/// List codes
///
/// Permission code 2852. Filters can be combined. The default order is newest first. The larger the distance of
/// `offset` from both ends, the longer the request takes. To read the whole list, order by `id` and use `id_min`.
#[utoipa::path(
    get,
    path = "/api/notifications/otp/",
    tag = "codes",
    security(("token" = [])),
    params(ListParameters),
    responses(
        (status = 200, description = "One page of the list", body = Page<Resource>),
        (
            status = 400, description = "Parameters are invalid. All invalid parameters are listed.",
            body = inline(FieldMessages)
        ),
        Denials, Faults
    )
)]
pub(super) async fn list(
    request: HttpRequest,
    caller: Caller,
    service: web::Data<Service>,
    proxies: web::Data<TrustedProxies>,
) -> Result<HttpResponse> {
    caller.require(Permission::ViewOtp)?;
    let query = list_query::parse(request.query_string(), service.timezone())?;
    let window = query.window;
    let (count, otps) = service.list_otps(&caller, query).await?;
    let now = service.now();
    let results = otps.iter().map(|otp| Resource::new(otp, now)).collect();
    let url = client_view::url(&request, &proxies);
    Ok(HttpResponse::Ok().json(Page::new(count, results, window, &url, request.query_string())))
}

/// Retrieve a code
///
/// Permission code 2852.
#[utoipa::path(
    get,
    path = "/api/notifications/otp/{id}",
    tag = "codes",
    security(("token" = [])),
    params(("id" = i64, Path, description = "Unique ID of the code", example = 57)),
    responses((status = 200, description = "The code", body = Resource), NoSuchOtp, Denials, Faults)
)]
pub(super) async fn retrieve(
    caller: Caller,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse> {
    caller.require(Permission::ViewOtp)?;
    let otp = service.retrieve_otp(&caller, OtpId::parse(&path)?).await?;
    Ok(HttpResponse::Ok().json(Resource::new(&otp, service.now())))
}

/// Update a code
///
/// Permission code 2853. Missing fields are unchanged, except `valid_to`: if it is missing, it becomes the current time
/// plus the expiration time.
#[utoipa::path(
    patch,
    path = "/api/notifications/otp/{id}",
    tag = "codes",
    security(("token" = [])),
    params(("id" = i64, Path, description = "Unique ID of the code to update", example = 57)),
    request_body(content(
        (OtpPatchJson = "application/json"),
        (OtpPatchForm = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, description = "The updated code", body = Resource),
        NoSuchOtp, InvalidBody, BodyRefusals, Denials, Faults
    )
)]
pub(super) async fn update(
    caller: Caller,
    path: web::Path<String>,
    body: Body,
    service: web::Data<Service>,
) -> Result<HttpResponse> {
    caller.require(Permission::UpdateOtp)?;
    let id = OtpId::parse(&path)?;
    let patch = body.read().await.and_then(|fields| fields::otp_patch(&fields));
    if patch.is_err() {
        // An unknown id is refused before an invalid body.
        service.find_otp(id).await?;
    }
    let otp = service.update_otp(&caller, id, patch?).await?;
    Ok(HttpResponse::Ok().json(Resource::new(&otp, service.now())))
}

/// Delete a code
///
/// Permission code 2854.
#[utoipa::path(
    delete,
    path = "/api/notifications/otp/{id}",
    tag = "codes",
    security(("token" = [])),
    params(("id" = i64, Path, description = "Unique ID of the code to delete", example = 57)),
    responses((status = 204, description = "The code is deleted"), NoSuchOtp, Denials, Faults)
)]
pub(super) async fn delete(
    caller: Caller,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse> {
    caller.require(Permission::DeleteOtp)?;
    service.delete_otp(&caller, OtpId::parse(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A code, with these ten keys in this order.
#[derive(Serialize, ToSchema)]
#[schema(as = Otp)]
pub(super) struct Resource<'a> {
    /// Unique ID of the code
    #[schema(minimum = 1, example = 57)]
    id: i64,
    /// The code
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 255_315)]
    code: i64,
    /// Mobile number of the recipient, or null
    #[schema(required, pattern = r"^09\d{9}$", example = json!(null))]
    mobile_number: Option<&'a str>,
    /// E-mail address of the recipient, or null
    #[schema(required, max_length = 254, example = "info@moeinmail.ir")]
    email: Option<&'a str>,
    /// `mobile_number` or `email`, whichever is set
    #[schema(example = "info@moeinmail.ir")]
    recipient: &'a str,
    /// When the code expires
    #[schema(format = DateTime, pattern = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", example = "2025-12-30T14:39:10.268800Z")]
    valid_to: String,
    /// Remaining validity in whole seconds
    #[schema(minimum = 0, example = 85565)]
    ttl: u64,
    /// Whether the code has not expired and can still be used
    #[schema(example = true)]
    is_allow: bool,
    #[schema(format = DateTime, example = "2025-12-29T14:38:32.273219Z")]
    created_at: String,
    #[schema(format = DateTime, example = "2025-12-29T14:53:04.467226Z")]
    updated_at: String,
}

impl<'a> Resource<'a> {
    fn new(otp: &'a Otp, now: Timestamp) -> Self {
        Self {
            id: otp.id.value(),
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
