//! Table `event_deliveries`: the outbox of the webhooks.

use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::EventType;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::row::Row;
use crate::values;

/// SHA-256 of the URL of an endpoint.
pub type EndpointKey = [u8; 32];

/// An event that is due.
#[derive(Clone, Debug)]
pub struct DueEvent {
    pub id: i64,
    /// The header `webhook-id`.
    pub webhook_id: String,
    /// The type of the event.
    pub kind: String,
    /// The body of the request.
    pub body: String,
    /// The number of failed attempts.
    pub attempts: u32,
}

/// Stores an event for an endpoint. It is due at once.
pub fn insert(
    db: &Db,
    endpoint: &EndpointKey,
    webhook_id: &str,
    kind: EventType,
    body: &str,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO event_deliveries (endpoint, webhook_id, type, body, due_at, created_at)
               VALUES ($1, $2, $3, $4, $5, $5)";
    db.change(sql, &values![endpoint, webhook_id, kind.as_str(), body, now.as_micros()])?;
    Ok(())
}

pub(in crate::store) const LIST_DUE: &str = "
    SELECT id,
           webhook_id,
           type,
           body,
           attempts
      FROM event_deliveries
     WHERE endpoint = $1
       AND due_at <= $2
     ORDER BY due_at
     LIMIT $3";

/// Returns at most `limit` due events of an endpoint, ordered by due time.
pub fn list_due(db: &Db, endpoint: &EndpointKey, now: Timestamp, limit: usize) -> Result<Vec<DueEvent>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db.rows(LIST_DUE, &values![endpoint, now.as_micros(), limit], from_row)
}

fn from_row(row: &Row<'_>) -> Result<DueEvent> {
    Ok(DueEvent {
        id: row.get("id")?,
        webhook_id: row.get("webhook_id")?,
        kind: row.get("type")?,
        body: row.get("body")?,
        attempts: row.get("attempts")?,
    })
}

pub(in crate::store) const NEXT_DUE: &str = "
    SELECT due_at
      FROM event_deliveries
     WHERE endpoint = $1
       AND due_at > $2
     ORDER BY due_at
     LIMIT 1";

/// When the next event of an endpoint is due, after `now`. `None` if there is none.
pub fn next_due(db: &Db, endpoint: &EndpointKey, now: Timestamp) -> Result<Option<Timestamp>> {
    db.row(NEXT_DUE, &values![endpoint, now.as_micros()], |row| row.timestamp("due_at"))
}

pub(in crate::store) const RESCHEDULE: &str = "
    UPDATE event_deliveries
       SET due_at = $1
     WHERE endpoint = $2
       AND due_at > $3";

pub(in crate::store) const DATE_UNTRUSTED: &str = "
    UPDATE event_deliveries
       SET due_at = $1,
           created_at = $1
     WHERE created_at > $1";

/// Makes events due at `now` that were stored while the clock was ahead: those that are due later than `latest`, and
/// those that happened later than now.
pub fn reschedule(db: &Db, endpoint: &EndpointKey, latest: Timestamp, now: Timestamp) -> Result<()> {
    db.change(RESCHEDULE, &values![now.as_micros(), endpoint, latest.as_micros()])?;
    db.change(DATE_UNTRUSTED, &values![now.as_micros()])?;
    Ok(())
}

pub(in crate::store) const RETRY: &str = "
    UPDATE event_deliveries
       SET attempts = $1,
           due_at = $2
     WHERE id = $3";

/// Stores that an event has failed `attempts` times and is due again at `due_at`.
pub fn retry(db: &Db, id: i64, attempts: u32, due_at: Timestamp) -> Result<()> {
    db.change(RETRY, &values![attempts, due_at.as_micros(), id])?;
    Ok(())
}

/// Deletes an event that is done. An event that does not exist is ignored.
pub fn delete(db: &Db, id: i64) -> Result<()> {
    db.change("DELETE FROM event_deliveries WHERE id = $1", &values![id])?;
    Ok(())
}

pub(in crate::store) const DELETE_BEFORE: &str = "
    DELETE FROM event_deliveries
     WHERE id IN (SELECT id FROM event_deliveries WHERE created_at < $1 ORDER BY created_at LIMIT $2)
 RETURNING endpoint,
           type";

/// Deletes at most `limit` events from before `until`. Returns their endpoints and types.
pub fn delete_before(db: &Db, until: Timestamp, limit: i64) -> Result<Vec<(EndpointKey, String)>> {
    let of_row = |row: &Row<'_>| Ok((row.get("endpoint")?, row.get("type")?));
    db.rows(DELETE_BEFORE, &values![until.as_micros(), limit], of_row)
}

/// Deletes events of all endpoints except these, at most `limit` of each. Returns their number.
pub fn delete_of_others(db: &Db, endpoints: &[EndpointKey], limit: i64) -> Result<usize> {
    let sql = "SELECT DISTINCT endpoint FROM event_deliveries";
    let stored: Vec<EndpointKey> = db.rows(sql, &[], |row| row.get("endpoint"))?;
    let mut deleted = 0;
    for endpoint in stored.iter().filter(|endpoint| !endpoints.contains(endpoint)) {
        let sql = "DELETE FROM event_deliveries
                    WHERE id IN (SELECT id FROM event_deliveries WHERE endpoint = $1 LIMIT $2)";
        deleted += db.execute(sql, &values![endpoint, limit])?;
    }
    Ok(deleted)
}

/// The number of events that wait.
pub fn count(db: &Db) -> Result<i64> {
    db.one("SELECT count(*) AS count FROM event_deliveries", &[], |row| row.get("count"))
}

#[cfg(test)]
mod tests;
