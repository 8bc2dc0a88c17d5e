use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::client::{Client, OTPS};
use crate::program::{LIMIT, Server, TOKEN, folder, otpd};
use crate::trials::trials;

/// Status of a change while another process holds the write lock, how long it took, and whether the lock was still held then.
/// The lock is held for so long, or until the change is answered.
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
        // An error: the change was answered, or it was not within this time.
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
    assert_eq!(codes, if status == 201 { 3 } else { 2 }, "what was answered {status} is there, or not");
    (status, took, is_held)
}

#[test]
fn a_lock_of_another_process_is_waited_for_within_a_limit() {
    let count = trials(4, 20);
    let start = |held| (0..count).map(|_| thread::spawn(move || write_while_locked(held))).collect::<Vec<_>>();
    // Both kinds wait at the same time.
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
    eprintln!("foreign lock: {count} of 2 s were waited for, {count} that did not end were answered 503");
}
