use std::collections::HashMap;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::client::{Client, OTPS};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::run_alone;

const WRITES: usize = 1000;

/// Uses `strace` on the changes of one client. A sync must happen between the last write to the WAL and the response.
#[test]
fn the_wal_is_synced_before_each_acknowledgement() {
    let _alone = run_alone();
    let folder = folder();
    let trace = folder.path().join("trace");
    let mut command = Command::new("strace");
    // -D: otpd is the child of this process, and strace is a grandchild.
    command.args([
        "-D",
        "-f",
        "-qq",
        "-y",
        "-s",
        "16",
        "-e",
        "trace=pwrite64,fdatasync,fsync,sendto,write,writev",
        "-o",
    ]);
    command.arg(&trace).arg(env!("CARGO_BIN_EXE_otpd")).current_dir(folder.path());
    for (name, value) in otpd(folder.path()).get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let mut server = Server::spawn(command.env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).env_remove("RUST_LOG"));
    let mut client = Client::of(&server);
    // The first request of a token also causes a write that notes its use. It must not fall between a change and its answer.
    assert_eq!(client.ask("PUT", OTPS, "").0, 405);
    let database = rusqlite::Connection::open(folder.path().join("otp.db")).unwrap();
    let is_noted = || {
        let sql = "SELECT count(last_used_at) FROM api_tokens";
        database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() == 1
    };
    for _ in 0..3000 {
        if is_noted() {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    assert!(is_noted(), "the use of the token was not noted within 30 seconds");
    for n in 0..WRITES {
        let (status, otp) = match n {
            0 => client.ask("POST", OTPS, r#"{"code":0,"email":"a@b.com"}"#),
            n => client.ask("PATCH", &format!("{OTPS}1"), &format!(r#"{{"code":{n}}}"#)),
        };
        assert!(status < 300, "{otp}");
    }
    server.signal("TERM");
    server.wait();
    let trace = fs::read_to_string(&trace).unwrap();
    let (synced, not_synced) = count(&trace);
    eprintln!("sync order: {synced} of {} acknowledged changes were synced before", synced + not_synced);
    assert_eq!((synced, not_synced), (WRITES, 0));
    // SQLite is built with HAVE_FDATASYNC, because fsync is slower (see docs/performance.md).
    let slower = trace.lines().find(|call| call.contains(" fsync(") && call.contains("-wal>"));
    assert_eq!(slower, None);
}

/// Counts the acknowledgements with and without a sync of the WAL after the last write to it and after the previous
/// acknowledgement.
fn count(trace: &str) -> (usize, usize) {
    let (mut synced, mut not_synced) = (0, 0);
    let mut is_synced = false;
    let mut begun = HashMap::new();
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        let is_sync = call.starts_with("fdatasync(") || call.starts_with("fsync(");
        if call.contains("-wal>") && call.starts_with("pwrite64(") {
            is_synced = false;
        } else if call.contains("-wal>") && is_sync && call.contains("unfinished") {
            begun.insert(thread, ());
        } else if call.contains("sync resumed>") && begun.remove(thread).is_some() && call.ends_with("= 0")
            || call.contains("-wal>") && is_sync && call.ends_with("= 0")
        {
            is_synced = true;
        } else if call.contains("\"HTTP/1.1 20") {
            if is_synced {
                synced += 1;
            } else {
                not_synced += 1;
            }
            is_synced = false;
        }
    }
    (synced, not_synced)
}
