//! The URL of a PostgreSQL database, in the form that libpq accepts. Messages name only the part that is wrong: the URL
//! contains a password, and a password that is not percent-encoded may look like any other part.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rustls::pki_types::ServerName;

use crate::domain::host::is_this_machine;
use crate::domain::secret::Secret;

/// The port of a host without one.
const DEFAULT_PORT: u16 = 5432;
/// The highest number of hosts.
const MAX_HOSTS: usize = 16;
/// The parameters that a URL may have.
const SUPPORTED: [&str; 4] = ["sslmode", "sslrootcert", "target_session_attrs", "application_name"];
/// The characters that are shown percent-encoded: all but the unreserved ones of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The message for a URL in which the end of the user name or password cannot be found.
const NOT_ENCODED: &str = "the user name or the password contains @, :, / or ?, or another part contains @; write %40 \
                           for @, %3A for :, %2F for / and %3F for ?";

/// A parsed URL. `Debug` shows neither the password nor the parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    /// The hosts, in the order in which they are tried. There is at least one.
    pub(in crate::store) hosts: Vec<Host>,
    pub(in crate::store) user: String,
    pub(in crate::store) password: Option<Secret>,
    pub(in crate::store) database: String,
    /// The PEM file with the root certificates. `None`: the root certificates of the operating system.
    pub(in crate::store) root_certificate: Option<PathBuf>,
    /// The name by which the server lists the connections.
    pub(in crate::store) application_name: String,
}

/// A host of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub(in crate::store) name: HostName,
    /// The TCP port. It is also part of the name of a Unix socket.
    pub(in crate::store) port: u16,
    /// Whether connections use TLS and verify the certificate and the host name.
    pub(in crate::store) uses_tls: bool,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostName {
    /// A host name in lower case, or an IP address without brackets.
    Tcp(String),
    /// The directory of the Unix socket.
    Socket(PathBuf),
}

impl PostgresUrl {
    /// Parses `postgres://user[:password]@host[:port][,…][/database][?parameter=value&…]`.
    ///
    /// # Errors
    /// A sentence that states what is accepted. It repeats no text of the URL except the name of a parameter.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        let rest = rest.ok_or("the URL must begin with postgres:// or postgresql://")?;
        if rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#') {
            return Err("the URL contains #, white space or a control character; percent-encode it (# as %23)".into());
        }
        let (authority, after) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (login, hosts) = authority.split_once('@').unwrap_or_default();
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        if after.contains('@') || hosts.contains('@') || password.contains(':') {
            return Err(NOT_ENCODED.into());
        }
        let user = decode(user, "the user name")?;
        if user.is_empty() {
            return Err("the URL has no user name; write postgres://user@host/database".into());
        }
        let password = Some(decode(password, "the password")?).filter(|password| !password.is_empty());
        let (path, query) = after.split_once('?').map_or((after, None), |(path, query)| (path, Some(query)));
        let database = database(path)?.unwrap_or_else(|| user.clone());
        let parameters = parameters(query)?;
        let value = |name: &str| parameters.get(name).map(String::as_str);
        let tls = requested_tls(value("sslmode"))?;
        let root_certificate = root_certificate(value("sslrootcert"), tls)?;
        // With `sslrootcert`, TLS is also used to this machine.
        let tls = tls.or(value("sslrootcert").map(|_| true));
        require_primary(value("target_session_attrs"))?;
        if hosts.split(',').count() > MAX_HOSTS {
            return Err(format!("the URL has more than {MAX_HOSTS} hosts"));
        }
        let hosts = (1..).zip(hosts.split(',')).map(|(number, host)| parse_host(host, number, tls));
        Ok(Self {
            hosts: hosts.collect::<Result<_, _>>()?,
            user,
            password: password.map(Secret::new),
            database,
            root_certificate,
            application_name: value("application_name").unwrap_or("otpd").to_owned(),
        })
    }

    /// The URL without its password and parameters, for logs.
    pub fn shown(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(Host::shown).collect();
        let user = utf8_percent_encode(&self.user, ENCODED);
        let database = utf8_percent_encode(&self.database, ENCODED);
        format!("postgres://{user}@{}/{database}", hosts.join(","))
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Host {
    /// The host and its port, as a URL contains them.
    pub(in crate::store) fn shown(&self) -> String {
        match &self.name {
            HostName::Tcp(address) if address.contains(':') => format!("[{address}]:{}", self.port),
            HostName::Tcp(name) => format!("{name}:{}", self.port),
            HostName::Socket(folder) => {
                format!("{}:{}", utf8_percent_encode(&folder.to_string_lossy(), ENCODED), self.port)
            }
        }
    }
}

/// Parses a host. `tls` is what `sslmode` requests.
fn parse_host(text: &str, number: usize, tls: Option<bool>) -> Result<Host, String> {
    let after_brackets = text.find(']').filter(|_| text.starts_with('[')).map(|at| at + 1);
    let (name, port) = text.split_at(after_brackets.or_else(|| text.find(':')).unwrap_or(text.len()));
    let name = host_name(name, number)?;
    let uses_tls = match &name {
        HostName::Socket(_) => false,
        HostName::Tcp(name) => tls.unwrap_or_else(|| !is_this_machine(name)),
    };
    let port = if port.is_empty() { DEFAULT_PORT } else { parse_port(port, number)? };
    Ok(Host { name, port, uses_tls })
}

/// Parses a host without its port.
fn host_name(text: &str, number: usize) -> Result<HostName, String> {
    let in_brackets = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = in_brackets.and_then(|address| address.parse::<Ipv6Addr>().ok()) {
        return Ok(HostName::Tcp(address.to_string()));
    }
    let name = decode(text, &format!("host {number}"))?;
    if name.starts_with('/') {
        return Ok(HostName::Socket(name.into()));
    }
    if ServerName::try_from(name.as_str()).is_err() {
        return Err(format!("host {number} must be a host name, an IP address or a socket directory (with %2F for /)"));
    }
    Ok(HostName::Tcp(name.to_ascii_lowercase()))
}

/// Parses the port that follows a host, with its colon.
fn parse_port(text: &str, number: usize) -> Result<u16, String> {
    let digits = text.strip_prefix(':').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let port = digits.and_then(|digits| digits.parse::<u16>().ok()).filter(|port| *port > 0);
    port.ok_or_else(|| format!("host {number}: the port must be 1 to 65535, and an IPv6 address must be in brackets"))
}

/// Parses the path of the URL, with its slash. `None`: it names no database.
fn database(path: &str) -> Result<Option<String>, String> {
    let name = path.strip_prefix('/').unwrap_or_default();
    if name.contains('/') {
        return Err("the database name contains /; write %2F for /".into());
    }
    Ok(Some(decode(name, "the database name")?).filter(|name| !name.is_empty()))
}

/// Parses the parameters. As in libpq, `+` stands for itself.
fn parameters(query: Option<&str>) -> Result<BTreeMap<&'static str, String>, String> {
    let mut found = BTreeMap::new();
    for (number, pair) in (1..).zip(query.into_iter().flat_map(|query| query.split('&'))) {
        let pair = pair.split_once('=').filter(|(_, value)| !value.is_empty() && !value.contains('='));
        let (name, value) = pair.ok_or_else(|| {
            format!("parameter {number} must be written name=value, with %3D for = and %26 for & in the value")
        })?;
        let name = decode(name, &format!("the name of parameter {number}"))?;
        let known = SUPPORTED.into_iter().find(|known| *known == name).ok_or_else(|| unsupported(&name, number))?;
        if found.insert(known, decode(value, &format!("the parameter {known}"))?).is_some() {
            return Err(format!("the parameter {known} is given more than once; keep one"));
        }
    }
    Ok(found)
}

/// The message for an unknown parameter. It repeats only what can be the name of a parameter.
fn unsupported(name: &str, number: usize) -> String {
    let can_repeat = (1..=40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let which = if can_repeat { format!("the parameter {name}") } else { format!("parameter {number}") };
    format!("{which} is not supported; use only {}", SUPPORTED.join(", "))
}

/// Whether `sslmode` requests TLS. `None`: TLS for all hosts but this machine.
fn requested_tls(value: Option<&str>) -> Result<Option<bool>, String> {
    let reason = match value {
        None => return Ok(None),
        Some("verify-full") => return Ok(Some(true)),
        Some("disable") => return Ok(Some(false)),
        Some("allow" | "prefer") => "allow and prefer permit connections without encryption",
        Some("require" | "verify-ca") => "require and verify-ca do not verify the host name of the server",
        Some(_) => return Err("sslmode must be verify-full or disable".into()),
    };
    Err(format!("sslmode: {reason}; use verify-full, with sslrootcert for a private CA"))
}

/// Parses `sslrootcert`. `None`: the root certificates of the operating system.
fn root_certificate(value: Option<&str>, tls: Option<bool>) -> Result<Option<PathBuf>, String> {
    match value {
        None => Ok(None),
        Some(_) if tls == Some(false) => Err("sslrootcert contradicts sslmode=disable; remove one of the two".into()),
        Some("system") => Ok(None),
        Some(path) if Path::new(path).is_absolute() => Ok(Some(path.into())),
        Some(_) => Err("sslrootcert must be `system` or the absolute path of a PEM file".into()),
    }
}

/// Refuses to use servers that accept no writes.
fn require_primary(value: Option<&str>) -> Result<(), String> {
    match value {
        None | Some("primary" | "read-write") => Ok(()),
        Some("any" | "read-only" | "standby" | "prefer-standby") => {
            Err("target_session_attrs permits a read-only server, but otpd writes; use primary or leave it out".into())
        }
        Some(_) => Err("target_session_attrs must be primary or read-write".into()),
    }
}

/// Percent-decodes a part of the URL. `part` names it in messages.
fn decode(text: &str, part: &str) -> Result<String, String> {
    let begins_code = |rest: &str| rest.as_bytes().get(..2).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit));
    if !text.split('%').skip(1).all(begins_code) {
        return Err(format!("{part}: two hexadecimal digits must follow %; write %25 for the character % itself"));
    }
    let decoded = percent_decode_str(text).decode_utf8().ok().filter(|decoded| !decoded.contains('\0'));
    decoded.map(Into::into).ok_or_else(|| format!("{part} must be UTF-8 without NUL bytes"))
}

#[cfg(test)]
mod tests;
