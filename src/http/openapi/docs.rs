//! The API documentation: Swagger UI, served from the binary.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, LazyLock};

use actix_web::http::header::{
    AcceptEncoding, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ContentEncoding, Encoding, Header, LOCATION, VARY,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::read::GzDecoder;
use parking_lot::Mutex;
use utoipa_swagger_ui::Config;

use crate::error::{Error, Kind, Result};
use crate::http::openapi::responses::Detail;

/// Swagger UI uses inline styles and data URLs for images. It loads nothing from other hosts.
const DOCS_POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/// API documentation (redirect)
#[utoipa::path(
    get,
    path = "/docs",
    tag = "service",
    responses((status = 308, description = "Redirect to `/docs/`", headers(("Location" = String))))
)]
pub(in crate::http) async fn docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "docs/")).finish()
}

/// API documentation (Swagger UI)
#[utoipa::path(
    get,
    path = "/docs/{file}",
    tag = "service",
    params(("file" = String, Path, description = "File name; empty for the page", example = "index.html")),
    responses(
        (status = 200, description = "A file of Swagger UI", content_type = "text/html", body = String),
        (status = 404, description = "The file does not exist", body = Detail)
    )
)]
pub(in crate::http) async fn docs_file(request: HttpRequest, file: web::Path<String>) -> Result<HttpResponse> {
    static CONFIG: LazyLock<Arc<Config<'static>>> =
        LazyLock::new(|| Arc::new(Config::from("../openapi.json").validator_url("none")));
    let found =
        utoipa_swagger_ui::serve(&file, Arc::clone(&CONFIG)).map_err(|cause| Error::internal(cause.to_string()))?;
    let found = found.ok_or_else(|| Error::new(Kind::NotFound, "Not found."))?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, found.content_type))
        .insert_header((CONTENT_SECURITY_POLICY, DOCS_POLICY))
        .insert_header((VARY, "Accept-Encoding"));
    // Most files in the binary are compressed.
    Ok(match (found.gzpipped, accepts_gzip(&request)) {
        (true, true) => response.insert_header(ContentEncoding::Gzip).body(found.bytes.into_owned()),
        (true, false) => response.body(decompressed(&file, &found.bytes)?),
        (false, _) => response.body(found.bytes.into_owned()),
    })
}

/// Whether `Accept-Encoding` accepts gzip and does not prefer the uncompressed file.
fn accepts_gzip(request: &HttpRequest) -> bool {
    let supported = [Encoding::gzip(), Encoding::identity()];
    let accepted = AcceptEncoding::parse(request).ok();
    accepted.and_then(|accepted| accepted.negotiate(supported.iter())) == Some(Encoding::gzip())
}

/// Decompresses a file. The result is cached, because these requests need no token and must be cheap.
fn decompressed(name: &str, packed: &[u8]) -> Result<Bytes> {
    static UNPACKED: Mutex<BTreeMap<String, Bytes>> = Mutex::new(BTreeMap::new());
    let mut files = UNPACKED.lock();
    if let Some(file) = files.get(name) {
        return Ok(file.clone());
    }
    let mut bytes = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut bytes).map_err(Error::internal)?;
    Ok(files.entry(name.to_owned()).or_insert(bytes.into()).clone())
}
