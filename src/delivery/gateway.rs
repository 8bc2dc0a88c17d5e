//! What gateways that speak HTTP have in common: one request, one answer, and what a failure between the two means.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use reqwest::header::{AGE, AUTHORIZATION, CONNECTION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, Method, Proxy, Request, Url};
use serde_json::Value;

use crate::delivery::answer::Answer;
use crate::delivery::lost::{broken_off, lost};
use crate::delivery::{Provider, innermost};
use crate::domain::message::Message;
use crate::domain::outbox::{Outcome, Report};
use crate::domain::secret::Secret;

/// More than any gateway has to say.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Less than a stop waits for: what has no connection by then was certainly not sent, and says so itself.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// More than clocks differ that are set by anything, and less than a code lives.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(1);

/// How a gateway is reached.
#[derive(Clone, Debug)]
pub struct Connection {
    pub name: String,
    pub base_url: Secret,
    pub timeout: Duration,
    /// An HTTP or SOCKS5 proxy that requests go out through.
    pub proxy: Option<Secret>,
}

/// One gateway's protocol: how a message becomes a request, and what an answer means.
pub(super) trait Gateway: Send + Sync {
    /// # Errors
    /// What the operator has to mend before a message can be put into a request.
    fn request(&self, message: &Message) -> Result<Call, String>;

    /// What an answer to such a request means.
    fn interpret(&self, answer: &Answer) -> Report;

    /// How to find out whether the key is good; `None` where only sending shows it.
    fn account_check(&self) -> Option<Check> {
        None
    }
}

/// A question that costs nothing.
pub(super) struct Check {
    pub(super) call: Call,
    /// The credit, if the answer tells one: then the key is good.
    pub(super) credit: fn(&Answer) -> Option<String>,
    /// What the credit counts.
    pub(super) unit: &'static str,
}

/// A request, as a gateway's document describes it. `Debug` is left out: keys and codes are in it.
pub(super) struct Call {
    pub(super) method: Method,
    /// What follows the base URL.
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

    /// With a key in a header of its own. The configuration lets no key pass that a header can't hold.
    pub(super) fn with_key(mut self, header: HeaderName, key: &Secret) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(key.reveal()) {
            value.set_sensitive(true);
            self.headers.insert(header, value);
        }
        self
    }

    /// With a key alone in `Authorization`.
    pub(super) fn authorized(self, key: &Secret) -> Self {
        self.with_key(AUTHORIZATION, key)
    }
}

/// A gateway as a provider.
pub(super) struct HttpProvider<G> {
    connection: Connection,
    client: Client,
    gateway: G,
}

impl<G: Gateway> HttpProvider<G> {
    /// # Errors
    /// What is wrong with the base URL or the proxy.
    pub(super) fn new(connection: Connection, gateway: G) -> Result<Self, String> {
        let name = &connection.name;
        let base = Url::parse(connection.base_url.reveal()).map_err(|cause| format!("{name}: base_url: {cause}"))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(format!("{name}: base_url begins with http:// or https://"));
        }
        // The process has one provider of cryptography; an error says that it is set already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = one_request_each(Client::builder())
            .timeout(connection.timeout)
            .connect_timeout((connection.timeout / 2).min(CONNECT_WITHIN))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("otpd/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &connection.proxy {
            let proxy = Proxy::all(proxy.reveal()).map_err(|_| format!("{name}: proxy is no URL of a proxy"))?;
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|cause| format!("{name}: {}", innermost(&cause)))?;
        Ok(Self { connection, client, gateway })
    }

    async fn ask(&self, call: Call) -> Result<Answer, Report> {
        let request = self.build(call).map_err(|cause| Report::not_sent(Outcome::Misconfigured, cause))?;
        let mut response = self.client.execute(request).await.map_err(|cause| lost(&cause))?;
        let status = response.status().as_u16();
        let date = made_at(response.headers());
        let mut body = Vec::new();
        while body.len() < LONGEST_ANSWER {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                // The status of a refusal says enough without its body.
                Err(_) if !response.status().is_success() => break,
                Err(cause) => return Err(broken_off(&cause)),
            }
        }
        let plain = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer { status, date, body: serde_json::from_slice(&body).unwrap_or(Value::Null), plain })
    }

    fn build(&self, call: Call) -> Result<Request, String> {
        let url = format!("{}{}", self.connection.base_url.reveal().trim_end_matches('/'), call.path);
        let url = Url::parse(&url).map_err(|cause| format!("base_url and path make no URL: {cause}"))?;
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

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Report> {
        Box::pin(async move {
            let call = match self.gateway.request(message) {
                Ok(call) => call,
                Err(cause) => return Report::not_sent(Outcome::Misconfigured, cause),
            };
            match self.ask(call).await {
                Ok(answer) => self.gateway.interpret(&answer),
                Err(report) => report,
            }
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let asked = |outcome: Result<Answer, Report>| outcome.map_err(|report| report.error.unwrap_or_default());
            let Some(Check { call, credit, unit }) = self.gateway.account_check() else {
                require_same_time(&asked(self.ask(Call::get("/")).await)?)?;
                return Ok("it answers; only sending shows whether the key is good".to_owned());
            };
            let answer = asked(self.ask(call).await)?;
            let Some(credit) = credit(&answer).filter(|_| answer.is_success()) else {
                return Err(self.gateway.interpret(&answer).error.unwrap_or_else(|| "it tells no credit".to_owned()));
            };
            require_same_time(&answer)?;
            if credit.parse::<f64>().is_ok_and(|credit| credit <= 0.0) {
                return Err(format!("it lets us in, and the credit is {credit} {unit}: buy some"));
            }
            Ok(format!("it lets us in; {credit} {unit} left"))
        })
    }
}

/// Makes every request use a connection of its own.
///
/// Gateways and proxies close idle connections when they like. A request that is written to a connection which they are
/// closing at that moment may or may not have been processed, so it could be neither repeated nor reported as failed. A
/// new connection costs two or three round trips more (TLS sessions are resumed), a tenth of a second where an SMS takes
/// several seconds.
fn one_request_each(builder: ClientBuilder) -> ClientBuilder {
    let headers = HeaderMap::from_iter([(CONNECTION, HeaderValue::from_static("close"))]);
    builder.pool_max_idle_per_host(0).default_headers(headers).retry(reqwest::retry::never())
}

/// The `Date` of an answer, unless a cache kept it for a while (RFC 9111, 5.1).
fn made_at(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let date = headers.get(DATE).filter(|_| !headers.contains_key(AGE))?.to_str().ok()?;
    DateTime::parse_from_rfc2822(date).ok().map(|date| date.to_utc())
}

/// Codes expire by this machine's clock; a gateway's is a second opinion.
fn require_same_time(answer: &Answer) -> Result<(), String> {
    let Some(theirs) = answer.date else { return Ok(()) };
    let ours = Utc::now();
    if (ours - theirs).abs() <= CLOCKS_DIFFER {
        return Ok(());
    }
    let shown = |moment: DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Secs, true);
    Err(format!("its clock says {}, ours {}: set this machine's by NTP", shown(theirs), shown(ours)))
}

/// For a place in a path or a query. A plus means a space only in a query; %20 means one everywhere.
pub(super) fn percent_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
