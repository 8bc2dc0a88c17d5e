//! Signals during the start of the server, and signals to other commands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::helpers::{all_at_once, otpd, run, shell, succeed, text, with_database};
use crate::program::{LIMIT, signal};

const HUP: u32 = 1;
/// The signals that stop a process gracefully.
const STOPPING: [(&str, u32); 6] = [("TERM", 15), ("INT", 2), ("HUP", HUP), ("QUIT", 3), ("USR1", 10), ("USR2", 12)];

/// Returns whether a process's signal set (`SigCgt`: caught, `SigIgn`: ignored) contains this signal.
fn has(process: u32, set: &str, number: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix(&format!("{set}:\t"))).unwrap();
    u64::from_str_radix(mask, 16).unwrap() >> (number - 1) & 1 == 1
}

/// Returns the signals that stop a process gracefully, except those that the test process ignores, as under `nohup`:
/// its children inherit that.
pub fn stopping() -> Vec<&'static str> {
    let is_heard = |(_, number): &(&str, u32)| !has(std::process::id(), "SigIgn", *number);
    STOPPING.into_iter().filter(is_heard).map(|(name, _)| name).collect()
}

/// Starts a command and waits until it catches or ignores each signal that stops it gracefully.
fn started(command: &mut Command) -> Child {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + LIMIT;
    let is_handled = |(_, number): (&str, u32)| ["SigCgt", "SigIgn"].iter().any(|set| has(child.id(), set, number));
    while !STOPPING.into_iter().all(is_handled) {
        assert!(Instant::now() < deadline, "it does not catch all signals");
        thread::sleep(Duration::from_millis(2));
    }
    child
}

/// Sends a signal and waits until the thread that waits for signals has noticed it and waits again.
fn signal_and_wait(child: &Child, name: &str) {
    let deadline = Instant::now() + LIMIT;
    let waits_again = |before: u64| loop {
        match signal_thread_wait_count(child.id()) {
            Some(waits) if waits > before => break waits,
            _ => assert!(Instant::now() < deadline, "{name} is not noticed"),
        }
        thread::sleep(Duration::from_millis(2));
    };
    let before = waits_again(0);
    signal(child, name);
    waits_again(before);
}

/// Returns how often the signal thread of a process has blocked, or `None` if it is not blocked now.
fn signal_thread_wait_count(process: u32) -> Option<u64> {
    let mut threads = fs::read_dir(format!("/proc/{process}/task")).unwrap().map(|entry| entry.unwrap().path());
    let is_it = |path: &PathBuf| fs::read_to_string(path.join("comm")).is_ok_and(|name| name == "signals\n");
    let status = fs::read_to_string(threads.find(is_it).unwrap().join("status")).unwrap();
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    field("State:").starts_with('S').then(|| field("voluntary_ctxt_switches:").parse().unwrap())
}

/// Returns the exit code and stderr.
fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), text(output.stderr))
}

/// Locks a database exclusively, so that other processes can neither read nor write it.
fn locked(database: &Path) -> Connection {
    let db = Connection::open(database).unwrap();
    db.execute_batch("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE").unwrap();
    db
}

fn serve(folder: &Path) -> Command {
    let mut command = otpd(folder);
    command.arg("serve");
    command
}

#[test]
fn a_signal_during_the_start_stops_the_server_gracefully() {
    all_at_once(stopping(), |name| {
        let folder = with_database();
        let lock = locked(&folder.path().join("otp.db"));
        let child = started(&mut serve(folder.path()));
        signal(&child, name);
        lock.execute_batch("ROLLBACK").unwrap();
        let (code, said) = ended(child);
        assert_eq!(code, Some(0), "{name}: {said}");
        assert!(said.ends_with("INFO  otpd::cli::serve: stopped\n"), "{name}: {said}");
    });
}

#[test]
fn a_second_signal_ends_a_hanging_start_at_once() {
    let folder = with_database();
    let _lock = locked(&folder.path().join("otp.db"));
    let child = started(&mut serve(folder.path()));
    signal(&child, "TERM");
    thread::sleep(Duration::from_millis(1100));
    signal(&child, "TERM");
    assert_eq!(ended(child), (Some(1), "otpd: stopped immediately by a second signal\n".to_owned()));
}

#[test]
fn a_hangup_that_nohup_ignores_stays_ignored() {
    let folder = with_database();
    let child = started(&mut shell(folder.path(), "trap '' HUP; exec \"$0\" serve"));
    assert!(has(child.id(), "SigIgn", HUP) && !has(child.id(), "SigCgt", HUP));
    signal(&child, "HUP");
    signal(&child, "TERM");
    let (code, said) = ended(child);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_signal_ends_inbox_follow() {
    let folder = with_database();
    all_at_once(stopping(), |name| {
        let mut command = otpd(folder.path());
        let child = started(command.args(["inbox", "--follow"]).env("OTPD_DELIVERY__ALLOW_INBOX", "true"));
        signal(&child, name);
        assert_eq!(ended(child), (Some(0), String::new()), "{name}");
    });
}

#[test]
fn a_backup_that_is_stopped_leaves_nothing() {
    all_at_once(stopping(), |name| {
        let folder = with_database();
        let lock = locked(&folder.path().join("otp.db"));
        let before = names(folder.path());
        let child = started(otpd(folder.path()).args(["backup", "copy.db"]));
        signal_and_wait(&child, name);
        lock.execute_batch("ROLLBACK").unwrap();
        let line = "otpd: stopped by a signal; copy.db is unchanged\n";
        assert_eq!(ended(child), (Some(1), line.to_owned()), "{name}");
        assert_eq!(names(folder.path()), before, "{name}");
    });
}

#[test]
fn a_restore_that_is_stopped_changes_nothing() {
    all_at_once(stopping(), |name| {
        let folder = with_database();
        succeed(folder.path(), &["backup", "copy.db"]);
        succeed(folder.path(), &["user", "add", "later", "--role", "admin"]);
        let lock = locked(&folder.path().join("copy.db"));
        let before = names(folder.path());
        let child = started(otpd(folder.path()).args(["restore", "copy.db"]));
        signal_and_wait(&child, name);
        lock.execute_batch("ROLLBACK").unwrap();
        let line = "otpd: stopped by a signal; otp.db is unchanged\n";
        assert_eq!(ended(child), (Some(1), line.to_owned()), "{name}");
        assert_eq!(names(folder.path()), before, "{name}");
        assert!(text(run(folder.path(), &["user", "list"]).stdout).contains("later\tadmin"), "{name}");
    });
}

/// Returns the names of the files in a folder, without the files that SQLite creates and removes itself.
fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().to_string_lossy().into_owned();
    let own = |name: &String| ["-wal", "-shm", "-journal"].iter().any(|suffix| name.ends_with(suffix));
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).filter(|name| !own(name)).collect();
    names.sort_unstable();
    names
}
