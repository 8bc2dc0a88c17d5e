//! Slow clients and a slow database must not delay other requests.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::client::{Client, OTPS};
use crate::control::{Faults, Number};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{run_alone, trials};

const SLOW_CLIENTS: usize = 2000;

/// Sends GET requests one after the other for `lasting`. Returns the 99th percentile of the response times in
/// milliseconds.
fn p99(client: &mut Client, path: &str, lasting: Duration) -> f64 {
    let (begun, mut times) = (Instant::now(), Vec::new());
    while begun.elapsed() < lasting {
        let sent = Instant::now();
        assert_eq!(client.ask("GET", path, "").0, 200);
        times.push(sent.elapsed().as_secs_f64() * 1000.0);
        thread::sleep(Duration::from_millis(1));
    }
    times.sort_by(f64::total_cmp);
    times[times.len() * 99 / 100]
}

/// Sends one byte per second of a request head or body. Reconnects when the server closes the connection.
async fn send_slowly(socket: String, with_whole_head: bool) {
    loop {
        let Ok(mut stream) = TcpStream::connect(&socket).await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let head = format!(
            "POST {OTPS} HTTP/1.1\r\nHost: otpd\r\nAuthorization: Token {TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
        );
        if with_whole_head && stream.write_all(head.as_bytes()).await.is_err() {
            continue;
        }
        let mut rest = head.bytes().cycle();
        while let Some(byte) = rest.next()
            && stream.write_all(&[byte]).await.is_ok()
        {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

#[test]
fn two_thousand_slow_clients_do_not_delay_another_client() {
    let _alone = run_alone();
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let needed = SLOW_CLIENTS as u64 + 200;
    if current.is_some_and(|current| current < needed) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum }).unwrap();
    }
    let folder = folder();
    let server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
    let mut client = Client::of(&server);
    assert_eq!(client.ask("POST", OTPS, r#"{"code":1,"email":"a@b.com"}"#).0, 201);
    let path = format!("{OTPS}1");
    let lasting = Duration::from_secs(trials(6, 30));
    let quiet = p99(&mut client, &path, lasting);
    let (enough, until_enough) = oneshot::channel::<()>();
    let socket = server.socket().to_owned();
    let slow = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let all = futures_util::future::join_all((0..SLOW_CLIENTS).map(|n| send_slowly(socket.clone(), n % 2 == 0)));
        runtime.block_on(async {
            tokio::select! { _ = all => {}, _ = until_enough => {} }
        });
    });
    // The load lasts longer than a head or a body may take, so that some clients are disconnected and reconnect.
    thread::sleep(Duration::from_secs(2));
    let beside = p99(&mut client, &path, lasting.max(Duration::from_secs(12)));
    // A new client is accepted too.
    assert_eq!(server.send("GET", "/healthz", TOKEN, "").0, 200);
    drop(enough);
    slow.join().unwrap();
    eprintln!("{SLOW_CLIENTS} slow clients: p99 of another {beside:.2} ms, {quiet:.2} ms without them");
    assert!(beside < 10.0 * quiet, "{beside:.2} ms, {quiet:.2} ms without them");
}

#[test]
fn a_slow_database_does_not_block_the_event_loop() {
    let _alone = run_alone();
    let faults = Faults::new();
    let folder = folder();
    let server = Server::spawn(&mut faults.otpd(folder.path(), false));
    let mut client = Client::of(&server);
    assert_eq!(client.ask("POST", OTPS, r#"{"code":1,"email":"a@b.com"}"#).0, 201);
    let lasting = Duration::from_secs(trials(5, 20));
    let quick = beside_load(&server, lasting);
    faults.set(Number::LockDelayMs, 1000);
    // A request takes no lock while an event loop still has a snapshot, because SQLite shares the lock between the
    // connections of a process. A timer ends a snapshot after a millisecond, later on a busy machine.
    let mut takes = || {
        let begun = Instant::now();
        // A request that takes two locks exceeds its timeout.
        assert!(matches!(client.ask("GET", &format!("{OTPS}1"), "").0, 200 | 503));
        begun.elapsed()
    };
    let changed = Instant::now();
    while takes() < Duration::from_secs(1) {
        assert!(changed.elapsed() < Duration::from_secs(10), "the database is not slow");
        thread::sleep(Duration::from_millis(10));
    }
    let healthz = beside_load(&server, lasting);
    faults.set(Number::LockDelayMs, 0);
    assert_eq!(client.ask("GET", &format!("{OTPS}1"), "").0, 200);
    eprintln!("database at 1 s a query: p99 of /healthz {healthz:.2} ms, {quick:.2} ms at full speed");
    assert!(healthz < 50.0_f64.max(quick * 3.0), "{healthz:.2} ms, {quick:.2} ms at full speed");
}

/// The p99 of `/healthz` while 64 clients read and write.
fn beside_load(server: &Server, lasting: Duration) -> f64 {
    thread::scope(|scope| {
        for n in 0..64 {
            scope.spawn(move || {
                let mut client = Client::of(server);
                let begun = Instant::now();
                while begun.elapsed() < lasting {
                    let (status, _) = match n % 2 {
                        0 => client.ask("GET", &format!("{OTPS}1"), ""),
                        _ => client.ask("PATCH", &format!("{OTPS}1"), r#"{"code":2}"#),
                    };
                    assert!(matches!(status, 200 | 503), "{status}");
                }
            });
        }
        p99(&mut Client::of(server), "/healthz", lasting)
    })
}
