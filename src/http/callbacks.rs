//! Delivery reports that providers send (`docs/providers.md`, "Call-backs").

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{Error, Kind, Result};
use crate::http::body::Body;
use crate::http::openapi::responses::{BodyRefusals, Faults, UnknownReport};
use crate::http::query::pairs;
use crate::service::Service;

/// The path of a report.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Target {
    /// `delivery.callback_secret`
    secret: String,
    /// Configured name of the provider
    #[param(example = "kavenegar")]
    provider: String,
}

/// Report a delivery in the query
///
/// For providers that report deliveries themselves. The path contains `delivery.callback_secret` and the name of the
/// provider. The fields are those of the provider. A report about an unknown message is ignored.
#[utoipa::path(
    get,
    path = "/callbacks/{secret}/{provider}",
    tag = "sending",
    params(Target),
    responses((status = 204, description = "The report is stored"), UnknownReport, Faults)
)]
pub(super) async fn report_in_query(
    request: HttpRequest,
    target: web::Path<Target>,
    service: web::Data<Service>,
) -> Result<HttpResponse> {
    service.require_callback_secret(&target.secret)?;
    store(&target, &pairs(request.query_string()), &service).await
}

/// Report a delivery in a form
///
/// As with GET. The fields may be in the query, too.
#[utoipa::path(
    post,
    path = "/callbacks/{secret}/{provider}",
    tag = "sending",
    params(Target),
    responses((status = 204, description = "The report is stored"), UnknownReport, BodyRefusals, Faults)
)]
pub(super) async fn report_in_form(
    request: HttpRequest,
    target: web::Path<Target>,
    body: Body,
    service: web::Data<Service>,
) -> Result<HttpResponse> {
    service.require_callback_secret(&target.secret)?;
    let mut fields = pairs(request.query_string());
    fields.extend(pairs(&String::from_utf8_lossy(&body.bytes().await?)));
    store(&target, &fields, &service).await
}

async fn store(target: &Target, fields: &[(String, String)], service: &Service) -> Result<HttpResponse> {
    let report = service.read_callback(&target.provider, fields);
    let Some((message_id, status)) = report else {
        log::warn!("a call-back with the right secret has an unknown provider in its path, or fields without a status");
        return Err(Error::new(Kind::NotFound, "Not found."));
    };
    service.receive_report(&target.provider, &message_id, status).await?;
    Ok(HttpResponse::NoContent().finish())
}
