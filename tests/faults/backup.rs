use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use crate::bounded::complete;
use crate::client::{Client, OTPS};
use crate::ledger::{Load, stored};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{Random, alone, trials};

/// How many of each writer's codes are there; they are its first ones.
fn prefixes(codes: impl Iterator<Item = i64>) -> BTreeMap<i64, i64> {
    let mut prefixes = BTreeMap::new();
    let mut codes: Vec<i64> = codes.collect();
    codes.sort_unstable();
    for code in codes {
        let count = prefixes.entry(code / 10_000_000).or_insert(0);
        assert_eq!(code % 10_000_000, *count, "a code before {code} is missing");
        *count += 1;
    }
    prefixes
}

#[test]
fn a_backup_that_is_killed_under_load_leaves_a_whole_copy_or_none() {
    let _alone = alone();
    let mut random = Random::seeded("backup");
    let (mut whole, mut none) = (0, 0);
    for _ in 0..trials(10, 40) {
        let folder = folder();
        let server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
        let mut before = 0;
        let load = Load { creates_only: true, ..Load::default() };
        let ledger = load.run(server.socket(), || {
            thread::sleep(random.milliseconds(200));
            before = Client::of(&server).ask("GET", OTPS, "").1["count"].as_u64().unwrap();
            // One that is not killed tells how long they take here.
            let begun = Instant::now();
            assert!(complete(otpd(folder.path()).args(["backup", "whole.db"])).status.success());
            let long = u64::try_from(begun.elapsed().as_millis()).unwrap() * 3 / 2;
            let mut backup = otpd(folder.path());
            let mut backup = backup.args(["backup", "copy.db"]).stderr(Stdio::null()).spawn().unwrap();
            thread::sleep(random.milliseconds(long));
            backup.kill().unwrap();
            backup.wait().unwrap();
        });
        drop(server);
        ledger.check(&stored(&folder.path().join("otp.db")));
        if !folder.path().join("copy.db").exists() {
            none += 1;
            continue;
        }
        whole += 1;
        let restored = crate::program::folder();
        fs::copy(folder.path().join("copy.db"), restored.path().join("copy.db")).unwrap();
        assert!(complete(otpd(restored.path()).args(["restore", "copy.db"])).status.success());
        let _server = Server::start(restored.path());
        let stored = stored(&restored.path().join("otp.db"));
        prefixes(stored.values().map(|(code, _)| *code));
        assert!(stored.len() as u64 >= before, "{} of the {before} that were there before", stored.len());
    }
    // A later one clears away what a killed one left: see tests/cli/backup.rs.
    eprintln!("backup: {whole} whole copies, {none} killed before there was one");
    assert!(whole > 0 && none > 0, "{whole} whole, {none} none");
}
