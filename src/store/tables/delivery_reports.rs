//! The delivery status of messages, in table `message_attempts`.

use crate::domain::attempt::DeliveryStatus;
use crate::domain::message::Channel;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::row::Row;
use crate::values;

/// An accepted message whose delivery is not known yet.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub attempt_id: i64,
    pub message_id: i64,
    pub provider: String,
    pub provider_message_id: String,
    /// When the provider accepted it.
    pub accepted_at: Timestamp,
    /// When its code expires, or was used.
    pub valid_to: Timestamp,
}

macro_rules! select {
    () => {
        "SELECT a.id,
                a.message_id,
                a.provider,
                a.provider_message_id,
                a.finished_at,
                coalesce(o.consumed_at, o.valid_to) AS valid_to
           FROM message_attempts AS a
           JOIN messages AS m ON m.id = a.message_id
           JOIN otp_codes AS o ON o.id = m.otp_id"
    };
}

fn from_row(row: &Row<'_>) -> Result<Waiting> {
    Ok(Waiting {
        attempt_id: row.get("id")?,
        message_id: row.get("message_id")?,
        provider: row.get("provider")?,
        provider_message_id: row.get("provider_message_id")?,
        accepted_at: row.timestamp("finished_at")?,
        valid_to: row.timestamp("valid_to")?,
    })
}

pub(in crate::store) const LIST_DUE: &str =
    concat!(select!(), " WHERE a.channel = $1 AND a.provider = $2 AND a.status_due_at <= $3 LIMIT $4");

/// Returns at most `limit` messages of a provider whose status is due.
pub fn list_due(db: &Db, channel: Channel, provider: &str, now: Timestamp, limit: usize) -> Result<Vec<Waiting>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values = values![channel.as_str(), provider, now.as_micros(), limit];
    db.rows(LIST_DUE, &values, from_row)
}

pub(in crate::store) const RESCHEDULE: &str = "
    UPDATE message_attempts
       SET status_due_at = $1
     WHERE channel = $2
       AND provider = $3
       AND status_due_at > $4";

/// Makes a status due at `now` that is due later than `latest`: that time was stored while the clock was wrong.
pub fn reschedule(db: &Db, channel: Channel, provider: &str, latest: Timestamp, now: Timestamp) -> Result<()> {
    let values = values![now.as_micros(), channel.as_str(), provider, latest.as_micros()];
    db.change(RESCHEDULE, &values)?;
    Ok(())
}

pub(in crate::store) const NEXT_DUE: &str = "
    SELECT status_due_at
      FROM message_attempts
     WHERE channel = $1
       AND provider = $2
       AND status_due_at IS NOT NULL
     ORDER BY status_due_at
     LIMIT 1";

/// When the next status of a provider's messages is due; `None` if there is none.
pub fn next_due(db: &Db, channel: Channel, provider: &str) -> Result<Option<Timestamp>> {
    db.row(NEXT_DUE, &values![channel.as_str(), provider], |row| row.timestamp("status_due_at"))
}

pub(in crate::store) const LIST_WAITING: &str =
    concat!(select!(), " WHERE a.status = 'waiting' AND a.provider_message_id = $1 AND a.provider = $2");

/// Returns the messages with this id of a provider whose delivery is not known yet. There is at most one, unless the
/// provider gave out an id twice.
pub fn list_waiting(db: &Db, provider: &str, provider_message_id: &str) -> Result<Vec<Waiting>> {
    db.rows(LIST_WAITING, &values![provider_message_id, provider], from_row)
}

/// Stores when the status of a message is due again. `None`: never.
pub fn set_due(db: &Db, attempt_id: i64, due_at: Option<Timestamp>) -> Result<()> {
    let sql = "UPDATE message_attempts SET status_due_at = $1 WHERE id = $2";
    db.change(sql, &values![due_at.map(Timestamp::as_micros), attempt_id])?;
    Ok(())
}

/// Stores the final status of a message. Returns `false` if it had one.
pub fn finish(db: &Db, attempt_id: i64, status: DeliveryStatus, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE message_attempts
                  SET status = $1,
                      status_at = $2,
                      status_due_at = NULL
                WHERE id = $3
                  AND status = 'waiting'";
    Ok(db.execute(sql, &values![status.as_str(), now.as_micros(), attempt_id])? > 0)
}
