use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::ledger::{Load, stored};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{Random, alone, trials};

#[test]
fn nothing_is_acknowledged_once_a_file_of_the_database_is_away() {
    let _alone = alone();
    let mut random = Random::seeded("removed");
    let (mut acknowledged, mut refused, mut slowest) = (0, 0, Duration::ZERO);
    let count = trials(12, 100);
    for _ in 0..count {
        let folder = folder();
        let name = ["otp.db", "otp.db-wal", "otp.db-shm"][random.index(3)];
        let (path, away) = (folder.path().join(name), folder.path().join("away"));
        let server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
        let is_away = AtomicBool::new(false);
        let is_over = || is_away.load(Ordering::SeqCst);
        let load = Load { is_over: &is_over, ..Load::default() };
        let ledger = load.run(server.socket(), || {
            thread::sleep(Duration::from_millis(50) + random.milliseconds(200));
            fs::rename(&path, &away).unwrap();
            is_away.store(true, Ordering::SeqCst);
            let begun = Instant::now();
            while !server.stderr().contains(" ERROR ") {
                assert!(begun.elapsed() < Duration::from_secs(5), "{name}: {}", server.stderr());
                thread::sleep(Duration::from_millis(1));
            }
            slowest = slowest.max(begun.elapsed());
            assert_eq!(Client::of(&server).ask("GET", "/readyz", "").0, 503);
            thread::sleep(Duration::from_millis(50));
        });
        fs::rename(&away, &path).unwrap();
        let back = Instant::now();
        while Client::of(&server).ask("GET", "/readyz", "").0 != 200 {
            assert!(back.elapsed() < Duration::from_secs(5), "{name}: {}", server.stderr());
        }
        let errors = server.stderr().matches(" ERROR ").count();
        assert_eq!(errors, 1, "{name}: {}", server.stderr());
        drop(server);
        acknowledged += ledger.acknowledged;
        refused += ledger.unavailable;
        ledger.check(&stored(&folder.path().join("otp.db")));
    }
    eprintln!(
        "removed files: {count} trials, {acknowledged} acknowledged, {refused} refused, 0 lost, noticed in {slowest:.0?}"
    );
    assert!(acknowledged > count * 10 && refused > count, "it was no load");
}
