//! Outbound proxies: a proxy for HTTP CONNECT and SOCKS5, and the connections through it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use otpd::delivery::{Http, Security, Smtp};
use otpd::domain::attempt::Outcome;
use otpd::domain::message::Channel;
use reqwest::Method;
use serde_json::json;

use crate::fake_mail_server::FakeMailServer;
use crate::gateway::Gateway;
use crate::table::provider;
use crate::{connection, message, secret, send};

/// Accepts `user` with `pass word`, and records the targets of connections.
struct Proxy {
    port: u16,
    targets: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let targets = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&targets);
        thread::spawn(move || {
            for client in listener.incoming() {
                let log = Arc::clone(&log);
                thread::spawn(move || {
                    let mut client = client.unwrap();
                    let mut first = [0];
                    client.peek(&mut first).unwrap();
                    let asked = if first == [5] { socks5(&mut client) } else { connect(&mut client) };
                    if let Some((target, mut answer)) = asked {
                        log.lock().unwrap().push(target.clone());
                        let mut server = TcpStream::connect(target).unwrap();
                        answer.extend(greeting(&mut server));
                        client.write_all(&answer).unwrap();
                        tunnel(client, server);
                    }
                });
            }
        });
        Self { port, targets }
    }

    fn url(&self, scheme: &str, password: &str) -> String {
        format!("{scheme}://user:{password}@127.0.0.1:{}", self.port)
    }

    fn targets(&self) -> Vec<String> {
        self.targets.lock().unwrap().clone()
    }
}

/// Reads the greeting of a server that sends first. The client gets it together with the proxy's response.
fn greeting(server: &mut TcpStream) -> Vec<u8> {
    let mut said = [0; 1024];
    server.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    // Other servers cause a timeout.
    let length = server.read(&mut said).unwrap_or(0);
    server.set_read_timeout(None).unwrap();
    said[..length].to_vec()
}

fn read_exactly<const N: usize>(client: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes).unwrap();
    bytes
}

fn read_length_prefixed(client: &mut TcpStream) -> String {
    let [length] = read_exactly(client);
    let mut bytes = vec![0; length.into()];
    client.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Reads a request (RFC 1928 and RFC 1929). Returns the target and the response to send after connecting to it.
fn socks5(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let [5, methods] = read_exactly(client) else { panic!("no SOCKS5") };
    let mut offered = vec![0; methods.into()];
    client.read_exact(&mut offered).unwrap();
    assert_eq!(offered, [2]);
    client.write_all(&[5, 2]).unwrap();
    assert_eq!(read_exactly(client), [1]);
    let is_known =
        (read_length_prefixed(client), read_length_prefixed(client)) == ("user".to_owned(), "pass word".to_owned());
    client.write_all(&[1, u8::from(!is_known)]).unwrap();
    if !is_known {
        return None;
    }
    let [5, 1, 0, kind] = read_exactly(client) else { panic!("no request to connect") };
    let host = match kind {
        1 => read_exactly::<4>(client).map(|byte| byte.to_string()).join("."),
        3 => read_length_prefixed(client),
        _ => panic!("an address of kind {kind}"),
    };
    let port = u16::from_be_bytes(read_exactly(client));
    Some((format!("{host}:{port}"), vec![5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
}

/// The same for HTTP CONNECT (RFC 9110, section 9.3.6).
fn connect(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(read_exactly::<1>(client)[0].into());
    }
    // user:pass word
    let is_known = head.contains("Proxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=\r\n");
    if !is_known {
        client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").unwrap();
        return None;
    }
    let target = head.strip_prefix("CONNECT ").unwrap().split(' ').next().unwrap();
    Some((target.to_owned(), b"HTTP/1.1 200 OK\r\n\r\n".to_vec()))
}

fn tunnel(client: TcpStream, server: TcpStream) {
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let upwards = thread::spawn(move || {
        // Either side may close the connection at any time.
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut to_client, mut from_server) = (client, server);
    let _ = io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Write);
    upwards.join().unwrap();
}

fn through(settings: Smtp, proxy: &str) -> Smtp {
    Smtp { proxy: Some(secret(proxy)), ..settings }
}

#[tokio::test]
async fn mails_go_out_through_a_proxy_with_every_protection() {
    let proxy = Proxy::start();
    for security in [Security::Plain, Security::StartTls, Security::Tls] {
        let server = FakeMailServer::start_with(security, None, |_, _| None).await;
        for scheme in ["http", "socks5"] {
            let settings = through(server.trusted(security, None), &proxy.url(scheme, "pass%20word"));
            let report = send(settings, &message("some@example.com", "login")).await;
            assert_eq!((report.outcome, report.error), (Outcome::Sent, None), "{security:?} {scheme}");
        }
        assert_eq!(server.mails().len(), 2, "{security:?}");
        let target = format!("localhost:{}", server.port);
        assert_eq!(proxy.targets().split_off(proxy.targets().len() - 2), [target.clone(), target], "{security:?}");
    }
}

#[tokio::test]
async fn a_failing_proxy_is_reported_and_not_bypassed() {
    let (proxy, server) = (Proxy::start(), FakeMailServer::start(|_, _| None).await);
    let settings = || server.trusted(Security::Plain, None);
    let mail = message("some@example.com", "login");
    for (url, error) in [
        (proxy.url("http", "wrong"), "the proxy could not connect: tunnel error: proxy authorization required"),
        (proxy.url("socks5", "wrong"), "the proxy could not connect: SOCKS error: credentials not accepted"),
    ] {
        let report = send(through(settings(), &url), &mail).await;
        assert_eq!((report.outcome, report.error.as_deref()), (Outcome::Retry, Some(error)), "{url}");
    }
    assert_eq!((server.commands(0), proxy.targets().len()), (Vec::new(), 0));
}

#[tokio::test]
async fn requests_to_a_gateway_are_sent_through_the_proxy() {
    let (proxy, gateway) = (Proxy::start(), Gateway::start(Vec::new()));
    let http = Http {
        method: Method::POST,
        path: secret("/send"),
        headers: Vec::new(),
        body: Some(secret("{code}")),
        success_pointer: None,
        success_value: "true".to_owned(),
        success_pattern: None,
        id_pointer: None,
    };
    let mut settings = connection(&gateway.url);
    settings.proxy = Some(secret(&proxy.url("socks5h", "pass%20word")));
    let report = send((settings, http), &message("09123456789", "login")).await;
    assert_eq!((report.outcome, report.error), (Outcome::Sent, None));
    assert_eq!(proxy.targets(), [gateway.url.strip_prefix("http://").unwrap()]);
    assert_eq!(gateway.requests().len(), 1);
}

#[tokio::test]
async fn an_international_gateway_domain_is_sent_to_the_proxy_in_ascii() {
    let proxy = Gateway::start(vec![(200, r#"{"return":{"status":200},"entries":[{"messageid":7}]}"#).into()]);
    let settings = json!({ "api_key": "the/key", "template": "100", "proxy": proxy.url });
    let settings = provider(Channel::Sms, "kavenegar", "http://Gateway.münchen.example/base", settings);
    let report = send(settings, &message("09123456789", "login")).await;
    assert_eq!((report.outcome, report.error), (Outcome::Sent, None));
    let expected = "POST http://gateway.xn--mnchen-3ya.example/base/v1/the%2Fkey/verify/lookup.json";
    assert_eq!(proxy.requests()[0].0, expected);
}
