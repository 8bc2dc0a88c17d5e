//! The OpenAPI description and the documentation pages.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::helpers::{TestApp, answer};

#[tokio::test]
async fn pages_are_compressed_only_for_clients_that_accept_it() {
    let app = TestApp::start().await;
    let fetch = async |path: &str, accepted: Option<&str>| {
        let mut request = app.request("GET", path);
        if let Some(accepted) = accepted {
            request = request.header("Accept-Encoding", accepted);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["vary"], "Accept-Encoding", "{path}");
        let encoding = response.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
        (encoding, response.bytes().await.unwrap())
    };
    for path in ["/docs/", "/docs/index.html", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"] {
        let (encoding, packed) = fetch(path, Some("gzip")).await;
        assert_eq!(encoding.as_deref(), Some("gzip"), "{path}");
        let mut page = Vec::new();
        GzDecoder::new(&packed[..]).read_to_end(&mut page).unwrap();
        for accepted in ["br, gzip", "gzip;q=0.5", "deflate, gzip;q=1.0, *;q=0.5", "GZIP"] {
            assert_eq!(fetch(path, Some(accepted)).await.0.as_deref(), Some("gzip"), "{path} {accepted}");
        }
        for accepted in [
            None,
            Some(""),
            Some("identity"),
            Some("br"),
            Some("gzip;q=0"),
            Some("gzip;q=0, *"),
            Some("identity, gzip;q=0.5"),
            Some("x, y;z=1"),
        ] {
            let (encoding, bytes) = fetch(path, accepted).await;
            assert_eq!((encoding, bytes.len()), (None, page.len()), "{path} {accepted:?}");
            assert!(bytes == page, "{path} {accepted:?}");
        }
    }
    answer(app.request("GET", "/docs/nowhere.js")).await.is(404, r#"{"detail":"Not found."}"#);
    answer(app.request("HEAD", "/docs/")).await.is(200, "");
}
