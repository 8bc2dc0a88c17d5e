use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::client::{Client, OTPS};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{alone, trials};

/// Status of a change, and how long it took, while another process holds the write lock.
fn write_while_locked(held: Duration) -> (u16, Duration) {
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
    let took = begun.elapsed();
    assert_eq!(client.ask("GET", &format!("{OTPS}1"), "").0, 200);
    holder.join().unwrap();
    assert_eq!(client.ask("POST", OTPS, body).0, 201, "the lock is gone");
    let codes = client.ask("GET", OTPS, "").1["count"].as_i64().unwrap();
    assert_eq!(codes, if status == 201 { 3 } else { 2 }, "what was answered {status} is there, or not");
    (status, took)
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
    for (status, took) in at_once(3) {
        assert_eq!(status, 201);
        assert!((2.5..4.0).contains(&took.as_secs_f64()), "{took:?}");
    }
    for (status, took) in at_once(8) {
        assert_eq!(status, 503);
        assert!((4.5..6.5).contains(&took.as_secs_f64()), "{took:?}");
    }
    eprintln!("foreign lock: {count} of 3 s were waited for, {count} of 8 s answered 503");
}
