//! `[[events]]`: the endpoints that get events.

use crate::config::layers::Layers;
use crate::config::table::{EVENTS, Table};
use crate::delivery::{EndpointSettings, ReadKeys, timeout};
use crate::domain::host::is_this_machine;
use crate::domain::webhook::{EventType, WebhookSecret};
use crate::error::ConfigError;

const URL: &str = "a URL such as https://example.com/otpd, without user name and password";
const SECRET: &str = "whsec_ and the Base64 form of 24 to 64 random bytes";
const TYPES: &str = "a list of otp.sent, otp.delivered, otp.undelivered, otp.verified and otp.locked_out";

/// Reads the endpoints.
pub(super) fn read(layers: &Layers) -> Result<Vec<EndpointSettings>, ConfigError> {
    let mut endpoints: Vec<EndpointSettings> = Vec::new();
    for table in layers.tables(EVENTS)? {
        let endpoint = endpoint(&table)?;
        if endpoints.iter().any(|other| other.url == endpoint.url) {
            return Err(table.refused("url", "a URL that no other [[events]] table has"));
        }
        endpoints.push(endpoint);
    }
    Ok(endpoints)
}

fn endpoint(table: &Table<'_>) -> Result<EndpointSettings, ConfigError> {
    let keys: &dyn ReadKeys = table;
    let url = keys.secret("url")?;
    let url = EndpointSettings::parse_url(url.reveal()).ok_or_else(|| keys.refused("url", URL))?;
    let secret = keys.secret("secret")?;
    let secret = WebhookSecret::parse(secret.reveal()).ok_or_else(|| keys.refused("secret", SECRET))?;
    let types = table.list_of("types", TYPES, |text| text.parse::<EventType>().ok())?;
    let endpoint = EndpointSettings {
        url,
        secret,
        types: types.unwrap_or_else(|| EventType::ALL.to_vec()),
        include_recipient: keys.parsed("include_recipient", "true or false", false, |text| text.parse().ok())?,
        timeout: timeout(keys)?,
    };
    table.finish()?;
    Ok(endpoint)
}

/// A warning for each endpoint that gets events without TLS, unless it is on this machine.
pub(super) fn warnings(endpoints: &[EndpointSettings]) -> Vec<String> {
    let exposed =
        endpoints.iter().filter(|endpoint| endpoint.url.scheme() == "http" && !is_this_machine(endpoint.host()));
    exposed.map(|endpoint| format!("events to {} are sent unencrypted; use https", endpoint.name())).collect()
}
