//! Power cuts, played from the record of a server that was killed under load. On the disk is for certain what was synced;
//! of the rest every piece may be there or not, and the last one torn.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;

use crate::control::Faults;
use crate::ledger::{Ledger, Load, Stored, stored};
use crate::program::{Server, folder};
use crate::trials::{Random, alone, side_by_side, trials};

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
    /// Whether its name is on the disk: the folder was synced since it was made.
    is_named: bool,
}

/// The disk, as the sync calls leave it.
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
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let _alone = alone();
    let (cuts, disks) = (trials(20, 200), trials(2, 5));
    let results = side_by_side("power cut", cuts, |_, random| cut(disks, random));
    let acknowledged: u64 = results.iter().map(|(acknowledged, _)| acknowledged).sum();
    let lost_by_normal: usize = results.iter().map(|(_, lost)| lost).sum();
    eprintln!(
        "power cut: {cuts} cuts, {disks} disks each, {acknowledged} acknowledged, 0 lost; \
         with synchronous=NORMAL {lost_by_normal} would be"
    );
    assert!(acknowledged > cuts * 10, "it was no load");
    assert!(lost_by_normal > 0, "a test that loses nothing without its syncs tests nothing");
}

fn lost(ledger: &Ledger, stored: &Stored) -> usize {
    ledger.lost(stored).len()
}

/// What a server finds after a power cut at the end of these records.
fn after_cut(records: &[Record], random: &mut Random) -> Stored {
    let folder = folder();
    Disk::after(records).cut(folder.path(), random);
    let _server = Server::start(folder.path());
    stored(&folder.path().join("otp.db"))
}

/// The same records without the syncs that `synchronous=NORMAL` leaves out: those of the log, except where a checkpoint
/// begins, for there the database is written next (<https://sqlite.org/pragma.html#pragma_synchronous>).
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

    /// Writes to `folder` what a cut at this moment leaves. The shared memory of SQLite is in no file then.
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

/// Reads what `recorder.c` wrote; a record that the kill cut short is no record.
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
