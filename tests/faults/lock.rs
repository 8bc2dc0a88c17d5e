use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::client::{Client, OTPS};
use crate::program::{LIMIT, Server, TOKEN, folder, otpd};
use crate::trials::trials;

/// Sends a change while another process holds the write lock. The lock is held for `held`, or until the response if
/// that is `None`. Returns the status, the duration, and whether the lock was still held.
fn write_while_locked(held: Option<Duration>) -> (u16, Duration, bool) {
    let folder = folder();
    let server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
    let mut client = Client::of(&server);
    let body = r#"{"code":1,"email":"a@b.com"}"#;
    assert_eq!(client.ask("POST", OTPS, body).0, 201);
    let other = Connection::open(folder.path().join("otp.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (release, until_released) = mpsc::channel::<()>();
    let holder = thread::spawn(move || {
        // Returns an error in both cases: after the response, and after the timeout.
        let _ = until_released.recv_timeout(held.unwrap_or(LIMIT));
        other.execute_batch("ROLLBACK").unwrap();
    });
    let begun = Instant::now();
    let (status, _) = client.ask("POST", OTPS, body);
    let (took, is_held) = (begun.elapsed(), !holder.is_finished());
    assert_eq!(client.ask("GET", &format!("{OTPS}1"), "").0, 200);
    drop(release);
    holder.join().unwrap();
    assert_eq!(client.ask("POST", OTPS, body).0, 201, "the lock is gone");
    let codes = client.ask("GET", OTPS, "").1["count"].as_i64().unwrap();
    assert_eq!(codes, if status == 201 { 3 } else { 2 }, "the database must match the status {status}");
    (status, took, is_held)
}

#[test]
fn a_change_waits_for_the_lock_of_another_process_up_to_a_limit() {
    let count = trials(4, 20);
    let start = |held| (0..count).map(|_| thread::spawn(move || write_while_locked(held))).collect::<Vec<_>>();
    // Both kinds run at the same time.
    let (short, long) = (start(Some(Duration::from_secs(2))), start(None));
    for trial in short {
        let (status, took, _) = trial.join().unwrap();
        assert_eq!(status, 201);
        assert!(took.as_secs_f64() >= 1.5, "{took:?}");
    }
    for trial in long {
        let (status, took, is_held) = trial.join().unwrap();
        assert_eq!((status, is_held), (503, true), "{took:?}");
        assert!(took.as_secs_f64() >= 4.5, "{took:?}");
    }
    eprintln!("lock of another process: {count} changes waited 2 s and succeeded, {count} changes were answered 503");
}
