//! Table `limit_events`.

use rusqlite::{OptionalExtension, params};

use crate::domain::limit::Event;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::Db;
use crate::store::row::moment;

pub(super) const INSERT: &str = "
    INSERT INTO limit_events (kind, subject, nth, at)
    SELECT $1, $2, coalesce(max(nth), 0) + 1, $3
      FROM limit_events
     WHERE kind = $1
       AND subject = $2";

/// Counts an event of a subject.
pub fn insert(db: &Db, event: Event, subject: &str, now: Timestamp) -> Result<()> {
    db.prepare_cached(INSERT)?.execute(params![event.as_str(), subject, now.as_micros()])?;
    Ok(())
}

pub(super) const NTH_NEWEST: &str = "
    SELECT at
      FROM limit_events
     WHERE kind = $1
       AND subject = $2
       AND nth = (SELECT max(nth) FROM limit_events WHERE kind = $1 AND subject = $2) - $3";

/// When the `n`th newest event was, counted from 1.
pub fn nth_newest(db: &Db, event: Event, subject: &str, n: u32) -> Result<Option<Timestamp>> {
    db.prepare_cached(NTH_NEWEST)?
        .query_row(params![event.as_str(), subject, n.saturating_sub(1)], |row| Ok(moment(row, "at")))
        .optional()?
        .transpose()
}

pub(super) const COUNT_SINCE: &str = "
    SELECT count(*)
      FROM limit_events
     WHERE kind = $1
       AND subject = $2
       AND nth > (SELECT max(nth) FROM limit_events WHERE kind = $1 AND subject = $2) - $3
       AND at > $4";

/// How many of the newest `n` events were after a moment.
pub fn count_since(db: &Db, event: Event, subject: &str, n: u32, since: Timestamp) -> Result<u32> {
    let values = params![event.as_str(), subject, n, since.as_micros()];
    Ok(db.prepare_cached(COUNT_SINCE)?.query_row(values, |row| row.get(0))?)
}

pub(super) const DELETE_OF: &str = "DELETE FROM limit_events WHERE kind = $1 AND subject = $2";

/// Forgets the events of a subject.
pub fn delete_of(db: &Db, event: Event, subject: &str) -> Result<()> {
    db.prepare_cached(DELETE_OF)?.execute(params![event.as_str(), subject])?;
    Ok(())
}

const DELETE_BEFORE: &str = "
    DELETE FROM limit_events
     WHERE at < $1
       AND id IN (SELECT id FROM limit_events ORDER BY id LIMIT $2)";

/// Deletes at most `limit` of the events before a moment; how many. They stand in the order of time, but for a clock that
/// was set back.
pub fn delete_before(db: &Db, before: Timestamp, limit: i64) -> Result<usize> {
    Ok(db.prepare_cached(DELETE_BEFORE)?.execute(params![before.as_micros(), limit])?)
}
