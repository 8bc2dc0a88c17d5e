//! Common parts of HTTP gateways: the request, the answer and the handling of failures.

use std::fmt::Debug;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use reqwest::header::{AGE, AUTHORIZATION, CONNECTION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, Method, Proxy, Request, Url};
use serde_json::Value;

use crate::delivery::answer::Answer;
use crate::delivery::common::Connection;
use crate::delivery::provider::{Provider, innermost};
use crate::delivery::request_errors::{request_failure, response_failure};
use crate::domain::attempt::{DeliveryStatus, Outcome, Report};
use crate::domain::message::Message;
use crate::domain::secret::Secret;

/// Limit for the body of an answer in bytes. Reading stops there. Answers of gateways are shorter.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Upper limit for connecting. It is shorter than the wait at shutdown, so a request without a connection is reported
/// as not sent.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Tolerated difference between two clocks. It is larger than the error of a synchronized clock and smaller than the
/// lifetime of a code.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(1);

/// The protocol of one gateway: building requests and interpreting answers.
pub(super) trait Gateway: Clone + Debug + Send + Sync + 'static {
    /// The type of providers.
    const TYPE: &'static str;
    const HAS_PANEL_TEMPLATES: bool = true;

    /// Builds the request for a message.
    ///
    /// # Errors
    /// The configuration error that prevents the request.
    fn request(&self, message: &Message) -> Result<Call, String>;

    /// Returns the report for an answer.
    fn interpret(&self, answer: &Answer) -> Report;

    /// The largest number of messages in one request for their status. 0: the gateway does not report it.
    const STATUS_BATCH: usize = 0;

    /// Builds the request for the status of messages.
    fn status_request(&self, _ids: &[String]) -> Option<Call> {
        None
    }

    /// Returns the status of each message that the answer mentions. `None`: the answer is not usable.
    fn read_statuses(&self, _ids: &[String], _answer: &Answer) -> Option<Vec<(String, DeliveryStatus)>> {
        None
    }

    /// Builds the request that finds a message by [`Message::reference`].
    fn find_request(&self, _message: &Message) -> Option<Call> {
        None
    }

    /// Returns the corrected report of a message from the answer to [`Self::find_request`]. `None`: it can't tell.
    fn read_found(&self, _message: &Message, _answer: &Answer) -> Option<Report> {
        None
    }

    /// Returns the request that checks the key. `None`: only sending a message can check it.
    fn account_check(&self) -> Option<Check> {
        None
    }
}

/// A request that checks the account free of charge.
pub(super) struct Check {
    pub(super) call: Call,
    /// Returns the credit from the answer. An answer with a credit proves that the key is valid.
    pub(super) credit: fn(&Answer) -> Option<String>,
    /// Unit of the credit.
    pub(super) unit: &'static str,
}

/// A request to a gateway. It contains keys and codes, so it does not implement `Debug`.
pub(super) struct Call {
    pub(super) method: Method,
    /// Path and query, appended to the base URL.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<String>,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), headers: HeaderMap::new(), body: None }
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
        Self { method: Method::POST, path: path.into(), headers, body: Some(body) }
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
}

/// A provider that sends messages through an HTTP gateway.
pub(super) struct HttpProvider<G> {
    connection: Connection,
    client: Client,
    gateway: G,
}

impl<G: Gateway> HttpProvider<G> {
    /// # Errors
    /// A description of the invalid base URL or proxy.
    pub(super) fn new(connection: Connection, gateway: G) -> Result<Self, String> {
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
        Ok(Self { connection, client, gateway })
    }

    async fn request(&self, call: Call) -> Result<Answer, Report> {
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
        let mut request = Request::new(call.method, url);
        *request.headers_mut() = call.headers;
        *request.body_mut() = call.body.map(Into::into);
        Ok(request)
    }
}

impl<G: Gateway> Provider for HttpProvider<G> {
    fn name(&self) -> &str {
        &self.connection.name
    }

    fn type_name(&self) -> &'static str {
        G::TYPE
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Report> {
        Box::pin(async move {
            let call = match self.gateway.request(message) {
                Ok(call) => call,
                Err(cause) => return Report::not_sent(Outcome::Misconfigured, cause),
            };
            match self.request(call).await {
                Ok(answer) => self.gateway.interpret(&answer),
                Err(report) => report,
            }
        })
    }

    fn status_batch(&self) -> usize {
        G::STATUS_BATCH
    }

    fn statuses<'a>(&'a self, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<(String, DeliveryStatus)>, String>> {
        Box::pin(async move {
            let Some(call) = self.gateway.status_request(ids) else { return Ok(Vec::new()) };
            let answer = self.request(call).await.map_err(|report| report.error.unwrap_or_default())?;
            let unusable = || format!("{}: the response contains no status", answer.status);
            self.gateway.read_statuses(ids, &answer).ok_or_else(unusable)
        })
    }

    fn find<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Option<Report>> {
        Box::pin(async move {
            let answer = self.request(self.gateway.find_request(message)?).await.ok()?;
            self.gateway.read_found(message, &answer)
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let answered = |outcome: Result<Answer, Report>| outcome.map_err(|report| report.error.unwrap_or_default());
            let Some(Check { call, credit, unit }) = self.gateway.account_check() else {
                require_same_time(&answered(self.request(Call::get("/")).await)?)?;
                return Ok("reachable; the key is checked only by sending".to_owned());
            };
            let answer = answered(self.request(call).await)?;
            let Some(credit) = credit(&answer).filter(|_| answer.is_success()) else {
                return Err(self
                    .gateway
                    .interpret(&answer)
                    .error
                    .unwrap_or_else(|| "the response contains no credit".to_owned()));
            };
            require_same_time(&answer)?;
            if credit.parse::<f64>().is_ok_and(|credit| credit <= 0.0) {
                return Err("the key is valid, but the credit is used up".to_owned());
            }
            Ok(format!("the key is valid; credit: {credit} {unit}"))
        })
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

/// Compares the local clock, which determines when codes expire, with the clock of the gateway.
///
/// # Errors
/// The clocks differ by more than `CLOCKS_DIFFER`.
fn require_same_time(answer: &Answer) -> Result<(), String> {
    let Some(theirs) = answer.date else { return Ok(()) };
    let ours = Utc::now();
    if (ours - theirs).abs() <= CLOCKS_DIFFER {
        return Ok(());
    }
    let shown = |moment: DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (theirs, ours) = (shown(theirs), shown(ours));
    Err(format!(
        "the gateway's clock is {theirs}, the clock of this machine is {ours}; synchronize this machine with NTP"
    ))
}

/// Encodes text for a path or a query. A space becomes %20 because a plus means a space only in a query.
pub(super) fn percent_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
