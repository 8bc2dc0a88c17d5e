//! `[[delivery.sms]]` and `[[delivery.email]]`: which keys each type of provider has.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderName};

use crate::config::ConfigError;
use crate::config::table::Table;
use crate::delivery::{
    Connection, Ghasedak, Http, Ippanel, Kavenegar, Login, Melipayamak, PanelTemplates, ProviderSettings, Security,
    SmsIr, Smtp,
};
use crate::domain::message::Channel;
use crate::domain::purpose::Purpose;
use crate::domain::secret::Secret;

const TIMEOUT: Duration = Duration::from_secs(10);
const SMS: &str = "inbox, kavenegar, ippanel, melipayamak, smsir, ghasedak or http";
const EMAIL: &str = "inbox, smtp or http";

/// A provider of a channel.
pub(super) fn provider(table: &Table<'_>, channel: Channel) -> Result<ProviderSettings, ConfigError> {
    let kind = table.text("type")?;
    let name = table.optional("name")?.unwrap_or_else(|| kind.clone());
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
        (Channel::Sms, _) => return Err(table.refused("type", SMS)),
        (Channel::Email, _) => return Err(table.refused("type", EMAIL)),
    };
    table.finish()?;
    Ok(settings)
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
    let is_known = |url: Url| ["http", "https", "socks5", "socks5h"].contains(&url.scheme()) && url.has_host();
    match table.optional_secret("proxy")? {
        Some(proxy) if !Url::parse(proxy.reveal()).is_ok_and(is_known) => {
            Err(table.refused("proxy", "a URL such as http://proxy:3128 or socks5://user:password@proxy:1080"))
        }
        proxy => Ok(proxy),
    }
}

/// `template`, and `templates` by purpose.
fn templates(table: &Table<'_>) -> Result<PanelTemplates, ConfigError> {
    let by_purpose = table.texts("templates")?;
    if by_purpose.keys().any(|purpose| Purpose::parse(purpose).is_err()) {
        return Err(table.refused("templates", "a table from purposes to names of templates"));
    }
    Ok(PanelTemplates { general: table.text("template")?, by_purpose })
}

/// Templates of a panel that calls them by numbers; `what` it calls the number.
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

/// A key that goes into a header.
fn header_key(table: &Table<'_>) -> Result<Secret, ConfigError> {
    let key = table.secret("api_key")?;
    if key.reveal().bytes().all(|b| b.is_ascii_graphic()) {
        Ok(key)
    } else {
        Err(table.refused("api_key", "a key of visible ASCII characters"))
    }
}

fn http(table: &Table<'_>, name: String) -> Result<ProviderSettings, ConfigError> {
    let url = table.secret("url")?;
    let (origin, path) =
        Http::split(url.reveal()).map_err(|cause| table.refused("url", &format!("an absolute URL ({cause})")))?;
    let header = |(name, value): (String, String)| {
        let refused = || table.refused("headers", "a table of HTTP headers");
        let name = name.parse().map_err(|_| refused())?;
        if value.chars().any(char::is_control) {
            return Err(refused());
        }
        Ok((name, Secret::new(value)))
    };
    let body = table.optional_secret("body")?;
    let mut headers: Vec<(HeaderName, Secret)> =
        table.texts("headers")?.into_iter().map(header).collect::<Result<_, ConfigError>>()?;
    if let (Some(body), None) = (&body, headers.iter().find(|(name, _)| *name == CONTENT_TYPE)) {
        headers.push((CONTENT_TYPE, Secret::new(Http::content_type(body.reveal()).to_owned())));
    }
    let gateway = Http {
        method: table.parsed("method", "GET, POST or PUT", reqwest::Method::POST, |text| {
            ["GET", "POST", "PUT"].contains(&text).then(|| text.parse().ok()).flatten()
        })?,
        path: Secret::new(path),
        headers,
        body,
        success_pointer: pointer(table, "success_pointer")?,
        success_value: table.optional("success_value")?.unwrap_or_else(|| "true".to_owned()),
        id_pointer: pointer(table, "id_pointer")?,
    };
    gateway
        .require_sound()
        .map_err(|cause| table.refused("url", &format!("a request that says what to whom ({cause})")))?;
    let (timeout, proxy) = (table.duration("timeout", TIMEOUT)?, proxy(table)?);
    Ok(ProviderSettings::Http(Connection { name, base_url: Secret::new(origin), timeout, proxy }, gateway))
}

fn pointer(table: &Table<'_>, name: &str) -> Result<Option<String>, ConfigError> {
    let accepted = "a JSON pointer such as /status";
    table.parsed(name, accepted, None, |text| text.starts_with('/').then(|| Some(text.to_owned())))
}

fn smtp(table: &Table<'_>) -> Result<Smtp, ConfigError> {
    let security = table.parsed("security", "starttls, tls or none", Security::StartTls, |text| match text {
        "starttls" => Some(Security::StartTls),
        "tls" => Some(Security::Tls),
        "none" => Some(Security::Plain),
        _ => None,
    })?;
    let usual = match security {
        Security::StartTls => 587,
        Security::Tls => 465,
        Security::Plain => 25,
    };
    let login = match table.optional("username")? {
        Some(user) => Some((user, table.secret("password")?)),
        None => None,
    };
    let ca = table.optional("ca_file")?.map(|path| {
        std::fs::read_to_string(&path)
            .map_err(|cause| table.refused("ca_file", &format!("a PEM file; {path}: {cause}")))
    });
    Ok(Smtp {
        host: table.text("host")?,
        port: table
            .parsed("port", "a port from 1 to 65535", usual, |text| text.parse().ok().filter(|port| *port > 0))?,
        security,
        login,
        from: table.text("from")?.parse().map_err(|_| table.refused("from", "an address, or \"Name <address>\""))?,
        timeout: table.duration("timeout", TIMEOUT)?,
        proxy: proxy(table)?,
        ca: ca.transpose()?,
    })
}
