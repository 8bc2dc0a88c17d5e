use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use crate::client::{Client, OTPS, Outcome};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{alone, trials};

/// Clients that send the right code at the same time, half of them to each server.
const CLIENTS: usize = 64;

/// The statuses that a code and all clients at once got; `None` if a request was not answered.
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
        // No assertion here: the clients would wait for a thread that panicked.
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

/// Two processes on one database: of all right answers to one code, whichever process gets them, one succeeds.
#[test]
fn of_concurrent_right_answers_to_two_servers_one_succeeds() {
    let _alone = alone();
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
        "two servers: {codes} codes, {CLIENTS} right answers each, {successes} successes, {unknown} answered 503"
    );
    assert!(successes >= codes * 99 / 100);
}
