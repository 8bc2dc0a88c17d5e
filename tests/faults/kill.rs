use std::path::Path;
use std::thread;
use std::time::Instant;

use crate::ledger::{Load, stored};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{Random, run_alone, side_by_side, trials};

/// The number of acknowledged changes, and the durations of the first start and the restart.
struct Trial {
    acknowledged: u64,
    first: std::time::Duration,
    restart: std::time::Duration,
}

fn kill(trial: u64, random: &mut Random) -> Trial {
    let folder = folder();
    let start = || {
        // Frequent checkpoints, so that some of them are interrupted.
        let mut command = otpd(folder.path());
        command.env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).env("OTPD_DATABASE__CHECKPOINT_KIB", "128");
        let begun = Instant::now();
        (Server::spawn(&mut command), begun.elapsed())
    };
    let (mut server, first) = start();
    let load = Load::default();
    let ledger = load.run(server.socket(), || {
        load.until_acknowledged(random.below(60));
        thread::sleep(random.milliseconds(50));
        server.signal("KILL");
    });
    server.wait();
    if trial.is_multiple_of(3) {
        // Kills the server once more, during its start.
        let mut starting = otpd(folder.path()).stderr(std::process::Stdio::null()).spawn().unwrap();
        thread::sleep(random.milliseconds(30));
        starting.kill().unwrap();
        starting.wait().unwrap();
    }
    let (_server, restart) = start();
    ledger.check(&stored(&folder.path().join("otp.db")));
    check_audit(&folder.path().join("otp.db"));
    Trial { acknowledged: ledger.acknowledged, first, restart }
}

/// Every stored change has its event, and every event its change, whether or not the change was acknowledged.
fn check_audit(database: &Path) {
    let db = rusqlite::Connection::open(database).unwrap();
    let wrong = "
        WITH events AS (
                 SELECT otp_id,
                        sum(action = 'otp.create') AS creates,
                        sum(action = 'otp.delete') AS deletes,
                        max(CASE WHEN action IN ('otp.create', 'otp.update') THEN at END) AS changed_at
                   FROM audit_events
                  WHERE otp_id IS NOT NULL
                  GROUP BY otp_id
             )
        SELECT count(*)
          FROM events AS e
          FULL JOIN otp_codes AS o ON o.id = e.otp_id
         WHERE e.creates IS NOT 1
            OR e.deletes <> (o.id IS NULL)
            OR o.updated_at <> e.changed_at";
    let wrong: i64 = db.query_row(wrong, [], |row| row.get(0)).unwrap();
    assert_eq!(wrong, 0, "codes whose events do not agree with them");
}

#[test]
fn acknowledged_changes_survive_a_kill_at_any_time() {
    let _alone = run_alone();
    let count = trials(30, 500);
    let trials = side_by_side("kill -9", count, kill);
    let acknowledged: u64 = trials.iter().map(|trial| trial.acknowledged).sum();
    let first = trials.iter().map(|trial| trial.first).max().unwrap();
    let restart = trials.iter().map(|trial| trial.restart).max().unwrap();
    eprintln!("kill -9: {count} trials, {acknowledged} acknowledged, 0 lost, slowest restart {restart:.0?}");
    // A first start creates the database. Recovering a database takes about as long.
    assert!(restart < first * 10, "a first start takes {first:?}");
    assert!(acknowledged > count * 10, "there was too little load");
}
