//! Table `limit_events`.

use rusqlite::{OptionalExtension, params};

use crate::domain::limit::Event;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::Db;
use crate::store::row::moment;

pub fn insert(db: &Db, event: Event, subject: &str, now: Timestamp) -> Result<()> {
    db.prepare_cached("INSERT INTO limit_events (kind, subject, at) VALUES ($1, $2, $3)")?.execute(params![
        event.as_str(),
        subject,
        now.as_micros()
    ])?;
    Ok(())
}

pub(super) const NTH_NEWEST: &str =
    "SELECT at FROM limit_events WHERE kind = $1 AND subject = $2 ORDER BY at DESC LIMIT 1 OFFSET $3";

/// When the `n`th newest event was, counted from 1.
pub fn nth_newest(db: &Db, event: Event, subject: &str, n: u32) -> Result<Option<Timestamp>> {
    db.prepare_cached(NTH_NEWEST)?
        .query_row(params![event.as_str(), subject, n.saturating_sub(1)], |row| Ok(moment(row, "at")))
        .optional()?
        .transpose()
}

/// How many events there were since a moment.
pub fn count_since(db: &Db, event: Event, subject: &str, since: Timestamp) -> Result<u32> {
    let sql = "SELECT count(*) FROM limit_events WHERE kind = $1 AND subject = $2 AND at > $3";
    Ok(db.prepare_cached(sql)?.query_row(params![event.as_str(), subject, since.as_micros()], |row| row.get(0))?)
}

/// Forgets the events of a subject.
pub fn delete_of(db: &Db, event: Event, subject: &str) -> Result<()> {
    let sql = "DELETE FROM limit_events WHERE kind = $1 AND subject = $2";
    db.prepare_cached(sql)?.execute(params![event.as_str(), subject])?;
    Ok(())
}

/// Deletes at most `limit` of the events before a moment; how many. They stand in the order of time, but for a clock that
/// was set back.
pub fn delete_before(db: &Db, before: Timestamp, limit: i64) -> Result<usize> {
    let sql = "DELETE FROM limit_events
                WHERE at < $1
                  AND id IN (SELECT id FROM limit_events ORDER BY id LIMIT $2)";
    Ok(db.prepare_cached(sql)?.execute(params![before.as_micros(), limit])?)
}
