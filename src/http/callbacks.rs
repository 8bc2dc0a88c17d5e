//! Delivery reports that providers send (`docs/providers.md`, "Call-backs").

use actix_web::{HttpRequest, HttpResponse, web};

use crate::error::{Error, Kind, Result};
use crate::http::body::Body;
use crate::http::query::pairs;
use crate::service::Service;

/// Receives a report in the query or in a form. The path contains the configured secret and the name of the provider.
/// A wrong secret is answered like an unknown path.
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
