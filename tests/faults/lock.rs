use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::client::{Client, OTPS};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{alone, trials};

/// Status of a change while another process holds the write lock for so long, how long it took, and whether the lock was
/// still held then.
fn write_while_locked(held: Duration) -> (u16, Duration, bool) {
    let folder = folder();
    let server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
    let mut client = Client::of(&server);
    let body = r#"{"code":1,"email":"a@b.com"}"#;
    assert_eq!(client.ask("POST", OTPS, body).0, 201);
    let other = Connection::open(folder.path().join("otp.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let holder = thread::spawn(move || {
        thread::sleep(held);
        other.execute_batch("ROLLBACK").unwrap();
    });
    let begun = Instant::now();
    let (status, _) = client.ask("POST", OTPS, body);
    let (took, is_held) = (begun.elapsed(), !holder.is_finished());
    assert_eq!(client.ask("GET", &format!("{OTPS}1"), "").0, 200);
    holder.join().unwrap();
    assert_eq!(client.ask("POST", OTPS, body).0, 201, "the lock is gone");
    let codes = client.ask("GET", OTPS, "").1["count"].as_i64().unwrap();
    assert_eq!(codes, if status == 201 { 3 } else { 2 }, "what was answered {status} is there, or not");
    (status, took, is_held)
}

#[test]
fn a_lock_of_another_process_is_waited_for_and_not_for_ever() {
    let _alone = alone();
    let count = trials(4, 20);
    let at_once = |held: u64| {
        let trials: Vec<_> =
            (0..count).map(|_| thread::spawn(move || write_while_locked(Duration::from_secs(held)))).collect();
        trials.into_iter().map(|trial| trial.join().unwrap()).collect::<Vec<_>>()
    };
    for (status, took, _) in at_once(2) {
        assert_eq!(status, 201);
        assert!(took.as_secs_f64() >= 1.5, "{took:?}");
    }
    for (status, took, is_held) in at_once(12) {
        assert_eq!((status, is_held), (503, true), "{took:?}");
        assert!(took.as_secs_f64() >= 4.5, "{took:?}");
    }
    eprintln!("foreign lock: {count} of 2 s were waited for, {count} of 12 s answered 503");
}
