//! Records the outcome of each change as the clients see it: acknowledged (2xx), refused (4xx) or unknown (5xx or no
//! response).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::bounded::SetAtEnd;
use crate::client::{Client, OTPS, Outcome};
use crate::program::LIMIT;

/// The codes in a database, by id. Each address is derived from its code, so that a torn row is detected.
pub type Stored = BTreeMap<i64, (i64, String)>;

#[derive(Default)]
pub struct Ledger {
    rows: BTreeMap<i64, Row>,
    /// Codes whose creation has an unknown outcome.
    maybe_created: BTreeSet<i64>,
    pub acknowledged: u64,
    /// Number of responses with a 5xx status.
    pub unavailable: u64,
    /// Codes of changes that were sent and got no response.
    pub unanswered: Vec<i64>,
    /// Responses that are wrong in any case.
    pub faults: Vec<String>,
}

struct Row {
    code: i64,
    /// Codes of later changes whose outcome is unknown.
    maybe: Vec<i64>,
}

/// Writers that make changes at the same time.
pub struct Load<'a> {
    pub writers: i64,
    /// Returns true once no change sent from now on may be acknowledged. With a single writer, it is called again after
    /// the response, because no other change can be in flight.
    pub is_over: &'a (dyn Fn() -> bool + Sync),
    /// Whether all changes are POST requests, with the codes of each writer in sequence.
    pub creates_only: bool,
    /// Number of acknowledged changes of all writers so far.
    pub acknowledged: AtomicU64,
}

impl Default for Load<'_> {
    fn default() -> Self {
        Self { writers: 8, is_over: &|| false, creates_only: false, acknowledged: AtomicU64::new(0) }
    }
}

impl Load<'_> {
    /// Waits until this many changes have been acknowledged.
    pub fn until_acknowledged(&self, changes: u64) {
        let begun = Instant::now();
        while self.acknowledged.load(Ordering::Relaxed) < changes {
            assert!(begun.elapsed() < LIMIT, "{changes} changes are not acknowledged");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Runs the writers until `during` returns and each writer has the response to its last change.
    pub fn run(&self, socket: &str, during: impl FnOnce()) -> Ledger {
        let enough = &AtomicBool::new(false);
        thread::scope(|scope| {
            let writers: Vec<_> =
                (1..=self.writers).map(|n| scope.spawn(move || self.write(Client::at(socket), n, enough))).collect();
            let end = SetAtEnd(enough);
            during();
            drop(end);
            let ledgers = writers.into_iter().map(|writer| writer.join().unwrap());
            ledgers.reduce(Ledger::and).unwrap()
        })
    }

    /// Runs one writer. A third of its changes create codes; the others update a code that it created. It ends when
    /// `enough` is set or a request gets no response.
    fn write(&self, mut client: Client, writer: i64, enough: &AtomicBool) -> Ledger {
        let mut ledger = Ledger::default();
        let mut own: Vec<i64> = Vec::new();
        for n in 0.. {
            if enough.load(Ordering::Relaxed) {
                break;
            }
            let code = writer * 10_000_000 + n;
            let body = format!(r#"{{"code":{code},"email":"{}","valid_to":"2099-01-01"}}"#, address(code));
            let id = if self.creates_only || n % 3 == 0 || own.is_empty() {
                None
            } else {
                Some(own[usize::try_from(n).unwrap() * 7 % own.len()])
            };
            let over = (self.is_over)();
            let outcome = match id {
                None => client.send("POST", OTPS, &body),
                Some(id) => client.send("PATCH", &format!("{OTPS}{id}"), &body),
            };
            let over = over || (self.writers == 1 && (self.is_over)());
            if !ledger.note(id, code, &outcome, over) {
                break;
            }
            if matches!(outcome, Outcome::Answer(200 | 201, _)) {
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            // Ids increase, so a new id is the last one.
            own.extend(ledger.rows.keys().last().filter(|id| own.last() != Some(id)).copied());
        }
        ledger
    }
}

impl Ledger {
    /// Records an outcome. Returns whether the writer continues.
    fn note(&mut self, id: Option<i64>, code: i64, outcome: &Outcome, over: bool) -> bool {
        match outcome {
            Outcome::Answer(200 | 201, body) => {
                self.acknowledged += 1;
                let otp: serde_json::Value = serde_json::from_str(body).unwrap();
                if over || otp["code"] != code || otp["email"] != address(code) {
                    self.faults.push(format!("{code} was answered (over: {over}) {body}"));
                }
                self.rows.insert(otp["id"].as_i64().unwrap(), Row { code, maybe: Vec::new() });
                true
            }
            Outcome::Answer(status, _) if *status >= 500 => {
                self.unavailable += 1;
                self.note_unknown(id, code);
                true
            }
            Outcome::Answer(status, body) => {
                self.faults.push(format!("{code}: {status} {body}"));
                true
            }
            Outcome::NotSent => false,
            Outcome::Unanswered => {
                self.unanswered.push(code);
                self.note_unknown(id, code);
                false
            }
        }
    }

    fn note_unknown(&mut self, id: Option<i64>, code: i64) {
        match id.and_then(|id| self.rows.get_mut(&id)) {
            Some(row) => row.maybe.push(code),
            None => drop(self.maybe_created.insert(code)),
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.rows.extend(other.rows);
        self.maybe_created.extend(other.maybe_created);
        self.acknowledged += other.acknowledged;
        self.unavailable += other.unavailable;
        self.unanswered.extend(other.unanswered);
        self.faults.extend(other.faults);
        self
    }

    /// Returns the acknowledged changes that the database does not contain.
    pub fn lost(&self, stored: &Stored) -> Vec<String> {
        let is_there =
            |id: &i64, row: &Row| stored.get(id).is_some_and(|(code, _)| *code == row.code || row.maybe.contains(code));
        let lost = self.rows.iter().filter(|(id, row)| !is_there(id, row));
        lost.map(|(id, row)| format!("{id} should be {} and is {:?}", row.code, stored.get(id))).collect()
    }

    /// Asserts that no acknowledged change is missing, that every row was sent by a client, and that no row is torn.
    #[track_caller]
    pub fn check(&self, stored: &Stored) {
        assert_eq!(self.faults, [""; 0]);
        assert_eq!(self.lost(stored), [""; 0], "of {} acknowledged", self.acknowledged);
        for (id, (code, email)) in stored {
            assert_eq!(*email, address(*code), "{id} is torn");
            assert!(self.rows.contains_key(id) || self.maybe_created.contains(code), "no client sent {id}: {code}");
        }
    }

    /// Asserts that changes without a response were not made.
    #[track_caller]
    pub fn check_unanswered_changes_were_not_made(&self, stored: &Stored) {
        let done: Vec<_> =
            stored.values().map(|(code, _)| code).filter(|code| self.unanswered.contains(code)).collect();
        assert!(done.is_empty(), "done and not answered: {done:?}");
    }
}

fn address(code: i64) -> String {
    format!("c{code}@load.com")
}

/// Returns the codes in a database file. Asserts that the file is sound.
#[track_caller]
pub fn stored(database: &Path) -> Stored {
    let db = Connection::open(database).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    let finding: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(finding, "ok");
    let mut rows = db.prepare("SELECT id, code, email FROM otp_codes").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}
