use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use crate::bounded::complete;
use crate::client::{Client, OTPS};
use crate::ledger::{Load, stored};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{Random, run_alone, side_by_side, trials};

/// Counts the codes of each writer. Asserts that the first codes of each writer are there without gaps.
fn count_by_writer(codes: impl Iterator<Item = i64>) -> BTreeMap<i64, i64> {
    let mut counts = BTreeMap::new();
    let mut codes: Vec<i64> = codes.collect();
    codes.sort_unstable();
    for code in codes {
        let count = counts.entry(code / 10_000_000).or_insert(0);
        assert_eq!(code % 10_000_000, *count, "a code before {code} is missing");
        *count += 1;
    }
    counts
}

/// Kills a backup under load after `part` of the time that a backup takes, and restores the copy if there is one.
///
/// # Returns
/// Whether there is a copy.
fn kill(part: f64) -> bool {
    let folder = folder();
    let server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
    let mut before = 0;
    let load = Load { creates_only: true, ..Load::default() };
    let ledger = load.run(server.socket(), || {
        load.until_acknowledged(50);
        before = Client::of(&server).ask("GET", OTPS, "").1["count"].as_u64().unwrap();
        // A backup that is not killed shows how long a backup takes.
        let begun = Instant::now();
        assert!(complete(otpd(folder.path()).args(["backup", "whole.db"])).status.success());
        let delay = begun.elapsed().mul_f64(part);
        let mut backup = otpd(folder.path());
        let mut backup = backup.args(["backup", "copy.db"]).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(delay);
        backup.kill().unwrap();
        backup.wait().unwrap();
    });
    drop(server);
    ledger.check(&stored(&folder.path().join("otp.db")));
    if !folder.path().join("copy.db").exists() {
        return false;
    }
    let restored = crate::program::folder();
    fs::copy(folder.path().join("copy.db"), restored.path().join("copy.db")).unwrap();
    assert!(complete(otpd(restored.path()).args(["restore", "copy.db"])).status.success());
    let _server = Server::start(restored.path());
    let stored = stored(&restored.path().join("otp.db"));
    count_by_writer(stored.values().map(|(code, _)| *code));
    assert!(stored.len() as u64 >= before, "{} of the {before} that were there before", stored.len());
    true
}

#[test]
fn a_backup_killed_under_load_leaves_a_complete_copy_or_none() {
    let _alone = run_alone();
    let count = trials(10, 40);
    // From zero to three times the duration of a backup.
    let part =
        |trial: u64, random: &mut Random| (trial as f64 + random.below(1000) as f64 / 1000.0) * 3.0 / count as f64;
    let results = side_by_side("backup", count, |trial, random| kill(part(trial, random)));
    let whole = results.iter().filter(|is_whole| **is_whole).count();
    let none = results.len() - whole;
    // A later backup removes the temporary file of a killed one: see tests/cli/backup.rs.
    eprintln!("backup: {whole} complete copies, {none} killed before there was a copy");
    assert!(whole > 0 && none > 0, "{whole} whole, {none} none");
}
