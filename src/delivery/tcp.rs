//! TCP connections for protocols other than HTTP, direct or through an outbound proxy.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, Join, ReadBuf, join};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tower_service::Service;

use crate::delivery::provider::innermost;
use crate::domain::secret::Secret;

/// An HTTP proxy that supports CONNECT (`http://…`), or a SOCKS5 proxy (`socks5://…`). The proxy resolves host names.
pub(super) struct TcpProxy(Intercept);

impl TcpProxy {
    /// # Errors
    /// The URL is not the URL of a supported proxy.
    pub(super) fn parse(url: &Secret) -> Result<Self, String> {
        let matcher = Matcher::builder().all(url.reveal()).build();
        let any = Uri::from_static("https://example.com");
        let known = |proxy: &Intercept| matches!(proxy.uri().scheme_str(), Some("http" | "socks5" | "socks5h"));
        let refused = || "proxy must be a URL that begins with http:// or socks5://".to_owned();
        matcher.intercept(&any).filter(known).map(Self).ok_or_else(refused)
    }

    /// Connects to a port of a host through the proxy. `timeout` limits the connection to the proxy.
    ///
    /// # Errors
    /// The reason for the failure.
    pub(super) async fn connect(&self, host: &str, port: u16, timeout: Duration) -> Result<TcpStream, String> {
        let (Self(proxy), target) = (self, target(host, port)?);
        let dial = ProxyConnector(connector(timeout));
        let connected = if proxy.uri().scheme_str() == Some("http") {
            let tunnel = Tunnel::new(proxy.uri().clone(), dial);
            let mut tunnel = match proxy.basic_auth() {
                Some(login) => tunnel.with_auth(login.clone()),
                None => tunnel,
            };
            tunnel.call(target).await.map_err(|cause| words(&cause))
        } else {
            let socks = SocksV5::new(proxy.uri().clone(), dial);
            let mut socks = match proxy.raw_auth() {
                Some((user, password)) => socks.with_auth(user.to_owned(), password.to_owned()),
                None => socks,
            };
            socks.call(target).await.map_err(|cause| words(&cause))
        };
        let (ByteByByte(read), write) =
            connected.map_err(|cause| format!("the proxy could not connect: {cause}"))?.into_inner().into_inner();
        read.reunite(write).map_err(|cause| cause.to_string())
    }
}

/// Connects to a port of a host without a proxy, within `timeout`.
///
/// # Errors
/// The reason for the failure.
pub(super) async fn connect(host: &str, port: u16, timeout: Duration) -> Result<TcpStream, String> {
    let connected = connector(timeout).call(target(host, port)?).await;
    connected.map(TokioIo::into_inner).map_err(|cause| format!("unreachable: {}", words(&cause)))
}

fn target(host: &str, port: u16) -> Result<Uri, String> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let target = Uri::builder().scheme("https").authority(format!("{host}:{port}")).path_and_query("/").build();
    target.map_err(|_| "host is not a host name".to_owned())
}

/// Returns a connector that tries all addresses of a host, IPv6 and IPv4 in parallel (RFC 8305).
fn connector(timeout: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(timeout));
    connector
}

/// Connects to the proxy itself.
struct ProxyConnector(HttpConnector);

impl Service<Uri> for ProxyConnector {
    type Response = TokioIo<Join<ByteByByte, OwnedWriteHalf>>;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, proxy: Uri) -> Self::Future {
        let dialled = self.0.call(proxy);
        Box::pin(async move {
            let (read, write) = dialled.await?.into_inner().into_split();
            Ok(TokioIo::new(join(ByteByByte(read), write)))
        })
    }
}

/// Reads one byte at a time. A mail server sends its greeting first, and the greeting may arrive together with the end
/// of the proxy's answer. A larger read would discard the greeting.
struct ByteByByte(OwnedReadHalf);

impl AsyncRead for ByteByByte {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        std::task::ready!(Pin::new(&mut self.0).poll_read(cx, &mut one))?;
        into.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

fn words(cause: &dyn std::error::Error) -> String {
    if cause.source().is_some() { innermost(cause) } else { cause.to_string() }
}
