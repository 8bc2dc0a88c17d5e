//! Delivery reports that providers send (`docs/providers.md`, "Call-backs").

use actix_web::{HttpRequest, HttpResponse, web};

use crate::error::{Error, Kind, Result};
use crate::http::body::Body;
use crate::http::openapi::responses::{BodyRefusals, Faults, UnknownReport};
use crate::http::query::pairs;
use crate::service::Service;

/// Report a delivery
///
/// For providers that report deliveries themselves. The path contains `delivery.callback_secret` and the name of the
/// provider. The fields are those of the provider, in the query or in a form. A report about an unknown message is
/// ignored.
#[utoipa::path(
    method(get, post),
    path = "/callbacks/{secret}/{provider}",
    tag = "sending",
    params(
        ("secret" = String, Path, description = "`delivery.callback_secret`"),
        ("provider" = String, Path, description = "Configured name of the provider", example = "kavenegar"),
    ),
    responses((status = 204, description = "The report is stored"), UnknownReport, BodyRefusals, Faults)
)]
pub(super) async fn receive(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: Body,
    service: web::Data<Service>,
) -> Result<HttpResponse> {
    let (secret, provider) = path.into_inner();
    service.require_callback_secret(&secret)?;
    let mut fields = pairs(request.query_string());
    if let Ok(form) = std::str::from_utf8(&body.bytes().await?) {
        fields.extend(pairs(form));
    }
    let report = service.read_callback(&provider, &fields);
    let (message_id, status) = report.ok_or_else(|| Error::new(Kind::NotFound, "Not found."))?;
    service.receive_report(&provider, &message_id, status).await?;
    Ok(HttpResponse::NoContent().finish())
}
