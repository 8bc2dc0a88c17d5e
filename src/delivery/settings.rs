//! Provider settings and construction of providers from them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use reqwest::Url;

use crate::delivery::Provider;
use crate::delivery::gateway::{Connection, HttpProvider};
use crate::delivery::ghasedak::Ghasedak;
use crate::delivery::http::Http;
use crate::delivery::inbox::{Inbox, Keep};
use crate::delivery::ippanel::Ippanel;
use crate::delivery::kavenegar::Kavenegar;
use crate::delivery::melipayamak::Melipayamak;
use crate::delivery::smsir::SmsIr;
use crate::delivery::smtp::{Security, Smtp, SmtpProvider};
use crate::domain::message::Message;

/// The names of approved templates that are stored in the panel of a gateway.
#[derive(Clone, Debug)]
pub struct PanelTemplates {
    /// The template for purposes that are not in `by_purpose`.
    pub general: String,
    pub by_purpose: BTreeMap<String, String>,
}

impl PanelTemplates {
    pub(super) fn name_for(&self, message: &Message) -> &str {
        self.by_purpose.get(message.purpose.as_str()).unwrap_or(&self.general)
    }

    /// Returns the template number, for panels that identify templates by number.
    ///
    /// # Errors
    /// The configured name is not a number.
    pub(super) fn number_for(&self, message: &Message) -> Result<i64, String> {
        self.name_for(message).parse().map_err(|_| "the template is a number".to_owned())
    }

    /// Returns the names of all templates.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_purpose.values().chain([&self.general]).map(String::as_str)
    }
}

/// A `[[delivery.sms]]` or `[[delivery.email]]` table.
#[derive(Clone, Debug)]
pub enum ProviderSettings {
    Inbox { name: String },
    Smtp { name: String, smtp: Smtp },
    Kavenegar(Connection, Kavenegar),
    Ippanel(Connection, Ippanel),
    Melipayamak(Connection, Melipayamak),
    SmsIr(Connection, SmsIr),
    Ghasedak(Connection, Ghasedak),
    Http(Connection, Http),
}

impl ProviderSettings {
    pub fn is_inbox(&self) -> bool {
        matches!(self, Self::Inbox { .. })
    }

    /// Returns the configured name.
    pub fn name(&self) -> &str {
        match self {
            Self::Inbox { name } | Self::Smtp { name, .. } => name,
            Self::Kavenegar(connection, _)
            | Self::Ippanel(connection, _)
            | Self::Melipayamak(connection, _)
            | Self::SmsIr(connection, _)
            | Self::Ghasedak(connection, _)
            | Self::Http(connection, _) => &connection.name,
        }
    }

    /// Returns a warning if secrets are sent unencrypted to another host.
    pub fn exposure(&self) -> Option<String> {
        let what = match self {
            Self::Smtp { .. } => "its password and codes",
            _ => "its key and codes",
        };
        let host = self.host_in_the_clear()?;
        let is_here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        (!is_here).then(|| format!("{}: {what} go over the network in the clear; use TLS", self.name()))
    }

    /// Returns the host that secrets are sent to without TLS.
    fn host_in_the_clear(&self) -> Option<String> {
        match self {
            Self::Inbox { .. } => None,
            Self::Smtp { smtp, .. } => {
                (smtp.security == Security::Plain && smtp.login.is_some()).then(|| smtp.host.clone())
            }
            Self::Kavenegar(connection, _)
            | Self::Ippanel(connection, _)
            | Self::Melipayamak(connection, _)
            | Self::SmsIr(connection, _)
            | Self::Ghasedak(connection, _)
            | Self::Http(connection, _) => {
                let url = Url::parse(connection.base_url.reveal()).ok().filter(|url| url.scheme() != "https")?;
                Some(url.host_str()?.trim_matches(['[', ']']).to_owned())
            }
        }
    }

    /// Returns a warning if the port is usually used with another value of `security`.
    pub fn unusual_port(&self) -> Option<String> {
        let Self::Smtp { name, smtp } = self else { return None };
        match (smtp.port, smtp.security) {
            (25 | 587, Security::Tls) => Some(format!(
                "{name}: port {} usually begins without TLS; if no connection comes about, write security = \"starttls\"",
                smtp.port
            )),
            (465, Security::Plain) => Some(format!(
                "{name}: port 465 usually speaks TLS; if no connection comes about, write security = \"tls\""
            )),
            _ => None,
        }
    }

    /// Returns whether the provider uses panel templates.
    pub fn has_panel_templates(&self) -> bool {
        !matches!(self, Self::Inbox { .. } | Self::Smtp { .. } | Self::Http(..))
    }

    /// Builds the provider. `keep` stores the messages of the development inbox.
    ///
    /// # Errors
    /// A description of the invalid base URL, proxy or certificate.
    pub fn build(self, keep: &Keep) -> Result<Box<dyn Provider>, String> {
        Ok(match self {
            Self::Inbox { name } => Box::new(Inbox::new(name, Keep::clone(keep))),
            Self::Smtp { name, smtp } => Box::new(SmtpProvider::new(name, smtp)?),
            Self::Kavenegar(connection, gateway) => Box::new(HttpProvider::new(connection, gateway)?),
            Self::Ippanel(connection, gateway) => Box::new(HttpProvider::new(connection, gateway)?),
            Self::Melipayamak(connection, gateway) => Box::new(HttpProvider::new(connection, gateway)?),
            Self::SmsIr(connection, gateway) => Box::new(HttpProvider::new(connection, gateway)?),
            Self::Ghasedak(connection, gateway) => Box::new(HttpProvider::new(connection, gateway)?),
            Self::Http(connection, gateway) => Box::new(HttpProvider::new(connection, gateway)?),
        })
    }
}
