use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::helpers::{Server, TOKEN, all_at_once, folder, otpd, read_until};
use crate::program::LIMIT;
use crate::signals::stopping;

fn server(folder: &std::path::Path) -> Server {
    Server::spawn(otpd(folder).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN))
}

/// Sends a POST without the last byte of its body.
fn begin_post(server: &Server) -> TcpStream {
    let body = r#"{"code":1,"email":"a@b.com"}"#;
    let mut stream = TcpStream::connect(server.socket()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let head = format!(
        "POST /api/notifications/otp/ HTTP/1.1\r\nHost: x\r\nAuthorization: Token {TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
        body.len(),
        &body[..body.len() - 1]
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The response to another client proves that the server has read the head.
    server.send("GET", "/healthz", TOKEN, "");
    stream
}

fn wait_until_connections_are_refused(server: &Server) {
    let deadline = Instant::now() + LIMIT;
    while TcpStream::connect(server.socket()).is_ok() {
        assert!(Instant::now() < deadline, "clients are still taken");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_stop_finishes_requests_checkpoints_and_exits_with_0() {
    all_at_once(stopping(), |signal| {
        let folder = folder();
        let mut server = server(folder.path());
        let mut post = begin_post(&server);
        server.signal(signal);
        wait_until_connections_are_refused(&server);
        post.write_all(b"}").unwrap();
        let answer = read_until(&mut post, "updated_at");
        assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
        let (status, said) = server.wait();
        assert_eq!(status.code(), Some(0), "{said}");
        let wal = folder.path().join("otp.db-wal");
        assert_eq!(fs::metadata(wal).map_or(0, |wal| wal.len()), 0, "the WAL is in the database");
        assert_eq!(self::server(folder.path()).send("GET", "/api/notifications/otp/1", TOKEN, "").0, 200);
    });
}

#[test]
fn a_write_lock_of_another_process_does_not_prevent_a_stop() {
    let folder = folder();
    let mut server = server(folder.path());
    let holder = rusqlite::Connection::open(folder.path().join("otp.db")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut post = begin_post(&server);
    post.write_all(b"}").unwrap();
    server.signal("TERM");
    // The server exits although the lock is still held.
    server.wait();
    holder.execute_batch("ROLLBACK").unwrap();
}

#[test]
fn expired_codes_are_deleted_in_the_background() {
    let folder = folder();
    let start =
        || Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).env("OTPD_OTP__RETENTION", "1h"));
    let server = start();
    for valid_to in ["2020-01-01", "2099-01-01"] {
        let body = format!(r#"{{"code":1,"email":"a@b.com","valid_to":"{valid_to}"}}"#);
        assert_eq!(server.send("POST", "/api/notifications/otp/", TOKEN, &body).0, 201);
    }
    drop(server);
    let server = start();
    let deadline = Instant::now() + LIMIT;
    while server.send("GET", "/api/notifications/otp/1", TOKEN, "").0 != 404 {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(server.send("GET", "/api/notifications/otp/2", TOKEN, "").0, 200);
}

#[test]
fn two_simultaneous_signals_count_as_one() {
    let pairs = stopping().into_iter().map(|name| (name, "TERM")).chain([("TERM", "INT"), ("TERM", "HUP")]);
    all_at_once(pairs, |(first, second)| {
        let folder = folder();
        let mut server = server(folder.path());
        let mut post = begin_post(&server);
        server.signal(first);
        std::thread::sleep(Duration::from_millis(3));
        server.signal(second);
        wait_until_connections_are_refused(&server);
        post.write_all(b"}").unwrap();
        let answer = read_until(&mut post, "updated_at");
        assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{first} {second}: {answer}");
        let (status, said) = server.wait();
        assert_eq!(status.code(), Some(0), "{first} {second}: {said}");
    });
}

#[test]
fn a_second_signal_after_one_second_stops_at_once() {
    all_at_once(stopping(), |second| {
        let folder = folder();
        let mut server = server(folder.path());
        // A graceful stop would wait ten seconds for the request in flight and then exit with 0.
        let _post = begin_post(&server);
        server.signal("TERM");
        wait_until_connections_are_refused(&server);
        std::thread::sleep(Duration::from_secs(1));
        server.signal(second);
        let (status, said) = server.wait();
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(said.ends_with("\notpd: stopped immediately by a second signal\n"), "{said}");
    });
}
