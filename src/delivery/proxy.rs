//! TCP through an outbound proxy, for what speaks no HTTP.

use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::delivery::innermost;
use crate::domain::secret::Secret;

/// An HTTP proxy that knows CONNECT (`http://…`), or a SOCKS5 proxy (`socks5://…`); it resolves the names it is given.
pub(super) struct TcpProxy(Intercept);

impl TcpProxy {
    /// # Errors
    /// Where it is no URL of such a proxy.
    pub(super) fn parse(url: &Secret) -> Result<Self, String> {
        let matcher = Matcher::builder().all(url.reveal()).build();
        let any = Uri::from_static("https://example.com");
        let known = |proxy: &Intercept| matches!(proxy.uri().scheme_str(), Some("http" | "socks5" | "socks5h"));
        let refused = || "proxy is no URL that begins with http:// or socks5://".to_owned();
        matcher.intercept(&any).filter(known).map(Self).ok_or_else(refused)
    }

    /// A connection to a port of a host.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn connect(&self, host: &str, port: u16, timeout: Duration) -> Result<TcpStream, String> {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let target = Uri::builder().scheme("https").authority(format!("{host}:{port}")).path_and_query("/").build();
        let target = target.map_err(|_| "host is no name of a host".to_owned())?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(timeout));
        let Self(proxy) = self;
        let connected = if proxy.uri().scheme_str() == Some("http") {
            let tunnel = Tunnel::new(proxy.uri().clone(), tcp);
            let mut tunnel = match proxy.basic_auth() {
                Some(login) => tunnel.with_auth(login.clone()),
                None => tunnel,
            };
            tunnel.call(target).await.map_err(|cause| words(&cause))
        } else {
            let socks = SocksV5::new(proxy.uri().clone(), tcp);
            let mut socks = match proxy.raw_auth() {
                Some((user, password)) => socks.with_auth(user.to_owned(), password.to_owned()),
                None => socks,
            };
            socks.call(target).await.map_err(|cause| words(&cause))
        };
        connected.map(TokioIo::into_inner).map_err(|cause| format!("the proxy does not connect: {cause}"))
    }
}

fn words(cause: &dyn std::error::Error) -> String {
    if cause.source().is_some() { innermost(cause) } else { cause.to_string() }
}
