//! The client's address, and the URL that the client used. Behind a reverse proxy, both come from forwarded headers.
//! Only headers from proxies in `server.trusted_proxies` are used.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{FORWARDED, HOST, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The trusted proxies, stored in the app data.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(pub Vec<IpNet>);

impl TrustedProxies {
    fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// The URL of a request as used by the client, without the query string.
pub(super) fn url(request: &HttpRequest, proxies: &TrustedProxies) -> String {
    format!("{}{}", origin(request, proxies), request.path())
}

/// Scheme and host as used by the client, such as `https://otp.example.com`.
pub(super) fn origin(request: &HttpRequest, proxies: &TrustedProxies) -> String {
    let forwarded =
        request.peer_addr().filter(|peer| proxies.trust(peer.ip())).and_then(|_| forwarded_parts(request, proxies));
    let (scheme, host) = forwarded.unwrap_or_default();
    let scheme =
        scheme.filter(|scheme| matches!(scheme.as_str(), "http" | "https")).unwrap_or_else(|| "http".to_owned());
    let host = host.filter(|host| is_host(host)).unwrap_or_else(|| own_host(request));
    format!("{scheme}://{host}")
}

/// The host in the request, or the local address of the server.
fn own_host(request: &HttpRequest) -> String {
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    authority
        .or_else(|| header(request, &HOST))
        .filter(|host| is_host(host))
        .unwrap_or_else(|| request.app_config().local_addr().to_string())
}

type ForwardedParts = (Option<String>, Option<String>);

/// Scheme and host as seen by the outermost trusted proxy. Each proxy appends its entry on the right, so entries are
/// read from the right, skipping those whose client is another trusted proxy.
fn forwarded_parts(request: &HttpRequest, proxies: &TrustedProxies) -> Option<ForwardedParts> {
    let clients = clients(request);
    if let Some(forwarded) = header(request, &FORWARDED) {
        let entry = forwarded.split(',').nth(outermost(&clients, proxies)?)?;
        return Some((directive(entry, "proto").map(|scheme| scheme.to_ascii_lowercase()), directive(entry, "host")));
    }
    let hops_inward = outermost(&clients, proxies).map_or(0, |entry| clients.len() - 1 - entry);
    // If a proxy replaces the header instead of appending to it, one value remains for the whole chain.
    let entry = |name| {
        let values = list(request, name);
        values.iter().rev().nth(hops_inward).or(values.first()).cloned()
    };
    Some((entry(&FORWARDED_PROTO).map(|scheme| scheme.to_ascii_lowercase()), entry(&FORWARDED_HOST)))
}

/// The client's address as seen by the outermost trusted proxy.
pub(super) fn client(request: &HttpRequest, proxies: &TrustedProxies) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    let forwarded = |clients: Vec<String>| address(clients.get(outermost(&clients, proxies)?)?);
    if !proxies.trust(peer) {
        return Some(peer);
    }
    // A proxy sets one of the two headers and may forward the other one from its client. If they differ, neither can be
    // trusted, and the proxy's own address is used.
    match (forwarded_clients(request).and_then(forwarded), forwarded(list(request, &FORWARDED_FOR))) {
        (Some(one), Some(other)) if one != other => Some(peer),
        (one, other) => one.or(other).or(Some(peer)),
    }
}

/// The client of each proxy, from the outermost to the nearest proxy. An entry without a client is empty.
fn clients(request: &HttpRequest) -> Vec<String> {
    forwarded_clients(request).unwrap_or_else(|| list(request, &FORWARDED_FOR))
}

fn forwarded_clients(request: &HttpRequest) -> Option<Vec<String>> {
    let forwarded = header(request, &FORWARDED)?;
    Some(forwarded.split(',').map(|entry| directive(entry, "for").unwrap_or_default()).collect())
}

/// The index of the rightmost entry whose client is not a trusted proxy; 0 if all clients are trusted proxies.
fn outermost(clients: &[String], proxies: &TrustedProxies) -> Option<usize> {
    let is_proxy = |client: &String| address(client).is_some_and(|address| proxies.trust(address));
    let all_are_proxies = || (!clients.is_empty()).then_some(0);
    clients.iter().rposition(|client| !is_proxy(client)).or_else(all_are_proxies)
}

/// Parses an address with or without a port. An IPv6 address may be in brackets.
fn address(text: &str) -> Option<IpAddr> {
    text.parse()
        .ok()
        .or_else(|| text.parse().ok().map(|socket: std::net::SocketAddr| socket.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
}

/// One value of `for=…;proto=…;host=…`, without quotes. Names are case-insensitive.
fn directive(entry: &str, name: &str) -> Option<String> {
    let mut pairs = entry.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim_matches('"').to_owned())
}

fn list(request: &HttpRequest, name: &HeaderName) -> Vec<String> {
    let text = header(request, name).unwrap_or_default();
    text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

/// All values of a header, joined with commas.
fn header(request: &HttpRequest, name: &HeaderName) -> Option<String> {
    let values: Vec<&str> = request.headers().get_all(name).filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// Whether a text is a host with an optional port, without characters that end the authority of a URL.
fn is_host(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b);
    (1..=255).contains(&text.len()) && text.bytes().all(allowed)
}
