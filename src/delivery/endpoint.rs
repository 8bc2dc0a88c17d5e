//! Endpoints: the URLs to which otpd reports events.

use std::fmt;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Url};
use sha2::{Digest, Sha256};

use crate::delivery::event_answer::answer_of;
use crate::delivery::http_client::CONNECT_WITHIN;
use crate::delivery::provider::innermost;
use crate::delivery::tcp;
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{Answer, EventType, WebhookSecret};

/// The settings of an endpoint, which are a valid `[[events]]` table.
#[derive(Clone)]
pub struct EndpointSettings {
    /// An http or https URL with a host and without a login.
    pub url: Url,
    pub secret: WebhookSecret,
    /// The types of events that it gets.
    pub types: Vec<EventType>,
    /// Whether events contain the whole recipient.
    pub include_recipient: bool,
    pub timeout: Duration,
}

impl EndpointSettings {
    /// Parses the URL of an endpoint.
    pub fn parse_url(text: &str) -> Option<Url> {
        let mut url = Url::parse(text).ok().filter(Url::has_host)?;
        let is_plain = url.username().is_empty() && url.password().is_none();
        url.set_fragment(None);
        (is_plain && matches!(url.scheme(), "http" | "https")).then_some(url)
    }

    /// The host, and the port if it is not the default. It names the endpoint in the log, because the path and the query
    /// may contain keys.
    pub fn name(&self) -> String {
        let port = self.url.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("{}{port}", self.url.host_str().unwrap_or_default())
    }

    /// The host without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }
}

impl fmt::Debug for EndpointSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EndpointSettings").field(&self.name()).finish()
    }
}

/// An endpoint that gets events.
#[derive(Debug)]
pub struct Endpoint {
    settings: EndpointSettings,
    name: String,
    key: [u8; 32],
    client: Client,
}

impl Endpoint {
    /// # Errors
    /// A description of the invalid settings of TLS.
    pub fn new(settings: EndpointSettings) -> Result<Self, String> {
        // The cryptography provider is global. An error means that it is already installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let name = settings.name();
        let client = Client::builder()
            .timeout(settings.timeout)
            .connect_timeout((settings.timeout / 2).min(CONNECT_WITHIN))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .user_agent(concat!("otpd/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|cause| format!("events to {name}: {}", innermost(&cause)))?;
        let key = Sha256::digest(settings.url.as_str()).into();
        Ok(Self { settings, name, key, client })
    }

    /// The host and a port, for the log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the URL.
    pub fn key(&self) -> [u8; 32] {
        self.key
    }

    /// Whether the endpoint gets events of this type.
    pub fn wants(&self, kind: EventType) -> bool {
        self.settings.types.contains(&kind)
    }

    /// The types of events that the endpoint gets.
    pub fn types(&self) -> &[EventType] {
        &self.settings.types
    }

    pub fn includes_recipient(&self) -> bool {
        self.settings.include_recipient
    }

    /// Sends an event at `now` and returns the answer. The body of the answer is ignored.
    pub async fn send(&self, webhook_id: &str, body: &str, now: Timestamp) -> Answer {
        let seconds = now.as_micros().div_euclid(1_000_000);
        let request = self
            .client
            .post(self.settings.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", webhook_id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", self.settings.secret.sign(webhook_id, seconds, body))
            .body(body.to_owned());
        match request.send().await {
            Ok(response) => {
                let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                answer_of(response.status().as_u16(), retry_after, now)
            }
            Err(cause) => Answer::Failed { error: words(&cause), retry_after: None },
        }
    }

    /// Connects to the host, without sending an event. Returns a description of the state.
    ///
    /// # Errors
    /// A description of the problem.
    pub async fn check(&self) -> Result<String, String> {
        let port = self.settings.url.port_or_known_default().unwrap_or_default();
        let timeout = self.settings.timeout.min(CONNECT_WITHIN);
        tcp::connect(self.settings.host(), port, timeout).await?;
        Ok("reachable; the secret is checked only by the endpoint".to_owned())
    }
}

/// Why there is no answer, without the URL.
fn words(cause: &reqwest::Error) -> String {
    if cause.is_timeout() {
        "no answer arrived in time".to_owned()
    } else if cause.is_connect() {
        format!("unreachable: {}", innermost(cause))
    } else {
        format!("the connection broke: {}", innermost(cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> EndpointSettings {
        EndpointSettings {
            url: EndpointSettings::parse_url(url).unwrap(),
            secret: WebhookSecret::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap(),
            types: EventType::ALL.to_vec(),
            include_recipient: false,
            timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn only_http_urls_without_a_login_are_accepted() {
        for text in
            ["https://example.com/hook?key=1", "http://127.0.0.1:8000", "https://[::1]/", "https://مثال.ایران/x"]
        {
            assert!(EndpointSettings::parse_url(text).is_some(), "{text}");
        }
        for text in [
            "ftp://example.com",
            "example.com",
            "https://",
            "https://user@example.com",
            "https://u:p@example.com",
            "https://:p@example.com",
            "",
            "mailto:a@b.com",
        ] {
            assert_eq!(EndpointSettings::parse_url(text), None, "{text}");
        }
    }

    #[test]
    fn the_name_and_debug_contain_neither_path_nor_query() {
        for (url, name) in [
            ("https://example.com/canary?key=canary#canary", "example.com"),
            ("https://example.com:443/canary", "example.com"),
            ("http://[::1]:8000/canary", "[::1]:8000"),
        ] {
            let endpoint = Endpoint::new(settings(url)).unwrap();
            assert_eq!(endpoint.name(), name);
            let shown = format!("{:?} {endpoint:?}", endpoint.settings);
            assert!(!shown.contains("canary") && !shown.contains("C2FVsBQI"), "{shown}");
        }
    }

    #[test]
    fn the_key_depends_on_the_whole_url() {
        let key = |url| Endpoint::new(settings(url)).unwrap().key();
        assert_eq!(key("https://example.com/a"), key("https://EXAMPLE.com:443/a"));
        assert_ne!(key("https://example.com/a"), key("https://example.com/b"));
        assert_ne!(key("https://example.com/a"), key("https://example.com/a?b"));
    }

    #[tokio::test]
    async fn a_check_connects_to_the_host() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let endpoint = Endpoint::new(settings(&url)).unwrap();
        assert_eq!(endpoint.check().await, Ok("reachable; the secret is checked only by the endpoint".to_owned()));
        drop(listener);
        assert!(endpoint.check().await.unwrap_err().starts_with("unreachable: "));
    }
}
