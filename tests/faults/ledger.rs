//! What the clients know: each change is acknowledged (2xx), refused (4xx) or of unknown outcome (5xx, or no answer).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::bounded::SetAtEnd;
use crate::client::{Client, OTPS, Outcome};
use crate::program::LIMIT;

/// The codes that a database holds, by id. The address of each is made of its code, so a torn row shows.
pub type Stored = BTreeMap<i64, (i64, String)>;

#[derive(Default)]
pub struct Ledger {
    rows: BTreeMap<i64, Row>,
    /// Codes whose creation has an unknown outcome.
    maybe_created: BTreeSet<i64>,
    pub acknowledged: u64,
    /// Answered 5xx.
    pub unavailable: u64,
    /// Codes of changes that were sent and never answered.
    pub unanswered: Vec<i64>,
    /// What no server may answer.
    pub faults: Vec<String>,
}

struct Row {
    code: i64,
    /// Later changes of unknown outcome.
    maybe: Vec<i64>,
}

/// How the changes are made.
pub struct Load<'a> {
    pub writers: i64,
    /// Whether nothing may be acknowledged that is sent from now on. A lone writer's last answer too: its change is the only
    /// one there is.
    pub is_over: &'a (dyn Fn() -> bool + Sync),
    /// Only POST, each writer's codes in sequence.
    pub creates_only: bool,
    /// How many changes of all writers have been acknowledged so far.
    pub acknowledged: AtomicU64,
}

impl Default for Load<'_> {
    fn default() -> Self {
        Self { writers: 8, is_over: &|| false, creates_only: false, acknowledged: AtomicU64::new(0) }
    }
}

impl Load<'_> {
    /// Waits until so many changes have been acknowledged.
    pub fn until_acknowledged(&self, changes: u64) {
        let begun = Instant::now();
        while self.acknowledged.load(Ordering::Relaxed) < changes {
            assert!(begun.elapsed() < LIMIT, "{changes} changes are not acknowledged");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets the writers write while `during` runs, and until each has heard what became of its last change.
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

    /// One writer: a third of its changes are new codes, the others change one that it made. It ends when it is told to,
    /// and when nobody answers.
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
            // Ids grow: a new one is the last.
            own.extend(ledger.rows.keys().last().filter(|id| own.last() != Some(id)).copied());
        }
        ledger
    }
}

impl Ledger {
    /// Whether the writer goes on.
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
                self.doubt(id, code);
                true
            }
            Outcome::Answer(status, body) => {
                self.faults.push(format!("{code}: {status} {body}"));
                true
            }
            Outcome::NotSent => false,
            Outcome::Unanswered => {
                self.unanswered.push(code);
                self.doubt(id, code);
                false
            }
        }
    }

    fn doubt(&mut self, id: Option<i64>, code: i64) {
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

    /// What a database lacks of what was acknowledged.
    pub fn lost(&self, stored: &Stored) -> Vec<String> {
        let is_there =
            |id: &i64, row: &Row| stored.get(id).is_some_and(|(code, _)| *code == row.code || row.maybe.contains(code));
        let lost = self.rows.iter().filter(|(id, row)| !is_there(id, row));
        lost.map(|(id, row)| format!("{id} should be {} and is {:?}", row.code, stored.get(id))).collect()
    }

    /// That nothing acknowledged is missing, nothing is there that nobody sent, and every row is whole.
    #[track_caller]
    pub fn check(&self, stored: &Stored) {
        assert_eq!(self.faults, [""; 0]);
        assert_eq!(self.lost(stored), [""; 0], "of {} acknowledged", self.acknowledged);
        for (id, (code, email)) in stored {
            assert_eq!(*email, address(*code), "{id} is torn");
            assert!(self.rows.contains_key(id) || self.maybe_created.contains(code), "nobody sent {id}: {code}");
        }
    }

    /// That what nobody answered was not done either.
    #[track_caller]
    pub fn check_unanswered_was_not_done(&self, stored: &Stored) {
        let done: Vec<_> =
            stored.values().map(|(code, _)| code).filter(|code| self.unanswered.contains(code)).collect();
        assert!(done.is_empty(), "done and not answered: {done:?}");
    }
}

fn address(code: i64) -> String {
    format!("c{code}@load.com")
}

/// What a database file holds; it is sound.
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
