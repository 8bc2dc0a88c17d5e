//! For supervisors and load balancers; neither asks for a token.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::error::Result;
use crate::service::Service;

/// The process serves.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

/// A read and a write connection work and the schema is current; else 503, with the reason in the log.
pub(super) async fn ready(service: web::Data<Service>) -> Result<HttpResponse> {
    service.check().await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ok"})))
}
