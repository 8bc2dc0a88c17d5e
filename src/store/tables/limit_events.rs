//! Table `limit_events`. The events of a subject are numbered from the oldest. Events later than now are not trusted
//! (`domain/clock.rs`): they don't count, and a new event takes their number.

use crate::domain::limit::Event;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::value::Value;
use crate::values;

/// The number of the newest trusted event of a subject.
macro_rules! last_number {
    () => {
        "SELECT nth FROM limit_events WHERE kind = $1 AND subject = $2 AND at <= $3 ORDER BY nth DESC LIMIT 1"
    };
}

pub(in crate::store) const LAST_NUMBER: &str = last_number!();

/// The number of the newest trusted event of a subject; 0 if there is none.
fn last_number(db: &Db, event: Event, subject: &str, now: Timestamp) -> Result<i64> {
    let values = values![event.as_str(), subject, now.as_micros()];
    Ok(db.row(LAST_NUMBER, &values, |row| row.get("nth"))?.unwrap_or(0))
}

/// Records an event of a subject.
pub fn insert(db: &Db, event: Event, subject: &str, now: Timestamp) -> Result<()> {
    db.change(INSERT, &values![event.as_str(), subject, now.as_micros()])
}

/// Records events of different subjects, in one statement.
pub fn insert_all(db: &Db, events: &[(Event, String)], now: Timestamp) -> Result<()> {
    let rows: Vec<String> = (0..events.len()).map(|n| format!("(${}, ${})", 2 * n + 2, 2 * n + 3)).collect();
    let sql = format!(
        "WITH new (kind, subject) AS (VALUES {})
         INSERT INTO limit_events (kind, subject, nth, at)
         SELECT new.kind,
                new.subject,
                coalesce((SELECT e.nth
                            FROM limit_events AS e
                           WHERE e.kind = new.kind
                             AND e.subject = new.subject
                             AND e.at <= CAST($1 AS BIGINT)
                           ORDER BY e.nth DESC
                           LIMIT 1), 0) + 1,
                CAST($1 AS BIGINT)
           FROM new
          WHERE true
         ON CONFLICT (kind, subject, nth) DO UPDATE SET at = excluded.at",
        rows.join(", ")
    );
    let mut values = vec![Value::Int(now.as_micros())];
    for (event, subject) in events {
        values.extend(values![event.as_str(), subject]);
    }
    db.change(&sql, &values)
}

/// `WHERE true` separates the query from `ON CONFLICT` for SQLite's parser. The casts tell PostgreSQL the types.
pub(in crate::store) const INSERT: &str = concat!(
    "INSERT INTO limit_events (kind, subject, nth, at)
     SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), coalesce((",
    last_number!(),
    "), 0) + 1, CAST($3 AS BIGINT)
      WHERE true
     ON CONFLICT (kind, subject, nth) DO UPDATE SET at = excluded.at"
);

pub(in crate::store) const NTH_NEWEST: &str =
    concat!("SELECT at FROM limit_events WHERE kind = $1 AND subject = $2 AND nth = (", last_number!(), ") + 1 - $4");

pub(in crate::store) const FIND: &str = "SELECT at FROM limit_events WHERE kind = $1 AND subject = $2 AND nth = $3";

/// The time of the `n`th newest trusted event, counted from 1.
pub fn nth_newest(db: &Db, event: Event, subject: &str, n: u32, now: Timestamp) -> Result<Option<Timestamp>> {
    db.row(NTH_NEWEST, &values![event.as_str(), subject, now.as_micros(), n], |row| row.timestamp("at"))
}

pub(in crate::store) const COUNT_SINCE: &str = "
    SELECT count(*) AS count
      FROM limit_events
     WHERE kind = $1
       AND subject = $2
       AND nth > $3
       AND at > $4
       AND at <= $5";

/// How many of the newest `n` trusted events happened after `since`.
pub fn count_since(db: &Db, event: Event, subject: &str, n: u32, since: Timestamp, now: Timestamp) -> Result<u32> {
    let before = last_number(db, event, subject, now)? - i64::from(n);
    let values = values![event.as_str(), subject, before, since.as_micros(), now.as_micros()];
    db.one(COUNT_SINCE, &values, |row| row.get("count"))
}

pub(in crate::store) const FIRST_NUMBER: &str =
    "SELECT min(nth) AS nth FROM limit_events WHERE kind = $1 AND subject = $2";

/// How many of the trusted events of a subject happened after `since`. Takes a few look-ups, however many there are.
pub fn count_all_since(db: &Db, event: Event, subject: &str, since: Timestamp, now: Timestamp) -> Result<u32> {
    let last = last_number(db, event, subject, now)?;
    let first: Option<i64> = db.one(FIRST_NUMBER, &values![event.as_str(), subject], |row| row.get("nth"))?;
    // The events are numbered in the order of their times, so the first one after `since` is found by bisection.
    let (mut low, mut high) = (first.unwrap_or(last + 1), last + 1);
    while low < high {
        let middle = low.midpoint(high);
        let values = values![event.as_str(), subject, middle];
        let at: Option<i64> = db.row(FIND, &values, |row| row.get("at"))?;
        if at.is_none_or(|at| at <= since.as_micros()) { low = middle + 1 } else { high = middle }
    }
    Ok(u32::try_from(last + 1 - low).unwrap_or(0))
}

pub(in crate::store) const LIST_FREQUENT: &str = "
    SELECT subject
      FROM limit_events
     WHERE kind IN ('send_to', 'failure_of')
       AND nth >= 3
       AND kind = $1
       AND at > $2
       AND at <= $3
       AND nth >= $4
     ORDER BY at DESC
     LIMIT $5";
/// The index of the other statement does not contain the first events of a subject.
pub(in crate::store) const LIST_RECENT: &str = "
    SELECT subject
      FROM limit_events
     WHERE kind || '' = $1
       AND at > $2
       AND at <= $3
       AND nth >= $4
     ORDER BY at DESC
     LIMIT $5";

/// The subjects of at most `limit` newest events since `since` that have at least `allowed` events, trusted or not. A
/// subject can occur several times.
pub fn list_frequent(
    db: &Db,
    event: Event,
    allowed: u32,
    since: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<String>> {
    let sql = if allowed >= 3 { LIST_FREQUENT } else { LIST_RECENT };
    let values = values![event.as_str(), since.as_micros(), now.as_micros(), allowed, limit];
    db.rows(sql, &values, |row| row.get("subject"))
}

/// The time of the newest event of all subjects.
pub fn newest(db: &Db) -> Result<Option<Timestamp>> {
    let sql = "SELECT max(at) AS at FROM limit_events";
    db.one(sql, &[], |row| row.optional_timestamp("at"))
}

pub(in crate::store) const DELETE_OF: &str = "DELETE FROM limit_events WHERE kind = $1 AND subject = $2";

/// Deletes the events of a subject. Returns how many.
pub fn delete_of(db: &Db, event: Event, subject: &str) -> Result<usize> {
    db.execute(DELETE_OF, &values![event.as_str(), subject])
}

pub(in crate::store) const DELETE_BEFORE: &str =
    "DELETE FROM limit_events WHERE id IN (SELECT id FROM limit_events WHERE at < $1 LIMIT $2) AND +at < $1";

/// Deletes at most `limit` events from before `until`. Returns their number.
pub fn delete_before(db: &Db, until: Timestamp, limit: i64) -> Result<usize> {
    db.execute(DELETE_BEFORE, &values![until.as_micros(), limit])
}

pub(in crate::store) const DELETE_AFTER: &str =
    "DELETE FROM limit_events WHERE id IN (SELECT id FROM limit_events WHERE at > $1 LIMIT $2) AND +at > $1";

/// Deletes at most `limit` events from after `since`. Returns their number.
pub fn delete_after(db: &Db, since: Timestamp, limit: i64) -> Result<usize> {
    db.execute(DELETE_AFTER, &values![since.as_micros(), limit])
}
