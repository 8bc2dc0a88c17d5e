use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::bounded::SetAtEnd;
use crate::client::{Client, OTPS};
use crate::ledger::{Load, stored};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{run_alone, trials};

const READERS: usize = 32;

#[test]
fn the_wal_stays_small_while_reads_overlap() {
    let _alone = run_alone();
    let folder = folder();
    // The long form uses the default setting. The short form uses a smaller one, which is reached many times.
    let checkpoint_kib = trials(256, 16384);
    let mut command = otpd(folder.path());
    command.env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).env("OTPD_DATABASE__CHECKPOINT_KIB", checkpoint_kib.to_string());
    let server = Server::spawn(&mut command);
    let log = folder.path().join("otp.db-wal");
    let size = || fs::metadata(&log).map_or(0, |log| log.len());
    let (mut largest, enough) = (0, AtomicBool::new(false));
    let lasting = Duration::from_secs(trials(5, 600));
    let ledger = thread::scope(|scope| {
        let _end = SetAtEnd(&enough);
        for _ in 0..READERS {
            scope.spawn(|| {
                let mut client = Client::of(&server);
                while !enough.load(Ordering::Relaxed) {
                    assert_eq!(client.ask("GET", &format!("{OTPS}?limit=500&search=load"), "").0, 200);
                }
            });
        }
        Load::default().run(server.socket(), || {
            let begun = Instant::now();
            while begun.elapsed() < lasting {
                largest = largest.max(size());
                thread::sleep(Duration::from_millis(10));
            }
        })
    });
    eprintln!(
        "log under {READERS} readers: at most {} KiB of {} in {lasting:?}, {} changes",
        largest / 1024,
        checkpoint_kib * 4,
        ledger.acknowledged
    );
    assert!(largest > 0 && largest < checkpoint_kib * 4 * 1024);
    ledger.check(&stored(&folder.path().join("otp.db")));
}
