//! `[[delivery.sms]]` and `[[delivery.email]]`: reads the keys of each provider type.

mod http;
mod smtp;

use std::time::Duration;

use reqwest::Url;

use crate::config::error::ConfigError;
use crate::config::nearest::nearest;
use crate::config::providers::http::http;
use crate::config::providers::smtp::smtp;
use crate::config::table::Table;
use crate::delivery::{
    Connection, Ghasedak, Ippanel, Kavenegar, Login, Melipayamak, PanelTemplates, ProviderSettings, SmsIr,
};
use crate::domain::host::ascii_domain;
use crate::domain::message::Channel;
use crate::domain::purpose::Purpose;
use crate::domain::secret::Secret;

const TIMEOUT: Duration = Duration::from_secs(10);
const SMS: [&str; 7] = ["inbox", "kavenegar", "ippanel", "melipayamak", "smsir", "ghasedak", "http"];
const EMAIL: [&str; 3] = ["inbox", "smtp", "http"];

/// Reads a provider of a channel.
pub(super) fn provider(table: &Table<'_>, channel: Channel) -> Result<ProviderSettings, ConfigError> {
    let kind = table.text("type")?;
    let name = table.parsed("name", "1 to 64 characters", kind.clone(), |name| {
        let is_name = (1..=64).contains(&name.chars().count()) && !name.contains(char::is_control);
        is_name.then(|| name.to_owned())
    })?;
    let settings = match (channel, kind.as_str()) {
        (_, "inbox") => ProviderSettings::Inbox { name },
        (_, "http") => http(table, name)?,
        (Channel::Email, "smtp") => ProviderSettings::Smtp { name, smtp: smtp(table)? },
        (Channel::Sms, "kavenegar") => {
            let gateway = Kavenegar { api_key: table.secret("api_key")?, templates: templates(table)? };
            ProviderSettings::Kavenegar(connection(table, name, Kavenegar::BASE_URL)?, gateway)
        }
        (Channel::Sms, "ippanel") => {
            ProviderSettings::Ippanel(connection(table, name, Ippanel::BASE_URL)?, ippanel(table)?)
        }
        (Channel::Sms, "melipayamak") => {
            let gateway = melipayamak(table)?;
            ProviderSettings::Melipayamak(connection(table, name, gateway.login.base_url())?, gateway)
        }
        (Channel::Sms, "smsir") => ProviderSettings::SmsIr(connection(table, name, SmsIr::BASE_URL)?, smsir(table)?),
        (Channel::Sms, "ghasedak") => {
            ProviderSettings::Ghasedak(connection(table, name, Ghasedak::BASE_URL)?, ghasedak(table)?)
        }
        (Channel::Sms, _) => return Err(unknown_type(table, &kind, &SMS)),
        (Channel::Email, _) => return Err(unknown_type(table, &kind, &EMAIL)),
    };
    table.finish()?;
    Ok(settings)
}

fn unknown_type(table: &Table<'_>, given: &str, types: &[&str]) -> ConfigError {
    let (last, others) = types.split_last().unwrap_or((&"", &[]));
    let guess = nearest(given, types.iter().copied()).map_or_else(String::new, |it| format!("; did you mean {it}?"));
    table.refused("type", &format!("{} or {last}{guess}", others.join(", ")))
}

fn ippanel(table: &Table<'_>) -> Result<Ippanel, ConfigError> {
    Ok(Ippanel {
        api_key: header_key(table)?,
        sender: table.text("sender")?,
        templates: templates(table)?,
        parameter: parameter(table, "code")?,
    })
}

fn melipayamak(table: &Table<'_>) -> Result<Melipayamak, ConfigError> {
    Ok(match table.optional_secret("api_key")? {
        Some(api_key) => {
            Melipayamak { login: Login::Console { api_key }, templates: numbered_templates(table, "the bodyId")? }
        }
        None => Melipayamak {
            login: Login::Rest { username: table.text("username")?, password: table.secret("password")? },
            templates: templates(table)?,
        },
    })
}

fn smsir(table: &Table<'_>) -> Result<SmsIr, ConfigError> {
    Ok(SmsIr {
        api_key: header_key(table)?,
        templates: numbered_templates(table, "the templateId")?,
        parameter: parameter(table, "CODE")?,
    })
}

fn ghasedak(table: &Table<'_>) -> Result<Ghasedak, ConfigError> {
    Ok(Ghasedak { api_key: header_key(table)?, templates: templates(table)?, parameter: parameter(table, "Code")? })
}

fn connection(table: &Table<'_>, name: String, base_url: &str) -> Result<Connection, ConfigError> {
    Ok(Connection {
        name,
        base_url: table.optional_secret("base_url")?.unwrap_or_else(|| Secret::new(base_url.to_owned())),
        timeout: table.duration("timeout", TIMEOUT)?,
        proxy: proxy(table)?,
    })
}

fn proxy(table: &Table<'_>) -> Result<Option<Secret>, ConfigError> {
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

/// Reads `template`, and the `templates` by purpose.
fn templates(table: &Table<'_>) -> Result<PanelTemplates, ConfigError> {
    let by_purpose = table.texts("templates")?;
    if by_purpose.keys().any(|purpose| Purpose::parse(purpose).is_err()) {
        return Err(table.refused("templates", "a table from purposes to names of templates"));
    }
    Ok(PanelTemplates { general: table.text("template")?, by_purpose })
}

/// Reads templates that are identified by numbers. `what` is the provider's name for the number.
fn numbered_templates(table: &Table<'_>, what: &str) -> Result<PanelTemplates, ConfigError> {
    let templates = templates(table)?;
    if templates.names().any(|name| name.parse::<i64>().is_err()) {
        return Err(table.refused("template", &format!("{what}, a number")));
    }
    Ok(templates)
}

fn parameter(table: &Table<'_>, default: &str) -> Result<String, ConfigError> {
    Ok(table.optional("parameter")?.unwrap_or_else(|| default.to_owned()))
}

/// Reads an API key that is sent in a header.
fn header_key(table: &Table<'_>) -> Result<Secret, ConfigError> {
    let key = table.secret("api_key")?;
    if key.reveal().bytes().all(|b| b.is_ascii_graphic()) {
        Ok(key)
    } else {
        Err(table.refused("api_key", "a key of visible ASCII characters"))
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
