//! The files of the console. The name of a file contains a hash of its content, so browsers can cache it permanently.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use sha2::{Digest, Sha256};

use crate::error::{Error, Kind, Result};

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

struct Asset {
    name: String,
    media_type: &'static str,
    content: Vec<u8>,
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, content: Vec<u8>) -> Self {
        let digest = Sha256::digest(&content);
        let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { name: format!("{stem}-{hash}.{extension}"), media_type, content }
    }
}

/// The files by their role.
struct Assets {
    style: Asset,
    script: Asset,
    font: Asset,
    icon: Asset,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let font = include_bytes!("assets/vazirmatn.woff2").to_vec();
    let font = Asset::new("vazirmatn", "woff2", "font/woff2", font);
    let style = include_str!("assets/console.css").replace("vazirmatn.woff2", &font.name);
    Assets {
        style: Asset::new("console", "css", "text/css; charset=utf-8", style.into_bytes()),
        script: Asset::new(
            "console",
            "js",
            "text/javascript; charset=utf-8",
            include_bytes!("assets/console.js").to_vec(),
        ),
        icon: Asset::new("icon", "svg", "image/svg+xml", include_bytes!("assets/icon.svg").to_vec()),
        font,
    }
});

/// The path of the style sheet.
pub(super) fn style() -> String {
    path(&ASSETS.style)
}

/// The path of the script.
pub(super) fn script() -> String {
    path(&ASSETS.script)
}

/// The path of the icon.
pub(super) fn icon() -> String {
    path(&ASSETS.icon)
}

fn path(asset: &Asset) -> String {
    format!("/console/assets/{}", asset.name)
}

/// Serves a file.
pub(super) async fn asset(name: web::Path<String>) -> Result<HttpResponse> {
    let Assets { style, script, font, icon } = &*ASSETS;
    let asset = [style, script, font, icon].into_iter().find(|asset| asset.name == *name);
    let asset = asset.ok_or_else(|| Error::new(Kind::NotFound, "Not found."))?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, asset.media_type)).insert_header((CACHE_CONTROL, IMMUTABLE));
    Ok(response.body(asset.content.as_slice()))
}
