use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Client, OTPS, Outcome};
use crate::control::{Faults, Number};
use crate::ledger::{Load, stored};
use crate::program::{LIMIT, Server, folder};
use crate::trials::{run_alone, trials};

#[test]
fn a_disk_failure_ends_the_process_and_nothing_is_acknowledged_afterwards() {
    let _alone = run_alone();
    let (mut while_starting, mut while_serving) = (0, 0);
    let (mut slowest, mut slowest_start) = (Duration::ZERO, Duration::ZERO);
    let step = usize::try_from(trials(7, 1)).unwrap();
    for (failing, calls, writers) in [
        (Number::FailingSync, Number::Syncs, 8),
        (Number::FailingWrite, Number::Writes, 8),
        (Number::FailingSync, Number::Syncs, 1),
        (Number::FailingWrite, Number::Writes, 1),
    ] {
        for n in (1..=50).step_by(step) {
            let faults = Faults::new();
            faults.set(failing, n);
            let folder = folder();
            let database = folder.path().join("otp.db");
            let mut command = faults.otpd(folder.path(), false);
            if writers == 1 {
                // No checkpoints here: one runs after the response, so its failure would look like a failure of an
                // acknowledged change.
                command.env("OTPD_DATABASE__CHECKPOINT_KIB", "16384");
            }
            match Server::try_spawn(&mut command) {
                Err(said) => {
                    while_starting += 1;
                    // The running writer may log errors before. The last line is the error of the process.
                    let last = said.trim_end().lines().next_back().unwrap();
                    let last = last.strip_prefix("exit status: 1: ").unwrap_or(last);
                    assert!(said.starts_with("exit status: 1: "), "call {n}: {said}");
                    assert!(last.starts_with("otpd: database otp.db: "), "call {n}: {said}");
                }
                Ok(mut server) => {
                    while_serving += 1;
                    let has_failed = || faults.get(calls) >= n;
                    let load = Load { writers, is_over: &has_failed, ..Load::default() };
                    let mut failed_at = Instant::now();
                    let socket = server.socket().to_owned();
                    let ledger = load.run(&socket, || {
                        let deadline = Instant::now() + LIMIT;
                        while !has_failed() {
                            assert!(Instant::now() < deadline, "call {n} did not happen");
                            thread::sleep(Duration::from_millis(1));
                        }
                        failed_at = Instant::now();
                        let (status, said) = server.wait();
                        assert_eq!(status.code(), Some(1), "call {n}: {said}");
                        assert!(said.contains("the disk failed"), "call {n}: {said}");
                        slowest = slowest.max(failed_at.elapsed());
                    });
                    let begun = Instant::now();
                    let _server = Server::start(folder.path());
                    slowest_start = slowest_start.max(begun.elapsed());
                    ledger.check(&stored(&database));
                }
            }
        }
    }
    eprintln!(
        "failing disk: {while_starting} trials failed at the start, {while_serving} under load; slowest end {slowest:.0?}"
    );
    assert!(while_starting > 0 && while_serving > 0);
    // One second on an idle machine. On a busy machine a start takes longer too.
    assert!(slowest < Duration::from_secs(1).max(slowest_start * 10), "a start takes {slowest_start:?}");
}

#[test]
fn changes_on_a_full_disk_are_answered_503_and_succeed_after_space_is_freed() {
    let _alone = run_alone();
    let count = trials(5, 20);
    let (mut refused, mut slowest) = (0, Duration::ZERO);
    for trial in 0..count {
        let faults = Faults::new();
        let folder = folder();
        let server = Server::spawn(&mut faults.otpd(folder.path(), false));
        let ledger = Load::default().run(server.socket(), || {
            let mut client = Client::of(&server);
            let body = r#"{"code":1,"email":"c1@load.com","valid_to":"2099-01-01"}"#;
            thread::sleep(Duration::from_millis(50 + trial * 7));
            faults.set(Number::Full, 1);
            thread::sleep(Duration::from_millis(100));
            assert_eq!(client.ask("POST", OTPS, body).0, 503);
            assert_eq!(client.ask("GET", &format!("{OTPS}1"), "").0, 200);
            assert_eq!(client.ask("GET", "/healthz", "").0, 200);
            assert_eq!(client.ask("GET", "/readyz", "").0, 503);
            assert!(server.stderr().contains("may not have been committed"), "{}", server.stderr());
            faults.set(Number::Full, 0);
            let freed = Instant::now();
            while !matches!(client.send("PATCH", &format!("{OTPS}1"), "{}"), Outcome::Answer(200, _)) {
                assert!(freed.elapsed() < LIMIT);
            }
            slowest = slowest.max(freed.elapsed());
            assert_eq!(client.ask("GET", "/readyz", "").0, 200);
        });
        assert!(ledger.unavailable > 0);
        refused += ledger.unavailable;
        ledger.check(&stored(&folder.path().join("otp.db")));
    }
    eprintln!("full disk: {count} trials, {refused} answered 503, 0 lost, slowest recovery {slowest:.0?}");
}
