//! Health checks for supervisors and load balancers. They need no token.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Result;
use crate::http::openapi::responses::Faults;
use crate::service::Service;

#[derive(Serialize, ToSchema)]
pub(super) struct Status {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the process serves
#[utoipa::path(get, path = "/healthz", tag = "service", responses((status = 200, description = "It does", body = Status)))]
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Status { status: "ok" })
}

/// Whether requests can be served
///
/// 200 when a read and a write connection work and the schema is current; else 503, with the reason in the log.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "service",
    responses((status = 200, description = "They can", body = Status), Faults)
)]
pub(super) async fn ready(service: web::Data<Service>) -> Result<HttpResponse> {
    service.check().await?;
    Ok(HttpResponse::Ok().json(Status { status: "ok" }))
}
