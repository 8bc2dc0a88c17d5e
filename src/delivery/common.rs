//! Settings that several types of providers have.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::Url;

use crate::delivery::read_keys::ReadKeys;
use crate::domain::host::{ascii_domain, is_this_machine};
use crate::domain::message::Message;
use crate::domain::purpose::Purpose;
use crate::domain::recipient::MobileNumber;
use crate::domain::secret::Secret;
use crate::error::ConfigError;

/// The connection settings of a gateway.
#[derive(Clone, Debug)]
pub struct Connection {
    pub name: String,
    pub base_url: Secret,
    pub timeout: Duration,
    /// An HTTP or SOCKS5 proxy for outgoing requests.
    pub proxy: Option<Secret>,
}

impl Connection {
    /// Reads the connection of a gateway. `base_url` is the default.
    pub(super) fn read(table: &dyn ReadKeys, name: String, base_url: &str) -> Result<Self, ConfigError> {
        let base_url = table.optional_secret("base_url")?.unwrap_or_else(|| Secret::new(base_url.to_owned()));
        Ok(Self { name, base_url, timeout: timeout(table)?, proxy: proxy(table)? })
    }

    /// Returns the host that secrets are sent to without TLS.
    pub(super) fn unencrypted_host(&self) -> Option<String> {
        let url = Url::parse(self.base_url.reveal()).ok().filter(|url| url.scheme() != "https")?;
        Some(url.host_str()?.trim_matches(['[', ']']).to_owned())
    }
}

/// Reads the timeout of a request.
///
/// # Errors
/// It is not a duration from 1s to 120s.
pub fn timeout(table: &dyn ReadKeys) -> Result<Duration, ConfigError> {
    let range = Duration::from_secs(1)..=Duration::from_secs(120);
    table.parsed("timeout", "a duration from 1s to 120s", Duration::from_secs(10), |text| {
        humantime::parse_duration(text).ok().filter(|duration| range.contains(duration))
    })
}

pub(super) fn proxy(table: &dyn ReadKeys) -> Result<Option<Secret>, ConfigError> {
    let accepted = "a URL such as http://proxy:3128 or socks5://user:password@proxy:1080";
    let proxy = table.optional_secret("proxy")?.map(|proxy| proxy_url(&proxy));
    proxy.map(|url| url.ok_or_else(|| table.refused("proxy", accepted))).transpose()
}

/// Parses the URL of a proxy and converts its host to ASCII. The `url` crate does not convert hosts of SOCKS URLs,
/// because it does not know the scheme.
fn proxy_url(proxy: &Secret) -> Option<Secret> {
    let mut url = Url::parse(proxy.reveal()).ok().filter(Url::has_host)?;
    if !["http", "https", "socks5", "socks5h"].contains(&url.scheme()) {
        return None;
    }
    if proxy.reveal().is_ascii() {
        return Some(proxy.clone());
    }
    let host = url.host_str()?.to_owned();
    if host.contains('%') {
        let (host, _) = form_urlencoded::parse(host.as_bytes()).next()?;
        url.set_host(Some(&ascii_domain(&host)?)).ok()?;
    }
    Some(Secret::new(url.into()))
}

/// Returns a warning if `what` (secrets) and codes are sent without TLS to `host`, unless it is this machine.
pub(super) fn exposure(name: &str, what: &str, host: &str) -> Option<String> {
    (!is_this_machine(host)).then(|| format!("{name}: the {what} and codes are sent unencrypted; use TLS"))
}

/// Reads an API key that is sent in a header.
pub(super) fn header_key(table: &dyn ReadKeys) -> Result<Secret, ConfigError> {
    let key = table.secret("api_key")?;
    let is_visible = key.reveal().bytes().all(|b| b.is_ascii_graphic());
    if is_visible { Ok(key) } else { Err(table.refused("api_key", "a key of visible ASCII characters")) }
}

/// Reads a login that gateways with user name and password have.
pub(super) fn login(table: &dyn ReadKeys) -> Result<(String, Secret), ConfigError> {
    let username = table.masked("username")?.filter(|text| !text.trim().is_empty());
    Ok((username.ok_or_else(|| table.missing("username"))?, table.secret("password")?))
}

/// Reads the name of the template parameter for the code.
pub(super) fn parameter(table: &dyn ReadKeys, default: &str) -> Result<String, ConfigError> {
    Ok(table.optional("parameter")?.unwrap_or_else(|| default.to_owned()))
}

/// Returns the number of the recipient as `+98…`, or nothing for an address.
pub(super) fn international(message: &Message) -> String {
    message.recipient.mobile_number().map(MobileNumber::international).unwrap_or_default()
}

/// Returns the number of the recipient as `98…`, or nothing for an address.
pub(super) fn national(message: &Message) -> String {
    international(message).trim_start_matches('+').to_owned()
}

/// The names of approved templates that are stored in the panel of a gateway.
#[derive(Clone, Debug)]
pub(super) struct PanelTemplates {
    /// The template for purposes that are not in `by_purpose`.
    general: String,
    by_purpose: BTreeMap<String, String>,
}

impl PanelTemplates {
    pub(super) fn name_for(&self, message: &Message) -> &str {
        self.by_purpose.get(message.purpose.as_str()).unwrap_or(&self.general)
    }

    /// Returns the different names of all templates.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.by_purpose.values().chain([&self.general]).map(String::as_str).collect()
    }

    /// Returns the template number, for panels that identify templates by number.
    ///
    /// # Errors
    /// The configured name is not a number.
    pub(super) fn number_for(&self, message: &Message) -> Result<i64, String> {
        self.name_for(message).parse().map_err(|_| "the template must be a number".to_owned())
    }

    /// Reads `template`, and the `templates` by purpose.
    pub(super) fn read(table: &dyn ReadKeys) -> Result<Self, ConfigError> {
        let by_purpose = table.texts("templates")?;
        if by_purpose.keys().any(|purpose| Purpose::parse(purpose).is_err()) {
            return Err(table.refused("templates", "a table that maps purposes to template names"));
        }
        Ok(Self { general: table.text("template")?, by_purpose })
    }

    /// Reads templates that are identified by numbers. `what` is the provider's name for the number.
    pub(super) fn read_numbered(table: &dyn ReadKeys, what: &str) -> Result<Self, ConfigError> {
        let templates = Self::read(table)?;
        if !templates.names().iter().all(|name| name.parse::<i64>().is_ok()) {
            return Err(table.refused("template", &format!("{what} (a number)")));
        }
        Ok(templates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_proxy_may_be_an_international_domain() {
        for (text, url) in [
            ("http://proxy:3128", Some("http://proxy:3128")),
            ("socks5://user:pass%20word@proxy:1080", Some("socks5://user:pass%20word@proxy:1080")),
            ("http://proxy.münchen.example:3128", Some("http://proxy.xn--mnchen-3ya.example:3128/")),
            (
                "socks5h://user:secret@proxy.münchen.example:1080",
                Some("socks5h://user:secret@proxy.xn--mnchen-3ya.example:1080"),
            ),
            ("socks5://mün chen", None),
            ("ftp://proxy", None),
            ("proxy:3128", None),
        ] {
            let found = proxy_url(&Secret::new(text.to_owned()));
            assert_eq!(found.as_ref().map(Secret::reveal), url, "{text}");
        }
    }
}
