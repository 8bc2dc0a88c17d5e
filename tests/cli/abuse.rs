//! The warning about a collapse of the verified share.

use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use crate::helpers::{Server, with_database};
use crate::program::LIMIT;

const SECONDS_PER_HOUR: u64 = 3600;

/// The last full hour that ended at least ten minutes ago.
fn checked_hour() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    (now - 600) / SECONDS_PER_HOUR - 1
}

/// Stores an hour with many codes of which few were verified, and a usual hour before it.
fn store_collapse(folder: &Path, hour: u64) {
    let database = Connection::open(folder.join("otp.db")).unwrap();
    let sql = "INSERT INTO hourly_figures (figure, hour, subject, count) VALUES ($1, $2, 'sms 0994', $3)";
    for (figure, hour, count) in [
        ("codes_sent", hour, 120),
        ("codes_verified", hour, 6),
        ("codes_sent", hour - 24, 400),
        ("codes_verified", hour - 24, 300),
    ] {
        database.execute(sql, rusqlite::params![figure, i64::try_from(hour).unwrap(), count]).unwrap();
    }
}

/// Starts a server, waits for the warning, stops the server and returns the lines about the collapse.
fn warnings(folder: &Path) -> Vec<String> {
    let mut server = Server::start(folder);
    let deadline = Instant::now() + LIMIT;
    while !server.stderr().contains("are verified:") {
        assert!(Instant::now() < deadline, "{}", server.stderr());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    server.signal("TERM");
    let (_, log) = server.wait();
    log.lines().filter(|line| line.contains("are verified:")).map(str::to_owned).collect()
}

#[test]
fn each_start_logs_a_collapse_in_one_line() {
    let expected = " WARN  otpd::cli::housekeeping: few codes for numbers with the prefix 0994 are verified: 6 of 120 \
                    (5.0 %) in the hour from ";
    loop {
        let (folder, hour) = (with_database(), checked_hour());
        store_collapse(folder.path(), hour);
        // If another hour is checked now, the server may not see the collapse.
        if checked_hour() != hour {
            continue;
        }
        for _ in 0..2 {
            let lines = warnings(folder.path());
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].contains(expected), "{lines:?}");
            assert!(
                lines[0].contains("300 of 400 (75.0 %) in the week before; this is typical of SMS pumping;"),
                "{lines:?}"
            );
        }
        return;
    }
}
