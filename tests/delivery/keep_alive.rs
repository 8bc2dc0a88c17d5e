//! Gateways that keep connections open and close them in different ways. They run in the runtime of their test.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use otpd::delivery::{Chain, Connection, Http, ProviderSettings};
use otpd::domain::attempt::Report;
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::{connection, message, no_inbox, secret};

const MESSAGES: usize = 8;
const ROUNDS: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Close {
    Fin,
    Rst,
}

/// When the gateway closes a connection.
#[derive(Clone, Copy, Debug)]
enum ClosePolicy {
    /// After this time without a request.
    Idle(Duration, Close),
    /// On the second request, without a response.
    AtSecondRequest(Close),
    /// After this many responses, without announcing it.
    After(usize),
    /// After the first response, which has `Connection: close`.
    CloseHeader,
    /// After a second without a request, as announced in the `Keep-Alive` header.
    KeepAliveTimeout,
}

/// A gateway, and the recipients of the messages that it has processed.
struct KeepAlive {
    url: String,
    processed: Arc<Mutex<Vec<String>>>,
}

impl KeepAlive {
    async fn start(policy: ClosePolicy) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let processed = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&processed);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, policy, Arc::clone(&log)));
            }
        });
        Self { url, processed }
    }

    fn processed(&self) -> Vec<String> {
        self.processed.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, policy: ClosePolicy, processed: Arc<Mutex<Vec<String>>>) {
    let (idle, how) = match policy {
        ClosePolicy::Idle(idle, how) => (idle, how),
        ClosePolicy::AtSecondRequest(how) => (Duration::from_secs(60), how),
        ClosePolicy::KeepAliveTimeout => (Duration::from_secs(1), Close::Fin),
        ClosePolicy::After(_) | ClosePolicy::CloseHeader => (Duration::from_secs(60), Close::Fin),
    };
    for answered in 0.. {
        let Ok(Some(request)) = timeout(idle, read(&mut stream)).await else { break };
        if matches!(policy, ClosePolicy::AtSecondRequest(_)) && answered == 1 {
            break;
        }
        let recipient = request.rsplit_once("to=").unwrap().1.to_owned();
        processed.lock().unwrap().push(recipient);
        let header = match policy {
            ClosePolicy::CloseHeader => "Connection: close\r\n",
            ClosePolicy::KeepAliveTimeout => "Keep-Alive: timeout=1, max=100\r\n",
            _ => "",
        };
        let answer = format!("HTTP/1.1 200 OK\r\n{header}Content-Length: 2\r\n\r\nok");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            break;
        }
        match policy {
            ClosePolicy::CloseHeader => break,
            ClosePolicy::After(most) if answered + 1 == most => break,
            _ => {}
        }
    }
    if let Close::Rst = how {
        stream.set_zero_linger().unwrap();
    }
}

/// Reads the next request. Its body ends with the recipient. Returns `None` at the end of the connection.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut request = String::new();
    let mut chunk = [0; 4096];
    loop {
        let length = stream.read(&mut chunk).await.ok().filter(|length| *length > 0)?;
        request.push_str(std::str::from_utf8(&chunk[..length]).unwrap());
        let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|header| header.strip_prefix("content-length: ")).unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            return Some(request);
        }
    }
}

pub fn provider(connection: Connection) -> ProviderSettings {
    let form = ("content-type".parse().unwrap(), secret("application/x-www-form-urlencoded"));
    let http = Http {
        method: Method::POST,
        path: secret("/send"),
        headers: vec![form],
        body: Some(secret("code={code}&to={recipient}")),
        success_pointer: None,
        success_value: "true".to_owned(),
        success_pattern: None,
        id_pointer: None,
    };
    (connection, http).into()
}

fn number(n: usize) -> String {
    format!("0912{n:07}")
}

/// Sends messages in rounds. The pause between them is about as long as the gateway keeps connections.
async fn send_rounds(chain: &Chain, pause: Duration) {
    for round in 0..ROUNDS {
        let sends = (0..MESSAGES)
            .map(|n| async move { chain.get(0).unwrap().send(&message(&number(round * MESSAGES + n), "login")).await });
        for report in join_all(sends).await {
            assert_eq!(report, Report::sent(None), "round {round}");
        }
        sleep(pause).await;
    }
}

async fn assert_delivered_once(policy: ClosePolicy, pause: Duration, through_proxy: bool) {
    let gateway = KeepAlive::start(policy).await;
    let settings = if through_proxy {
        Connection { proxy: Some(secret(&gateway.url)), ..connection("http://gateway.invalid") }
    } else {
        connection(&gateway.url)
    };
    let chain = Chain::build(&[provider(settings)], &no_inbox()).unwrap();
    send_rounds(&chain, pause).await;
    let mut processed = gateway.processed();
    processed.sort();
    let expected: Vec<String> = (0..ROUNDS * MESSAGES).map(number).collect();
    assert_eq!(processed, expected, "{policy:?}, through a proxy: {through_proxy}");
}

#[tokio::test]
async fn each_message_is_delivered_once_with_every_close_policy() {
    let short = Duration::from_millis(40);
    let all = [
        ClosePolicy::Idle(short, Close::Fin),
        ClosePolicy::Idle(short, Close::Rst),
        ClosePolicy::AtSecondRequest(Close::Fin),
        ClosePolicy::AtSecondRequest(Close::Rst),
        ClosePolicy::After(1),
        ClosePolicy::After(2),
        ClosePolicy::CloseHeader,
    ];
    let all = all.into_iter().flat_map(|policy| [false, true].map(|through_proxy| (policy, through_proxy)));
    let all = all.map(|(policy, through_proxy)| assert_delivered_once(policy, short, through_proxy));
    // The last case has long pauses, so the other cases run at the same time.
    let last = assert_delivered_once(ClosePolicy::KeepAliveTimeout, Duration::from_secs(1), false);
    tokio::join!(last, join_all(all));
}

#[tokio::test]
async fn requests_to_gateways_have_connection_close() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        // The client closes the connection although this server keeps it.
        assert_eq!(timeout(Duration::from_secs(10), stream.read(&mut [0; 1])).await.unwrap().unwrap(), 0);
        request
    });
    let report = crate::send(provider(connection(&url)), &message("09123456789", "login")).await;
    assert_eq!(report, Report::sent(None));
    let request = served.await.unwrap();
    assert!(request.lines().any(|line| line == "connection: close"), "{request}");
}
