use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Client, OTPS, Outcome};
use crate::control::{Faults, Number};
use crate::ledger::{Load, stored};
use crate::program::{LIMIT, Server, folder};
use crate::trials::{run_alone, trials};

/// The call that fails: which kind of call, the counter of these calls, its number, and how many clients write.
#[derive(Clone, Copy)]
struct FailingCall {
    failing: Number,
    calls: Number,
    n: i64,
    writers: i64,
}

/// The times of a trial in which the disk failed under load: from the failure to the end of the process, and of the next
/// start.
struct Ended {
    took: Duration,
    start: Duration,
}

/// Starts a server on a disk that fails at `call`, under load. Returns `None` if the server failed to start.
fn fail_at(call: FailingCall) -> Option<Ended> {
    let FailingCall { failing, calls, n, writers } = call;
    let faults = Faults::new();
    faults.set(failing, n);
    let folder = folder();
    let mut command = faults.otpd(folder.path(), false);
    if writers == 1 {
        // No checkpoints here: one runs after the response, so its failure would look like a failure of an
        // acknowledged change.
        command.env("OTPD_DATABASE__CHECKPOINT_KIB", "16384");
    }
    match Server::try_spawn(&mut command) {
        Err(said) => {
            // The running writer may log errors before. The last line is the error of the process.
            let last = said.trim_end().lines().next_back().unwrap();
            let last = last.strip_prefix("exit status: 1: ").unwrap_or(last);
            assert!(said.starts_with("exit status: 1: "), "call {n}: {said}");
            assert!(last.starts_with("otpd: database otp.db: "), "call {n}: {said}");
            None
        }
        Ok(mut server) => {
            let has_failed = || faults.get(calls) >= n;
            let load = Load { writers, is_over: &has_failed, ..Load::default() };
            let mut took = Duration::ZERO;
            let socket = server.socket().to_owned();
            let ledger = load.run(&socket, || {
                let deadline = Instant::now() + LIMIT;
                while !has_failed() {
                    assert!(Instant::now() < deadline, "call {n} did not happen");
                    thread::sleep(Duration::from_millis(1));
                }
                let failed_at = Instant::now();
                let (status, said) = server.wait();
                assert_eq!(status.code(), Some(1), "call {n}: {said}");
                assert!(said.contains("the disk failed"), "call {n}: {said}");
                took = failed_at.elapsed();
            });
            let begun = Instant::now();
            let _server = Server::start(folder.path());
            let start = begun.elapsed();
            ledger.check(&stored(&folder.path().join("otp.db")));
            Some(Ended { took, start })
        }
    }
}

#[test]
fn a_disk_failure_ends_the_process_and_nothing_is_acknowledged_afterwards() {
    let _alone = run_alone();
    let step = usize::try_from(trials(7, 1)).unwrap();
    let mut outcomes = Vec::new();
    for writers in [8, 1] {
        for (failing, calls) in [(Number::FailingSync, Number::Syncs), (Number::FailingWrite, Number::Writes)] {
            for n in (1..=50).step_by(step) {
                outcomes.push(fail_at(FailingCall { failing, calls, n, writers }));
            }
        }
    }
    let ended: Vec<&Ended> = outcomes.iter().flatten().collect();
    let (while_starting, while_serving) = (outcomes.len() - ended.len(), ended.len());
    let slowest = ended.iter().map(|ended| ended.took).max().unwrap();
    let slowest_start = ended.iter().map(|ended| ended.start).max().unwrap();
    eprintln!(
        "failing disk: {while_starting} trials failed at the start, {while_serving} under load; slowest end {slowest:.0?}"
    );
    assert!(while_starting > 0 && while_serving > 0);
    // One second on an idle machine. On a busy machine a start takes longer too.
    assert!(slowest < Duration::from_secs(1).max(slowest_start * 10), "a start takes {slowest_start:?}");
}

#[test]
fn doctor_backup_and_restore_report_a_full_disk() {
    let _alone = run_alone();
    let faults = Faults::new();
    let folder = folder();
    let server = Server::spawn(&mut faults.otpd(folder.path(), false));
    let run = |args: &[&str]| {
        let output = faults.otpd(folder.path(), false).args(args).output().unwrap();
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap());
        (output.status.code(), said.concat())
    };
    let (status, said) = run(&["doctor"]);
    assert!(status == Some(0) && !said.contains("error"), "{said}");
    faults.set(Number::Full, 1);
    let (status, said) = run(&["doctor"]);
    let refused = "error database: changes can't be stored: database or disk is full";
    assert!(status == Some(1) && said.lines().any(|line| line == refused), "{said}");
    let (status, said) = run(&["backup", "copy.db"]);
    let full = (Some(1), format!("otpd: the disk of {} is full; nothing was changed\n", folder.path().display()));
    assert_eq!((status, said), full);
    faults.set(Number::Full, 0);
    assert_eq!(run(&["backup", "copy.db"]).0, Some(0));
    drop(server);
    faults.set(Number::Full, 1);
    assert_eq!(run(&["restore", "copy.db"]), full);
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
            let begun = Instant::now();
            while client.ask("GET", &format!("{OTPS}1"), "").0 != 200 {
                assert!(begun.elapsed() < LIMIT, "the load creates no code");
            }
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
