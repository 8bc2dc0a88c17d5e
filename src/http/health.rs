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

/// Liveness check
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "service",
    responses((status = 200, description = "The process is running", body = Status))
)]
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Status { status: "ok" })
}

/// Readiness check
///
/// 200 if reads and writes work and the schema is current. Otherwise 503; the log contains the reason.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "service",
    responses((status = 200, description = "The server is ready", body = Status), Faults)
)]
pub(super) async fn ready(service: web::Data<Service>) -> Result<HttpResponse> {
    service.check().await?;
    Ok(HttpResponse::Ok().json(Status { status: "ok" }))
}
