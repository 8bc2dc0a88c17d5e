//! Table `messages`: the outbox.

use crate::domain::message::{Channel, Envelope};
use crate::domain::otp::OtpId;
use crate::domain::outbox::{MessageRecord, MessageState, StoredMessage};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::row::Row;
use crate::store::tables::message_row::{columns, from_row, list};
use crate::store::tables::{message_attempts, next_channels};
use crate::values;

/// Queues a message that carries a code. It is due at once. `next_channels` are used if it does not arrive, the first
/// of them at `escalate_at`.
pub fn insert(
    db: &Db,
    otp_id: OtpId,
    envelope: Envelope,
    next_channels: &[Channel],
    escalate_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO messages (
                   otp_id,
                   reference,
                   channel,
                   next_channels,
                   language,
                   state,
                   due_at,
                   escalate_at,
                   created_at,
                   updated_at
               )
               VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, $6, $6)";
    let Envelope { reference, channel, language } = envelope;
    db.change(
        sql,
        &values![
            otp_id.value(),
            reference.cast_signed(),
            channel.as_str(),
            list(next_channels),
            language.as_str(),
            now.as_micros(),
            escalate_at.map(Timestamp::as_micros),
        ],
    )?;
    Ok(())
}

pub(in crate::store) const FIND: &str = concat!("SELECT ", columns!(), " FROM messages WHERE id = $1");

/// Returns the message with this id, if there is one.
pub fn find(db: &Db, id: i64) -> Result<Option<StoredMessage>> {
    db.row(FIND, &values![id], from_row)
}

/// The same for a message that the transaction is going to change. The row is locked.
pub fn find_locked(db: &Db, id: i64) -> Result<Option<StoredMessage>> {
    db.row_locked(FIND, &values![id], from_row)
}

pub(in crate::store) const LIST_DUE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM messages WHERE state = 'queued' AND channel = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3"
);

/// Returns at most `limit` due messages of a channel, ordered by due time. The rows are locked.
pub fn list_due(db: &Db, channel: Channel, now: Timestamp, limit: usize) -> Result<Vec<StoredMessage>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db.rows_locked(LIST_DUE, &values![channel.as_str(), now.as_micros(), limit], from_row)
}

pub(in crate::store) const RESCHEDULE: &str = "
    UPDATE messages
       SET due_at = $1
     WHERE state = 'queued'
       AND channel = $2
       AND due_at > $3";

/// Makes messages due at `now` whose due time is later than `latest`: that time was stored while the clock was wrong.
pub fn reschedule(db: &Db, channel: Channel, latest: Timestamp, now: Timestamp) -> Result<()> {
    for sql in [RESCHEDULE, next_channels::RESCHEDULE] {
        db.change(sql, &values![now.as_micros(), channel.as_str(), latest.as_micros()])?;
    }
    Ok(())
}

pub(in crate::store) const NEXT_DUE: &str = "
    SELECT due_at
      FROM messages
     WHERE state = 'queued'
       AND channel = $1
     ORDER BY due_at
     LIMIT 1";

/// When the next message of a channel is due, or goes to its next channel; `None` if there is none.
pub fn next_due(db: &Db, channel: Channel) -> Result<Option<Timestamp>> {
    let next = |sql| db.row(sql, &values![channel.as_str()], |row| row.timestamp("due_at"));
    Ok(next(NEXT_DUE)?.into_iter().chain(next(next_channels::NEXT_ESCALATION)?).min())
}

pub(in crate::store) const COUNT_OPEN: &str = "
    SELECT (SELECT count(*) FROM messages WHERE state = 'queued')
         + (SELECT count(*) FROM messages WHERE state = 'sending') AS count";

/// The number of messages that are queued or being sent.
pub fn count_open(db: &Db) -> Result<i64> {
    db.one(COUNT_OPEN, &values![], |row| row.get("count"))
}

pub(in crate::store) const LIST_OF_OTP: &str = "
    SELECT id,
           state,
           channel,
           created_at,
           updated_at
      FROM messages
     WHERE otp_id = $1
     ORDER BY id";

/// Every message that carried a code, oldest first.
pub fn list_of_otp(db: &Db, otp_id: OtpId) -> Result<Vec<MessageRecord>> {
    db.rows(LIST_OF_OTP, &values![otp_id.value()], |row| record(db, row))
}

fn record(db: &Db, row: &Row<'_>) -> Result<MessageRecord> {
    let id = row.get("id")?;
    Ok(MessageRecord {
        id,
        state: row.parsed("state")?,
        channel: row.parsed("channel")?,
        attempts: message_attempts::list(db, id)?,
        created_at: row.timestamp("created_at")?,
        updated_at: row.timestamp("updated_at")?,
    })
}

/// Stores the state of a message, and its due time. A cancelled message stays cancelled, unless it turns out to have
/// been sent or delivered. Messages in a final state use no further channel. Returns whether the message now has this
/// state.
pub fn update(db: &Db, id: i64, state: MessageState, due_at: Timestamp, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE messages
                  SET state = $1,
                      due_at = $2,
                      escalate_at = CASE WHEN $1 IN ('queued', 'sending', 'sent', 'unknown') THEN escalate_at END,
                      updated_at = $3
                WHERE id = $4
                  AND (state <> 'cancelled' OR $1 IN ('sent', 'delivered'))";
    Ok(db.execute(sql, &values![state.as_str(), due_at.as_micros(), now.as_micros(), id])? > 0)
}

/// Records that the figures contain a message.
pub fn set_counted(db: &Db, id: i64) -> Result<()> {
    db.change("UPDATE messages SET is_counted = 1 WHERE id = $1", &values![id])?;
    Ok(())
}

pub(in crate::store) const CANCEL: &str = "
    UPDATE messages
       SET is_counted = CASE WHEN state = 'queued' THEN 1 ELSE is_counted END,
           state = 'cancelled',
           updated_at = $1
     WHERE otp_id = $2
       AND state IN ('queued', 'sending')";

/// Cancels the queued and sending messages with this code. None of its messages is sent again.
pub fn cancel(db: &Db, otp_id: OtpId, now: Timestamp) -> Result<()> {
    db.change(CANCEL, &values![now.as_micros(), otp_id.value()])?;
    next_channels::close(db, otp_id)
}

pub(in crate::store) const COUNT_QUEUED: &str =
    "SELECT count(*) AS count FROM messages WHERE otp_id = $1 AND state = 'queued' AND is_counted = 0";

/// The number of queued messages with a code that the figures do not contain.
pub fn count_queued(db: &Db, otp_id: OtpId) -> Result<u32> {
    db.one(COUNT_QUEUED, &values![otp_id.value()], |row| row.get("count"))
}

pub(in crate::store) const HAS_SUCCESSOR: &str = "
    SELECT EXISTS (
               SELECT 1
                 FROM messages
                WHERE otp_id = $1
                  AND id > $2
                  AND state IN ('queued', 'sending', 'sent', 'delivered', 'unknown')
           ) AS has_successor";

/// Whether a later message with the same code has reached the recipient or still may.
pub fn has_successor(db: &Db, id: i64, otp_id: OtpId) -> Result<bool> {
    db.one(HAS_SUCCESSOR, &values![otp_id.value(), id], |row| row.get("has_successor"))
}

pub(in crate::store) const LIST_SENDING: &str = "
    SELECT id
      FROM messages
     WHERE state = 'sending'
       AND channel = $1
     ORDER BY id";

/// The ids of the messages of a channel that are being sent.
pub fn list_sending(db: &Db, channel: Channel) -> Result<Vec<i64>> {
    db.rows(LIST_SENDING, &values![channel.as_str()], |row| row.get("id"))
}

/// Requeues a message that was being sent when its worker's process ended. Does nothing if the result of the attempt was
/// stored meanwhile.
pub fn requeue_interrupted(db: &Db, id: i64, now: Timestamp) -> Result<()> {
    if find_locked(db, id)?.is_none_or(|message| message.state != MessageState::Sending) {
        return Ok(());
    }
    message_attempts::finish_interrupted(db, id, now)?;
    update(db, id, MessageState::Queued, now, now).map(drop)
}
