//! Composes the description from the annotations of the handlers. A test compares it with the routes.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::error::{Error, Result};
use crate::http::openapi::docs;
use crate::http::openapi::responses::{Reasoned, Refused};
use crate::http::openapi::schemas::FieldMessages;
use crate::http::openapi::webhooks::webhooks;
use crate::http::{audit, callbacks, deliveries, health, inbox, metrics, otps, sending};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "otpd",
        description = "One-time passwords for Iranian mobile numbers and e-mail addresses. Every path works with and without \
                       a trailing slash. HEAD works for every path with GET. Every response has an `X-Request-ID`."
    ),
    paths(
        otps::create, otps::list, otps::retrieve, otps::update, otps::delete,
        sending::send, sending::verify, sending::reset, deliveries::deliveries, callbacks::report_in_query, callbacks::report_in_form, inbox::show_inbox, audit::list_audit,
        health::live, health::ready, metrics::show_metrics,
        describe, docs::docs, docs::docs_file
    ),
    components(schemas(FieldMessages, Reasoned, Refused)),
    modifiers(&TokenScheme),
    tags(
        (name = "codes", description = "One-time passwords as a resource managed by staff"),
        (name = "sending", description = "Sending and verifying codes"),
        (name = "audit", description = "The changes, with their actors and origins"),
        (name = "events", description = "Requests that otpd sends to the endpoints of `[[events]]`, signed according to Standard Webhooks"),
        (name = "service", description = "Health, metrics and API description")
    )
)]
struct Description;

/// The description as served. Adds properties that utoipa does not support.
fn json() -> serde_json::Result<String> {
    let mut description = serde_json::to_value(Description::openapi())?;
    let paths = &mut description["paths"];
    // Empty values are ignored.
    for path in ["/api/notifications/otp/", "/api/audit/"] {
        for parameter in paths[path]["get"]["parameters"].as_array_mut().into_iter().flatten() {
            parameter["allowEmptyValue"] = true.into();
        }
    }
    // An update without a body is an update without fields.
    paths["/api/notifications/otp/{id}"]["patch"]["requestBody"]["required"] = false.into();
    description["webhooks"] = webhooks();
    serde_json::to_string_pretty(&description)
}

struct TokenScheme;

impl Modify for TokenScheme {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let header = ApiKeyValue::with_description(
            "Authorization",
            "`Token <key>`. Admins have all permissions. Staff have the permissions granted to them.",
        );
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}

/// OpenAPI description
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "service",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = Object))
)]
pub(in crate::http) async fn describe() -> Result<HttpResponse> {
    static JSON: LazyLock<Result<String, String>> = LazyLock::new(|| json().map_err(|cause| cause.to_string()));
    let json = JSON.as_ref().map_err(|cause| Error::internal(cause.as_str()))?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(json.as_str()))
}

#[cfg(test)]
mod tests;
