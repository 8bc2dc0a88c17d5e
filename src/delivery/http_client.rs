//! The HTTP client of one provider: sends requests and classifies failures.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{AGE, CONNECTION, DATE, HeaderMap, HeaderValue};
use reqwest::{Client, ClientBuilder, Proxy, Request, Url};
use serde_json::Value;

use crate::delivery::answer::Answer;
use crate::delivery::call::Call;
use crate::delivery::common::Connection;
use crate::delivery::provider::innermost;
use crate::delivery::request_errors::{request_failure, response_failure};
use crate::domain::attempt::{Outcome, Report};

/// Limit for the body of an answer in bytes. Reading stops there. The longest answers are lists of 500 states.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Upper limit for connecting. It is shorter than the wait at shutdown, so a request without a connection is reported
/// as not sent.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// The client for the requests of one provider.
pub(super) struct HttpClient {
    connection: Connection,
    client: Client,
}

impl HttpClient {
    /// # Errors
    /// A description of the invalid base URL or proxy.
    pub(super) fn new(connection: Connection) -> Result<Self, String> {
        let name = &connection.name;
        let base = Url::parse(connection.base_url.reveal()).map_err(|cause| format!("{name}: base_url: {cause}"))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(format!("{name}: base_url must begin with http:// or https://"));
        }
        // The cryptography provider is global. An error means that it is already installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = one_request_each(Client::builder())
            .timeout(connection.timeout)
            .connect_timeout((connection.timeout / 2).min(CONNECT_WITHIN))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("otpd/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &connection.proxy {
            let proxy = Proxy::all(proxy.reveal()).map_err(|_| format!("{name}: proxy is not the URL of a proxy"))?;
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|cause| format!("{name}: {}", innermost(&cause)))?;
        Ok(Self { connection, client })
    }

    /// Returns the name of the provider.
    pub(super) fn name(&self) -> &str {
        &self.connection.name
    }

    /// Sends a request and returns the answer.
    ///
    /// # Errors
    /// The request failed. The error is the report of a message that is sent with such a request.
    pub(super) async fn request(&self, call: Call) -> Result<Answer, Report> {
        let request = self.build(call).map_err(|cause| Report::not_sent(Outcome::Misconfigured, cause))?;
        let mut response = self.client.execute(request).await.map_err(|cause| request_failure(&cause))?;
        let status = response.status().as_u16();
        let date = response_date(response.headers());
        let mut body = Vec::new();
        while body.len() < MAX_ANSWER_BYTES {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                // The status of an error answer is sufficient without the body.
                Err(_) if !response.status().is_success() => break,
                Err(cause) => return Err(response_failure(&cause)),
            }
        }
        let plain = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer { status, date, body: serde_json::from_slice(&body).unwrap_or(Value::Null), plain })
    }

    fn build(&self, call: Call) -> Result<Request, String> {
        let url = format!("{}{}", self.connection.base_url.reveal().trim_end_matches('/'), call.path);
        let url = Url::parse(&url).map_err(|cause| format!("base_url and path do not form a URL: {cause}"))?;
        let mut builder = self.client.request(call.method, url).headers(call.headers);
        if let Some((username, password)) = call.login {
            builder = builder.basic_auth(username, Some(password.reveal()));
        }
        if let Some(body) = call.body {
            builder = builder.body(body);
        }
        builder.build().map_err(|_| "the settings do not form a request".to_owned())
    }
}

/// Makes every request use a new connection.
///
/// Gateways and proxies close idle connections at any time. A request that is written to a closing connection may or
/// may not be processed, so it could neither be retried nor be reported as failed. A new connection costs two or three
/// additional round trips (TLS sessions are resumed). That is about 0.1 s, while an SMS takes several seconds.
fn one_request_each(builder: ClientBuilder) -> ClientBuilder {
    let headers = HeaderMap::from_iter([(CONNECTION, HeaderValue::from_static("close"))]);
    builder.pool_max_idle_per_host(0).default_headers(headers).retry(reqwest::retry::never())
}

/// Returns the `Date` of an answer. `None` for an answer from a cache (RFC 9111, 5.1).
fn response_date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let date = headers.get(DATE).filter(|_| !headers.contains_key(AGE))?.to_str().ok()?;
    DateTime::parse_from_rfc2822(date).ok().map(|date| date.to_utc())
}
