use std::fs;
use std::thread;
use std::time::Duration;

use crate::ledger::{Load, stored};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{Random, run_alone, side_by_side, trials};

/// Returns the number of acknowledged changes, and of changes that were sent and got no response.
fn stop(trial: u64, random: &mut Random) -> (u64, usize) {
    let folder = folder();
    let mut server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
    let load = Load::default();
    let ledger = load.run(server.socket(), || {
        load.until_acknowledged(random.below(60));
        thread::sleep(random.milliseconds(100));
        server.signal(["TERM", "INT"][usize::from(trial.is_multiple_of(2))]);
        thread::sleep(Duration::from_millis(200));
    });
    let (status, said) = server.wait();
    assert_eq!(status.code(), Some(0), "{said}");
    let database = folder.path().join("otp.db");
    assert_eq!(fs::metadata(database.with_extension("db-wal")).map_or(0, |wal| wal.len()), 0);
    let stored = stored(&database);
    ledger.check(&stored);
    ledger.check_unanswered_changes_were_not_made(&stored);
    (ledger.acknowledged, ledger.unanswered.len())
}

#[test]
fn a_stop_under_load_makes_exactly_the_acknowledged_changes() {
    let _alone = run_alone();
    let count = trials(10, 50);
    let results = side_by_side("stop", count, stop);
    let acknowledged: u64 = results.iter().map(|(acknowledged, _)| acknowledged).sum();
    let unanswered: usize = results.iter().map(|(_, unanswered)| unanswered).sum();
    eprintln!("stop: {count} trials, {acknowledged} acknowledged, {unanswered} sent too late and not made");
    assert!(acknowledged > count * 10, "there was too little load");
}
