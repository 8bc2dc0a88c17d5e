use std::thread;
use std::time::{Duration, Instant};

use crate::ledger::{Load, stored};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{Random, alone, trials};

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let _alone = alone();
    let mut random = Random::seeded("kill -9");
    let (mut acknowledged, mut slowest, mut slowest_first) = (0, Duration::ZERO, Duration::ZERO);
    let count = trials(30, 500);
    for trial in 0..count {
        let folder = folder();
        let start = || {
            // Checkpoints often, so that some are killed too.
            let mut command = otpd(folder.path());
            command.env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).env("OTPD_DATABASE__CHECKPOINT_KIB", "128");
            Server::spawn(&mut command)
        };
        let begun = Instant::now();
        let mut server = start();
        slowest_first = slowest_first.max(begun.elapsed());
        let ledger = Load::default().run(server.socket(), || {
            thread::sleep(random.milliseconds(200));
            server.signal("KILL");
        });
        server.wait();
        if trial % 3 == 0 {
            // Once more, while it starts.
            let mut starting = otpd(folder.path()).stderr(std::process::Stdio::null()).spawn().unwrap();
            thread::sleep(random.milliseconds(30));
            starting.kill().unwrap();
            starting.wait().unwrap();
        }
        let begun = Instant::now();
        let _server = start();
        slowest = slowest.max(begun.elapsed());
        ledger.check(&stored(&folder.path().join("otp.db")));
        acknowledged += ledger.acknowledged;
    }
    eprintln!("kill -9: {count} trials, {acknowledged} acknowledged, 0 lost, slowest restart {slowest:.0?}");
    // A first start makes the database; recovering one takes about as long.
    assert!(slowest < slowest_first * 10, "a first start takes {slowest_first:?}");
    assert!(acknowledged > count * 10, "it was no load");
}
