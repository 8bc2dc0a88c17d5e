use std::fs;
use std::thread;
use std::time::Duration;

use crate::ledger::{Load, stored};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{Random, alone, trials};

#[test]
fn a_stop_under_load_answers_all_that_it_did_and_does_nothing_that_it_does_not_answer() {
    let _alone = alone();
    let mut random = Random::seeded("stop");
    let (mut acknowledged, mut unanswered) = (0, 0);
    let count = trials(10, 50);
    for trial in 0..count {
        let folder = folder();
        let mut server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
        let ledger = Load::default().run(server.socket(), || {
            thread::sleep(Duration::from_millis(50) + random.milliseconds(150));
            server.signal(["TERM", "INT"][usize::from(trial % 2 == 0)]);
            thread::sleep(Duration::from_millis(200));
        });
        let (status, said) = server.wait();
        assert_eq!(status.code(), Some(0), "{said}");
        let database = folder.path().join("otp.db");
        assert_eq!(fs::metadata(database.with_extension("db-wal")).map_or(0, |wal| wal.len()), 0);
        let stored = stored(&database);
        ledger.check(&stored);
        ledger.check_unanswered_was_not_done(&stored);
        acknowledged += ledger.acknowledged;
        unanswered += ledger.unanswered.len();
    }
    eprintln!("stop: {count} trials, {acknowledged} acknowledged, {unanswered} sent too late and not done");
    assert!(acknowledged > count * 10, "it was no load");
}
