//! Table `audit_counts` of PostgreSQL: the number of events up to an id. SQLite adds up the blocks of its index.

use crate::error::Result;
use crate::store::db::Db;
use crate::store::postgres::clock::server_now;
use crate::values;

/// The most ids that one transaction counts.
const IDS: i64 = 100_000;
/// In microseconds. No transaction lasts this long, so all events with lower ids are committed by then.
const SETTLED: i64 = 60_000_000;

const LOCK: &str = "SELECT last_id FROM audit_counts WHERE id = 1 FOR UPDATE";

/// The number of all events.
pub(super) fn total(db: &Db) -> Result<i64> {
    let sql = "SELECT c.events + (SELECT count(*) FROM audit_events AS e WHERE e.id > c.last_id) AS events
                 FROM audit_counts AS c
                WHERE c.id = 1";
    db.one(sql, &[], |row| row.get("events"))
}

/// Counts the next events, except the newest ones. Returns whether there are more to count.
pub(super) fn count_next(db: &Db) -> Result<bool> {
    let last: i64 = db.one(LOCK, &[], |row| row.get("last_id"))?;
    let sql = concat!(
        "SELECT id
           FROM audit_events
          WHERE at < ",
        server_now!(),
        " - $1
          ORDER BY at DESC, id DESC
          LIMIT 1"
    );
    let settled: Option<i64> = db.row(sql, &values![SETTLED], |row| row.get("id"))?;
    let Some(settled) = settled.filter(|settled| *settled > last) else { return Ok(false) };
    let end = settled.min(last.saturating_add(IDS));
    let sql = "UPDATE audit_counts
                  SET last_id = $1,
                      events = events + (SELECT count(*) FROM audit_events WHERE id > $2 AND id <= $1)
                WHERE id = 1";
    db.execute(sql, &values![end, last])?;
    Ok(end < settled)
}

/// Deletes the oldest events from before `until`, at most `limit`. Returns their number.
pub(super) fn delete_oldest(db: &Db, until: i64, limit: i64) -> Result<usize> {
    let last: i64 = db.one(LOCK, &[], |row| row.get("last_id"))?;
    let sql = "DELETE FROM audit_events
                WHERE id IN (SELECT id FROM audit_events WHERE at < $1 ORDER BY at LIMIT $2)
               RETURNING id";
    let deleted: Vec<i64> = db.rows(sql, &values![until, limit], |row| row.get("id"))?;
    let counted = deleted.iter().filter(|id| **id <= last).count();
    let sql = "UPDATE audit_counts SET events = events - $1 WHERE id = 1";
    db.execute(sql, &values![i64::try_from(counted).unwrap_or(i64::MAX)])?;
    Ok(deleted.len())
}
