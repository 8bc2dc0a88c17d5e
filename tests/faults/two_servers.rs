use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use crate::client::{Client, OTPS, Outcome};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{run_alone, trials};

/// Number of clients that send the correct code at the same time, half of them to each server.
const CLIENTS: usize = 64;

/// Returns, for each code, the statuses of all attempts and then that of its creation. `None` means that there was no
/// response.
fn race(servers: &[Server; 2], codes: usize) -> Vec<(usize, Vec<Option<u16>>)> {
    let (turn, is_over, round) = (Barrier::new(CLIENTS + 1), AtomicBool::new(false), AtomicUsize::new(0));
    let statuses = Mutex::new(Vec::new());
    let mut results = Vec::new();
    thread::scope(|scope| {
        for n in 0..CLIENTS {
            let (turn, is_over, round, statuses) = (&turn, &is_over, &round, &statuses);
            scope.spawn(move || {
                let mut client = Client::of(&servers[n % 2]);
                loop {
                    turn.wait();
                    if is_over.load(Ordering::SeqCst) {
                        break;
                    }
                    let outcome = client.send("POST", &format!("{OTPS}verify"), &body(round.load(Ordering::SeqCst)));
                    statuses.lock().unwrap().push(status(&outcome));
                    turn.wait();
                }
            });
        }
        // No assertions here: if this thread panicked, the clients would wait forever.
        for code in 0..codes {
            let created = Client::of(&servers[code % 2]).send("POST", OTPS, &body(code));
            round.store(code, Ordering::SeqCst);
            turn.wait();
            turn.wait();
            let mut all = std::mem::take(&mut *statuses.lock().unwrap());
            all.push(status(&created));
            results.push((code, all));
        }
        is_over.store(true, Ordering::SeqCst);
        turn.wait();
    });
    results
}

fn body(code: usize) -> String {
    format!(r#"{{"mobile_number":"0912{code:07}","code":{}}}"#, 100_000 + code)
}

fn status(outcome: &Outcome) -> Option<u16> {
    match outcome {
        Outcome::Answer(status, _) => Some(*status),
        Outcome::NotSent | Outcome::Unanswered => None,
    }
}

/// Two processes use one database. Exactly one of the correct attempts for a code succeeds, whichever process receives
/// it.
#[test]
fn exactly_one_of_concurrent_correct_attempts_on_two_servers_succeeds() {
    let _alone = run_alone();
    let codes = usize::try_from(trials(100, 1000)).unwrap();
    let folder = folder();
    let start = || {
        let mut command = otpd(folder.path());
        command.env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).env("OTPD_LIMITS__FAILURES_PER_TOKEN_HOUR", "0");
        Server::spawn(&mut command)
    };
    let servers = [start(), start()];
    let (mut successes, mut unknown) = (0, 0);
    for (code, mut statuses) in race(&servers, codes) {
        assert_eq!(statuses.pop().unwrap(), Some(201), "code {code} was not created");
        let count = |status| statuses.iter().filter(|other| **other == Some(status)).count();
        let (right, unsure) = (count(200), count(503));
        assert_eq!(right + unsure + count(400) + count(429), CLIENTS, "code {code}: {statuses:?}");
        assert!(right == 1 || (right == 0 && unsure > 0), "code {code}: {right} successes");
        successes += right;
        unknown += unsure;
    }
    eprintln!(
        "two servers: {codes} codes, {CLIENTS} correct attempts each, {successes} successes, {unknown} answered 503"
    );
    assert!(successes >= codes * 99 / 100);
}
