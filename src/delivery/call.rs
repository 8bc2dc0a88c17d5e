//! A request to a gateway.

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::domain::secret::Secret;

/// A request to a gateway. It contains keys and codes, so it does not implement `Debug`.
pub(super) struct Call {
    pub(super) method: Method,
    /// Path and query, appended to the base URL.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<String>,
    /// User name and password of HTTP Basic authentication.
    pub(super) login: Option<(String, Secret)>,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), headers: HeaderMap::new(), body: None, login: None }
    }

    pub(super) fn json(path: impl Into<String>, body: &Value) -> Self {
        Self::post(path, "application/json", body.to_string())
    }

    pub(super) fn form(path: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::post(path, "application/x-www-form-urlencoded", body)
    }

    fn post(path: impl Into<String>, content_type: &'static str, body: String) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { method: Method::POST, path: path.into(), headers, body: Some(body), login: None }
    }

    /// Adds a header with a key. The configuration rejects keys that are not valid header values.
    pub(super) fn with_key(mut self, header: HeaderName, key: &Secret) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(key.reveal()) {
            value.set_sensitive(true);
            self.headers.insert(header, value);
        }
        self
    }

    /// Adds an `Authorization` header that contains only the key.
    pub(super) fn authorized(self, key: &Secret) -> Self {
        self.with_key(AUTHORIZATION, key)
    }

    /// Adds HTTP Basic authentication.
    pub(super) fn with_login(mut self, username: String, password: &Secret) -> Self {
        self.login = Some((username, password.clone()));
        self
    }
}

/// Encodes ids for a path or a query, separated by commas.
pub(super) fn comma_separated(ids: &[String]) -> String {
    ids.iter().map(|id| percent_encoded(id)).collect::<Vec<_>>().join(",")
}

/// Encodes text for a path or a query. A space becomes %20 because a plus means a space only in a query.
pub(super) fn percent_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
