//! The origin of the console as browsers see it, and the check that a form was sent by a page of the console.

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, ORIGIN};

use crate::http::client_view::{self, TrustedProxies};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Scheme and host of the console: `console.origin`, or as the client and trusted proxies name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnOrigin(String);

impl OwnOrigin {
    pub(super) fn of(request: &HttpRequest, configured: Option<&str>, proxies: &TrustedProxies) -> Self {
        let origin = configured.map_or_else(|| client_view::origin(request, proxies), str::to_owned);
        // Browsers leave out the default port.
        let default_port = if origin.starts_with("https:") { ":443" } else { ":80" };
        Self(origin.strip_suffix(default_port).map_or_else(|| origin.clone(), str::to_owned))
    }

    pub(super) fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// The host, with its port if it is not the default one.
    pub(super) fn host(&self) -> &str {
        self.0.split_once("://").map_or(&self.0, |(_, host)| host)
    }

    /// Whether the host is this machine as seen by the browser.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.host();
        let name = host.rsplit_once(':').filter(|(name, _)| !name.ends_with(':')).map_or(host, |(name, _)| name);
        let address = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || address.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    }

    /// Requires that a POST was sent by a page of the console: the browser says so (`Sec-Fetch-Site`), or `Origin` is
    /// this origin.
    ///
    /// # Errors
    /// The `Origin` of the request; empty if it has none.
    pub(super) fn require_same(&self, request: &HttpRequest) -> Result<(), String> {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let origin = header(ORIGIN).unwrap_or_default();
        if header(FETCH_SITE) == Some("same-origin") || origin.eq_ignore_ascii_case(&self.0) {
            return Ok(());
        }
        Err(origin.to_owned())
    }
}

/// Whether a text is the path of a page of the console. Any other address could send the user to another site.
pub(super) fn is_own_path(text: &str) -> bool {
    text.starts_with("/console/") && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn own(host: &'static str) -> OwnOrigin {
        let request = TestRequest::default().insert_header(("host", host)).to_http_request();
        OwnOrigin::of(&request, None, &TrustedProxies::default())
    }

    #[test]
    fn a_form_of_another_origin_is_refused() {
        for (site, origin, is_accepted) in [
            (Some("same-origin"), None, true),
            (Some("same-origin"), Some("null"), true),
            (Some("cross-site"), Some("https://evil.example"), false),
            (Some("same-site"), Some("http://other.example.com:8080"), false),
            (Some("none"), None, false),
            (None, Some("http://otp.example.com:8080"), true),
            (None, Some("https://otp.example.com:8080"), false),
            (None, Some("http://otp.example.com"), false),
            (None, Some("null"), false),
            (None, Some(""), false),
            (None, None, false),
        ] {
            let mut request = TestRequest::post().insert_header(("host", "otp.example.com:8080"));
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if let Some(value) = value {
                    request = request.insert_header((name, value));
                }
            }
            let answer = own("otp.example.com:8080").require_same(&request.to_http_request());
            assert_eq!(answer.is_ok(), is_accepted, "{site:?} {origin:?}");
            if !is_accepted {
                assert_eq!(answer, Err(origin.unwrap_or_default().to_owned()));
            }
        }
    }

    #[test]
    fn the_configured_origin_overrides_the_host() {
        let request = TestRequest::default().insert_header(("host", "10.0.0.7:8080")).to_http_request();
        let own = OwnOrigin::of(&request, Some("https://otp.example.com"), &TrustedProxies::default());
        assert_eq!((own.host(), own.is_https(), own.is_loopback()), ("otp.example.com", true, false));
    }

    #[test]
    fn loopback_hosts_are_known() {
        for (host, is_loopback) in [
            ("127.0.0.1:8080", true),
            ("localhost", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("10.0.0.7:8080", false),
            ("localhost.example.com", false),
        ] {
            assert_eq!(own(host).is_loopback(), is_loopback, "{host}");
        }
        assert_eq!(own("otp.example.com:80").host(), "otp.example.com");
    }
}
