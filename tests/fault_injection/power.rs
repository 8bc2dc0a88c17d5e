//! Power cuts, simulated from the recorded writes of a server that was killed under load. Synced data is on the disk.
//! Every other write may be on the disk or not, and the last one may be torn.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;

use rusqlite::Connection;

use crate::control::Faults;
use crate::ledger::{Ledger, Load, Stored, stored};
use crate::program::{Server, folder};
use crate::trials::{Random, run_alone, side_by_side, trials};

/// A change to one file.
#[derive(Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

/// What was recorded.
enum Record {
    Created(String),
    Unlinked(String),
    Changed(String, Change),
    Synced(String),
}

#[derive(Default)]
struct File {
    durable: Vec<u8>,
    /// Changed and not yet synced.
    pending: Vec<Change>,
    /// Whether its directory entry is on the disk: the folder was synced after the file was created.
    is_named: bool,
}

/// The state of the disk according to the sync calls.
#[derive(Default)]
struct Disk {
    files: BTreeMap<String, File>,
    unlinked: Vec<String>,
}

/// Cuts the power of a server under load.
///
/// # Returns
/// How many changes were acknowledged, and how many of them would be lost with `synchronous=NORMAL`.
fn cut(disks: u64, random: &mut Random) -> (u64, usize) {
    let faults = Faults::new();
    let folder = folder();
    let mut server = Server::spawn(&mut faults.otpd(folder.path(), true));
    let load = Load::default();
    let ledger = load.run(server.socket(), || {
        load.until_acknowledged(random.below(60));
        thread::sleep(random.milliseconds(100));
        server.signal("KILL");
    });
    server.wait();
    let records = parse(&fs::read(faults.log()).unwrap());
    for _ in 0..disks {
        ledger.check(&after_cut(&records, random));
    }
    (ledger.acknowledged, lost(&ledger, &after_cut(&as_if_normal(records), random)))
}

#[test]
fn a_power_cut_loses_no_acknowledged_change() {
    let _alone = run_alone();
    let (cuts, disks) = (trials(20, 200), trials(2, 5));
    let results = side_by_side("power cut", cuts, |_, random| cut(disks, random));
    let acknowledged: u64 = results.iter().map(|(acknowledged, _)| acknowledged).sum();
    let lost_by_normal: usize = results.iter().map(|(_, lost)| lost).sum();
    eprintln!(
        "power cut: {cuts} cuts, {disks} disks each, {acknowledged} acknowledged, 0 lost; \
         with synchronous=NORMAL {lost_by_normal} would be"
    );
    assert!(acknowledged > cuts * 10, "there was too little load");
    assert!(lost_by_normal > 0, "without syncs changes must be lost, or the test detects nothing");
}

fn lost(ledger: &Ledger, stored: &Stored) -> usize {
    ledger.lost(stored).len()
}

/// Simulates a power cut after these records, starts a server, and returns the codes that it finds. Without the syncs,
/// not even the schema may be on the disk. A server refuses to start then, and there are no codes.
fn after_cut(records: &[Record], random: &mut Random) -> Stored {
    let folder = folder();
    Disk::after(records).cut(folder.path(), random);
    let database = folder.path().join("otp.db");
    if !has_codes_table(&database) {
        return Stored::new();
    }
    let _server = Server::start(folder.path());
    stored(&database)
}

fn has_codes_table(database: &Path) -> bool {
    let db = Connection::open(database).unwrap();
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'otp_codes'";
    db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() == 1
}

/// Returns the records without the syncs that `synchronous=NORMAL` omits: those of the WAL, except before a checkpoint
/// writes the database (<https://sqlite.org/pragma.html#pragma_synchronous>).
fn as_if_normal(records: Vec<Record>) -> Vec<Record> {
    let mut kept = Vec::new();
    let mut left_out = None;
    for record in records {
        match record {
            Record::Synced(name) if name.ends_with("-wal") => left_out = Some(Record::Synced(name)),
            Record::Changed(name, change) => {
                if name.ends_with(".db") {
                    kept.extend(left_out.take());
                }
                kept.push(Record::Changed(name, change));
            }
            other => kept.push(other),
        }
    }
    kept
}

impl Disk {
    fn after(records: &[Record]) -> Self {
        let mut disk = Self::default();
        for record in records {
            match record {
                Record::Created(name) => drop(disk.files.insert(name.clone(), File::default())),
                Record::Unlinked(name) => disk.unlinked.push(name.clone()),
                Record::Changed(name, change) => {
                    disk.files.entry(name.clone()).or_default().pending.push(change.clone());
                }
                Record::Synced(name) if name == "." => {
                    disk.files.values_mut().for_each(|file| file.is_named = true);
                    for name in disk.unlinked.drain(..) {
                        disk.files.remove(&name);
                    }
                }
                Record::Synced(name) => {
                    let file = disk.files.entry(name.clone()).or_default();
                    for change in file.pending.drain(..) {
                        change.apply(&mut file.durable);
                    }
                }
            }
        }
        disk
    }

    /// Writes to `folder` what a power cut leaves. The shared memory of SQLite (`-shm`) is lost.
    fn cut(mut self, folder: &Path, random: &mut Random) {
        for name in self.unlinked {
            if random.below(2) == 0 {
                self.files.remove(&name);
            }
        }
        for (name, mut file) in self.files {
            if name.ends_with("-shm") || (!file.is_named && random.below(2) == 0) {
                continue;
            }
            let last = file.pending.len();
            for (n, change) in file.pending.into_iter().enumerate() {
                match change {
                    _ if random.below(2) == 0 => {}
                    Change::Write { offset, mut bytes } if n + 1 == last => {
                        // Torn between two sectors.
                        bytes.truncate(random.index(bytes.len() / 512 + 1) * 512);
                        Change::Write { offset, bytes }.apply(&mut file.durable);
                    }
                    change => change.apply(&mut file.durable),
                }
            }
            fs::write(folder.join(name), file.durable).unwrap();
        }
    }
}

impl Change {
    fn apply(self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                content.resize(content.len().max(end), 0);
                content[offset..end].copy_from_slice(&bytes);
            }
            Self::Truncate(size) => content.resize(size, 0),
        }
    }
}

/// Parses the records of `recorder.c`. A record that the kill truncated is ignored.
fn parse(mut log: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while let Some(end) = log.iter().position(|b| *b == b'\n') {
        let head = str::from_utf8(&log[..end]).unwrap();
        log = &log[end + 1..];
        let words: Vec<&str> = head.split(' ').collect();
        let number = |n: usize| words[n].parse::<usize>().unwrap();
        let name = words[1].to_owned();
        records.push(match words[0] {
            "C" => Record::Created(name),
            "U" => Record::Unlinked(name),
            "S" => Record::Synced(name),
            "T" => Record::Changed(name, Change::Truncate(number(2))),
            "W" => {
                let Some(bytes) = log.get(..number(3)) else { break };
                log = &log[bytes.len()..];
                Record::Changed(name, Change::Write { offset: number(2), bytes: bytes.to_vec() })
            }
            other => panic!("{other}"),
        });
    }
    records
}
