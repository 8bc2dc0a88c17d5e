//! The API described for machines (`/openapi.json`, OpenAPI 3.1) and for people (`/docs`, Swagger UI out of this binary:
//! no request leaves the machine). Both are made from the handlers' own annotations; a test holds them to the routes.

mod responses;
mod schemas;
mod send_schemas;

use std::sync::{Arc, LazyLock};

use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, ContentEncoding, LOCATION};
use actix_web::{HttpResponse, web};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::Config;

pub(super) use crate::http::openapi::responses::{
    BodyRefusals, Denials, Faults, InvalidBody, Limited, NoInbox, NoSuchOtp, NotVerified, Repeated,
};
pub(super) use crate::http::openapi::schemas::{
    FieldMessages, NewOtpForm, NewOtpJson, OtpPatchForm, OtpPatchJson, any_integer, email, limit, mobile_number, offset,
};
pub(super) use crate::http::openapi::send_schemas::{
    RecipientForm, RecipientJson, SendForm, SendJson, VerifyForm, VerifyJson,
};

use crate::error::{Error, Kind, Result};
use crate::http::{health, inbox, metrics, otps, sending};

/// Swagger UI draws with inline styles and data images; it loads nothing from elsewhere.
const DOCS_POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "otpd",
        description = "One-time passwords for Iranian mobile numbers and e-mail addresses. Every path works with and without \
                       its trailing slash; HEAD works wherever GET does; every answer has an `X-Request-ID`."
    ),
    paths(
        otps::create, otps::list, otps::retrieve, otps::update, otps::delete,
        sending::send, sending::verify, sending::reset, sending::deliveries, inbox::show,
        health::live, health::ready, metrics::show,
        describe, docs, docs_file
    ),
    components(schemas(FieldMessages, responses::Reasoned, responses::Refused)),
    modifiers(&TokenScheme),
    tags(
        (name = "codes", description = "One-time passwords as a resource that staff manage"),
        (name = "sending", description = "Codes that are sent, and verified once"),
        (name = "service", description = "Health, metrics and this description")
    )
)]
pub(super) struct Description;

/// The description as it is served, with what utoipa has no word for.
fn json() -> serde_json::Result<String> {
    let mut description = serde_json::to_value(Description::openapi())?;
    let paths = &mut description["paths"];
    // An empty value asks for nothing.
    for parameter in paths["/api/notifications/otp/"]["get"]["parameters"].as_array_mut().into_iter().flatten() {
        parameter["allowEmptyValue"] = true.into();
    }
    // An update without a body is one that names no field.
    paths["/api/notifications/otp/{id}"]["patch"]["requestBody"]["required"] = false.into();
    serde_json::to_string_pretty(&description)
}

struct TokenScheme;

impl Modify for TokenScheme {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let header = ApiKeyValue::with_description(
            "Authorization",
            "`Token <key>`. An admin may do everything, staff what their permission codes say.",
        );
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}

/// This description
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "service",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = Object))
)]
pub(super) async fn describe() -> Result<HttpResponse> {
    static JSON: LazyLock<Result<String, String>> = LazyLock::new(|| json().map_err(|cause| cause.to_string()));
    let json = JSON.as_ref().map_err(|cause| Error::internal(cause.as_str()))?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(json.as_str()))
}

/// Where people read this description
#[utoipa::path(
    get,
    path = "/docs",
    tag = "service",
    responses((status = 308, description = "The page is at `/docs/`", headers(("Location" = String))))
)]
pub(super) async fn docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "docs/")).finish()
}

/// The page and the files that it is made of
#[utoipa::path(
    get,
    path = "/docs/{file}",
    tag = "service",
    params(("file" = String, Path, description = "Empty for the page itself", example = "index.html")),
    responses(
        (status = 200, description = "A file of Swagger UI", content_type = "text/html", body = String),
        (status = 404, description = "No such file", body = responses::Detail)
    )
)]
pub(super) async fn docs_file(file: web::Path<String>) -> Result<HttpResponse> {
    static CONFIG: LazyLock<Arc<Config<'static>>> =
        LazyLock::new(|| Arc::new(Config::from("../openapi.json").validator_url("none")));
    let found =
        utoipa_swagger_ui::serve(&file, Arc::clone(&CONFIG)).map_err(|cause| Error::internal(cause.to_string()))?;
    let file = found.ok_or_else(|| Error::new(Kind::NotFound, "Not found."))?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, file.content_type)).insert_header((CONTENT_SECURITY_POLICY, DOCS_POLICY));
    // In the binary most files are packed, and every browser unpacks them.
    if file.gzpipped {
        response.insert_header(ContentEncoding::Gzip);
    }
    Ok(response.body(file.bytes.into_owned()))
}

#[cfg(test)]
mod tests;
