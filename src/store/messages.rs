//! Table `messages`: the outbox.

use rusqlite::{OptionalExtension, Row, params};

use crate::domain::message::{Channel, Language};
use crate::domain::otp::OtpId;
use crate::domain::outbox::{MessageRecord, MessageState};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::message_attempts;
use crate::store::row::{parsed, timestamp};

/// A queued message that is due.
#[derive(Debug)]
pub struct Due {
    pub id: i64,
    pub otp_id: OtpId,
    pub language: Language,
}

/// Queues a message that carries a code. It is due at once.
pub fn insert(db: &Db, otp_id: OtpId, channel: Channel, language: Language, now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO messages (
                   otp_id,
                   channel,
                   language,
                   state,
                   due_at,
                   created_at,
                   updated_at
               )
               VALUES ($1, $2, $3, 'queued', $4, $4, $4)";
    db.prepare_cached(sql)?.execute(params![otp_id.value(), channel.as_str(), language.as_str(), now.as_micros()])?;
    Ok(())
}

pub(super) const LIST_DUE: &str = "
    SELECT id,
           otp_id,
           language
      FROM messages
     WHERE state = 'queued'
       AND channel = $1
       AND due_at <= $2
     ORDER BY due_at
     LIMIT $3";

/// Returns at most `limit` due messages of a channel, ordered by due time.
pub fn list_due(db: &Db, channel: Channel, now: Timestamp, limit: usize) -> Result<Vec<Due>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db.prepare_cached(LIST_DUE)?.query_and_then(params![channel.as_str(), now.as_micros(), limit], due)?.collect()
}

fn due(row: &Row<'_>) -> Result<Due> {
    let otp_id = OtpId::from_stored(row.get("otp_id")?);
    Ok(Due { id: row.get("id")?, otp_id, language: parsed(row, "language")? })
}

pub(super) const RESCHEDULE: &str = "
    UPDATE messages
       SET due_at = $1
     WHERE state = 'queued'
       AND channel = $2
       AND due_at > $3";

/// Makes messages due at `now` whose due time is later than `latest`: that time was stored while the clock was wrong.
pub fn reschedule(db: &Db, channel: Channel, latest: Timestamp, now: Timestamp) -> Result<()> {
    db.prepare_cached(RESCHEDULE)?.execute(params![now.as_micros(), channel.as_str(), latest.as_micros()])?;
    Ok(())
}

pub(super) const NEXT_DUE: &str = "
    SELECT due_at
      FROM messages
     WHERE state = 'queued'
       AND channel = $1
     ORDER BY due_at
     LIMIT 1";

/// When the next message of a channel is due; `None` if none is queued.
pub fn next_due(db: &Db, channel: Channel) -> Result<Option<Timestamp>> {
    db.prepare_cached(NEXT_DUE)?
        .query_row([channel.as_str()], |row| Ok(timestamp(row, "due_at")))
        .optional()?
        .transpose()
}

pub(super) const COUNT_OPEN: &str = "
    SELECT (SELECT count(*) FROM messages WHERE state = 'queued')
         + (SELECT count(*) FROM messages WHERE state = 'sending')";

/// The number of messages that are queued or being sent.
pub fn count_open(db: &Db) -> Result<i64> {
    Ok(db.prepare_cached(COUNT_OPEN)?.query_row([], |row| row.get(0))?)
}

pub(super) const LIST_OF_OTP: &str = "
    SELECT id,
           state,
           created_at,
           updated_at
      FROM messages
     WHERE otp_id = $1
     ORDER BY id";

/// Every message that carried a code, oldest first.
pub fn list_of_otp(db: &Db, otp_id: OtpId) -> Result<Vec<MessageRecord>> {
    db.prepare_cached(LIST_OF_OTP)?.query_and_then([otp_id.value()], |row| record(db, row))?.collect()
}

fn record(db: &Db, row: &Row<'_>) -> Result<MessageRecord> {
    let id = row.get("id")?;
    Ok(MessageRecord {
        id,
        state: parsed(row, "state")?,
        attempts: message_attempts::list(db, id)?,
        created_at: timestamp(row, "created_at")?,
        updated_at: timestamp(row, "updated_at")?,
    })
}

/// Stores the state of a message, and its due time. A cancelled message stays cancelled, unless it turns out to have
/// been sent. Returns whether the message now has this state.
pub fn update(db: &Db, id: i64, state: MessageState, due_at: Timestamp, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE messages
                  SET state = $1,
                      due_at = $2,
                      updated_at = $3
                WHERE id = $4
                  AND (state <> 'cancelled' OR $1 = 'sent')";
    Ok(db.prepare_cached(sql)?.execute(params![state.as_str(), due_at.as_micros(), now.as_micros(), id])? > 0)
}

pub(super) const CANCEL: &str = "
    UPDATE messages
       SET state = 'cancelled',
           updated_at = $1
     WHERE otp_id = $2
       AND state IN ('queued', 'sending')";

/// Cancels the messages with this code that are queued or being sent.
pub fn cancel(db: &Db, otp_id: OtpId, now: Timestamp) -> Result<()> {
    db.prepare_cached(CANCEL)?.execute(params![now.as_micros(), otp_id.value()])?;
    Ok(())
}

pub(super) const COUNT_QUEUED: &str = "SELECT count(*) FROM messages WHERE otp_id = $1 AND state = 'queued'";

/// The number of queued messages with a code.
pub fn count_queued(db: &Db, otp_id: OtpId) -> Result<u32> {
    Ok(db.prepare_cached(COUNT_QUEUED)?.query_row([otp_id.value()], |row| row.get(0))?)
}

pub(super) const HAS_SUCCESSOR: &str = "
    SELECT EXISTS (
               SELECT 1
                 FROM messages
                WHERE otp_id = $1
                  AND id > $2
                  AND state IN ('queued', 'sending', 'sent', 'unknown')
           )";

/// Whether a later message with the same code has reached the recipient or still may.
pub fn has_successor(db: &Db, id: i64, otp_id: OtpId) -> Result<bool> {
    Ok(db.prepare_cached(HAS_SUCCESSOR)?.query_row([otp_id.value(), id], |row| row.get(0))?)
}

pub(super) const LIST_SENDING: &str = "
    SELECT id
      FROM messages
     WHERE state = 'sending'
       AND channel = $1
     ORDER BY id";

/// The ids of the messages of a channel that are being sent.
pub fn list_sending(db: &Db, channel: Channel) -> Result<Vec<i64>> {
    db.prepare_cached(LIST_SENDING)?.query_and_then([channel.as_str()], |row| Ok(row.get("id")?))?.collect()
}

/// Requeues a message that was being sent when its worker's process ended.
pub fn requeue_interrupted(db: &Db, id: i64, now: Timestamp) -> Result<()> {
    message_attempts::finish_interrupted(db, id, now)?;
    update(db, id, MessageState::Queued, now, now).map(drop)
}
