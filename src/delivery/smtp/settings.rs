//! The settings of a mail server.

use std::net::IpAddr;
use std::time::Duration;

use lettre::transport::smtp::extension::ClientId;
use strum::EnumString;

use crate::delivery::common::{proxy, timeout};
use crate::delivery::read_keys::ReadKeys;
use crate::delivery::settings::ProviderSettings;
use crate::delivery::smtp::mail::Sender;
use crate::domain::host::ascii_domain;
use crate::domain::secret::Secret;
use crate::error::ConfigError;

/// The port for implicit TLS (RFC 8314, 7.3).
const SUBMISSIONS: u16 = 465;

/// `[[delivery.email]]` with `type = "smtp"`. All domains are in ASCII form.
#[derive(Clone, Debug)]
pub struct Smtp {
    pub name: String,
    /// A host name, or an IP address without brackets.
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub login: Option<(String, Secret)>,
    pub from: Sender,
    /// The name in EHLO. `None`: the host name if it is fully qualified, else the domain of the sender.
    pub hello: Option<ClientId>,
    /// Timeout for the login, and for each mail.
    pub timeout: Duration,
    /// Idle timeout of a session.
    pub idle: Duration,
    /// An HTTP or SOCKS5 proxy for outgoing connections.
    pub proxy: Option<Secret>,
    /// A trusted certificate in PEM, in addition to those of the system.
    pub ca: Option<String>,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Security {
    /// Starts unencrypted and must switch to TLS.
    StartTls,
    Tls,
    /// Unencrypted, for a mail server on the same host.
    #[strum(serialize = "none")]
    Plain,
}

impl Smtp {
    /// Default idle timeout of a session. Tests use other values. Mail servers wait for minutes (RFC 5321, 4.5.3.2.7).
    pub const IDLE: Duration = Duration::from_secs(30);

    /// Returns a warning if the port is usually used with another value of `security`.
    pub(super) fn unusual_port(&self) -> Option<String> {
        let (name, port) = (&self.name, self.port);
        let (usually, security) = match (port, self.security) {
            (25 | 587, Security::Tls) => ("starts without TLS", "starttls"),
            (465, Security::Plain) => ("uses TLS", "tls"),
            _ => return None,
        };
        Some(format!("{name}: port {port} usually {usually}; if the connection fails, set security = \"{security}\""))
    }
}

/// Reads a mail server with the given name.
pub(in crate::delivery) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let host = host(table)?;
    let (security, port) = security_and_port(table)?;
    let login = table.masked("username")?.map(|user| Ok((user, table.secret("password")?)));
    let from = table.text("from")?;
    let smtp = Smtp {
        name,
        host,
        port,
        security,
        login: login.transpose()?,
        from: from.parse().map_err(|accepted| table.refused("from", accepted))?,
        hello: table.parsed("hello", "a host name such as otp.example.com, or an IP address", None, hello)?,
        timeout: timeout(table)?,
        idle: Smtp::IDLE,
        proxy: proxy(table)?,
        ca: table.file("ca_file", "a PEM file")?,
    };
    Ok(smtp.into())
}

fn security_and_port(table: &dyn ReadKeys) -> Result<(Security, u16), ConfigError> {
    let security = table.parsed("security", "starttls, tls or none", Security::StartTls, |text| text.parse().ok())?;
    let usual = match security {
        Security::StartTls => 587,
        Security::Tls => SUBMISSIONS,
        Security::Plain => 25,
    };
    let port =
        table.parsed("port", "a port from 1 to 65535", usual, |text| text.parse().ok().filter(|port| *port > 0))?;
    if (security, port) == (Security::StartTls, SUBMISSIONS) {
        return Err(table.fault("port", "= 465 is the port for implicit TLS; set security = \"tls\""));
    }
    Ok((security, port))
}

/// Reads a host name (converted to ASCII) or an IP address (without brackets). Messages do not contain the value,
/// because it may contain a password.
fn host(table: &dyn ReadKeys) -> Result<String, ConfigError> {
    let text = table.unchecked("host")?.unwrap_or_default();
    let text = text.trim();
    if text.is_empty() {
        return table.text("host");
    }
    host_name(text).ok_or_else(|| {
        let alone = "a host name only, such as mail.example.com";
        let hint = if text.contains('@') {
            "; set username and password for the login"
        } else if text.contains("://") {
            ", without smtp://"
        } else if text.contains(':') {
            "; set port for the port"
        } else {
            ""
        };
        table.refused("host", &format!("{alone}{hint}"))
    })
}

fn host_name(text: &str) -> Option<String> {
    let is_in_brackets = |text: &&str| !text.contains(['[', ']']);
    let address =
        text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).or(Some(text).filter(is_in_brackets))?;
    if let Ok(address) = address.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    ascii_domain(text).or_else(|| local_name(text))
}

/// Parses a name that is not a valid domain name but that a resolver may accept: with an underscore or a trailing dot.
fn local_name(text: &str) -> Option<String> {
    let is_label = |label: &str| {
        let is_inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(is_inside)
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    name.split('.').all(is_label).then(|| text.to_ascii_lowercase())
}

fn hello(text: &str) -> Option<Option<ClientId>> {
    let address = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = address.strip_prefix("IPv6:").unwrap_or(address);
    match address.parse() {
        Ok(IpAddr::V4(address)) => Some(Some(ClientId::Ipv4(address))),
        Ok(IpAddr::V6(address)) => Some(Some(ClientId::Ipv6(address))),
        Err(_) => ascii_domain(text).map(ClientId::Domain).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_host_name_or_an_ip_address() {
        for (text, host) in [
            ("mail.example.com", Some("mail.example.com")),
            ("Mail.Example.COM", Some("mail.example.com")),
            ("mail.münchen.example", Some("mail.xn--mnchen-3ya.example")),
            ("mail.ｅxample.com", Some("mail.example.com")),
            ("localhost", Some("localhost")),
            ("mail_server", Some("mail_server")),
            ("mail.example.com.", Some("mail.example.com.")),
            ("192.0.2.1", Some("192.0.2.1")),
            ("2001:DB8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("smtp://mail.example.com", None),
            ("mail.example.com:587", None),
            ("[2001:db8::1]:587", None),
            ("user:secret@mail.example.com", None),
            ("mail.example.com/", None),
            ("no host", None),
            ("-", None),
            (".", None),
        ] {
            assert_eq!(host_name(text).as_deref(), host, "{text}");
        }
    }

    #[test]
    fn the_ehlo_name_is_a_domain_or_an_address() {
        for (text, said) in [
            ("otp.example.com", Some("otp.example.com")),
            ("otp.münchen.example", Some("otp.xn--mnchen-3ya.example")),
            ("192.0.2.1", Some("[192.0.2.1]")),
            ("[192.0.2.1]", Some("[192.0.2.1]")),
            ("2001:db8::1", Some("[IPv6:2001:db8::1]")),
            ("[IPv6:2001:db8::1]", Some("[IPv6:2001:db8::1]")),
            ("", None),
            ("otp example", None),
            ("otp.example.com\r\nMAIL FROM:<a@b>", None),
        ] {
            assert_eq!(hello(text).flatten().map(|id| id.to_string()).as_deref(), said, "{text}");
        }
    }
}
