use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::ledger::{Ledger, Load, stored};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{Random, run_alone, side_by_side, trials};

/// The result of a load during which a database file was moved away and back.
struct Trial {
    ledger: Ledger,
    /// The time until the missing file was logged.
    noticed: Duration,
}

fn move_away_under_load(name: &str, random: &mut Random) -> Trial {
    let folder = folder();
    let (path, away) = (folder.path().join(name), folder.path().join("away"));
    let begun = Instant::now();
    let server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
    // A start takes a tenth of a second; on a busy machine everything takes longer.
    let limit = Duration::from_secs(5).max(begun.elapsed() * 20);
    let (is_away, mut noticed) = (AtomicBool::new(false), Duration::ZERO);
    let is_over = || is_away.load(Ordering::SeqCst);
    let load = Load { is_over: &is_over, ..Load::default() };
    let ledger = load.run(server.socket(), || {
        load.until_acknowledged(random.below(60));
        thread::sleep(random.milliseconds(100));
        fs::rename(&path, &away).unwrap();
        is_away.store(true, Ordering::SeqCst);
        let taken = Instant::now();
        while !server.stderr().contains(" ERROR ") {
            assert!(taken.elapsed() < limit, "{name}: {}", server.stderr());
            thread::sleep(Duration::from_millis(1));
        }
        noticed = taken.elapsed();
        assert_eq!(Client::of(&server).ask("GET", "/readyz", "").0, 503);
        thread::sleep(Duration::from_millis(50));
    });
    fs::rename(&away, &path).unwrap();
    let back = Instant::now();
    while Client::of(&server).ask("GET", "/readyz", "").0 != 200 {
        assert!(back.elapsed() < limit, "{name}: {}", server.stderr());
    }
    assert_eq!(server.stderr().matches(" ERROR ").count(), 1, "{name}: {}", server.stderr());
    drop(server);
    ledger.check(&stored(&folder.path().join("otp.db")));
    Trial { ledger, noticed }
}

#[test]
fn nothing_is_acknowledged_while_a_database_file_is_missing() {
    let _alone = run_alone();
    let count = trials(12, 100);
    let trials = side_by_side("removed", count, |_, random| {
        let name = ["otp.db", "otp.db-wal", "otp.db-shm"][random.index(3)];
        move_away_under_load(name, random)
    });
    let acknowledged: u64 = trials.iter().map(|trial| trial.ledger.acknowledged).sum();
    let refused: u64 = trials.iter().map(|trial| trial.ledger.unavailable).sum();
    let slowest = trials.iter().map(|trial| trial.noticed).max().unwrap();
    eprintln!(
        "removed files: {count} trials, {acknowledged} acknowledged, {refused} refused, 0 lost, noticed in {slowest:.0?}"
    );
    assert!(acknowledged > count * 10 && refused > count, "there was too little load");
}
