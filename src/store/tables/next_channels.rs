//! Messages in table `messages` that are sent again: through another channel, or another provider of the channel.

use crate::domain::message::Channel;
use crate::domain::otp::OtpId;
use crate::domain::outbox::StoredMessage;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::tables::message_row::{columns, from_row, list};
use crate::values;

pub const LIST_ESCALATED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM messages WHERE channel = $1 AND escalate_at <= $2 AND state IN ('queued', 'sent', 'unknown')
       ORDER BY escalate_at LIMIT 100"
);

/// Returns the messages of a channel that are to use their next channel. Those that are being sent are left out.
pub fn list_escalated(db: &Db, channel: Channel, now: Timestamp) -> Result<Vec<StoredMessage>> {
    db.rows_locked(LIST_ESCALATED, &values![channel.as_str(), now.as_micros()], from_row)
}

pub const NEXT_ESCALATION: &str = "
    SELECT escalate_at AS due_at
      FROM messages
     WHERE channel = $1
       AND escalate_at IS NOT NULL
       AND state IN ('queued', 'sent', 'unknown')
     ORDER BY escalate_at
     LIMIT 1";

pub const RESCHEDULE: &str = "
    UPDATE messages
       SET escalate_at = $1
     WHERE channel = $2
       AND escalate_at > $3";

/// Queues a message for another channel, under another reference. `rest` are the channels after it, the first of which
/// is used at `escalate_at`. Returns `false` if the message was cancelled.
pub fn use_channel(
    db: &Db,
    id: i64,
    (channel, reference): (Channel, u64),
    rest: &[Channel],
    escalate_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE messages
                  SET channel = $1,
                      reference = $2,
                      next_channels = $3,
                      state = 'queued',
                      due_at = $4,
                      escalate_at = $5,
                      updated_at = $4
                WHERE id = $6
                  AND state <> 'cancelled'";
    let changed = db.execute(
        sql,
        &values![
            channel.as_str(),
            reference.cast_signed(),
            list(rest),
            now.as_micros(),
            escalate_at.map(Timestamp::as_micros),
            id
        ],
    )?;
    Ok(changed > 0)
}

/// Postpones the use of the next channel, if there is one.
pub fn postpone(db: &Db, id: i64, escalate_at: Timestamp) -> Result<()> {
    let sql = "UPDATE messages SET escalate_at = $1 WHERE id = $2 AND escalate_at < $1";
    db.change(sql, &values![escalate_at.as_micros(), id])?;
    Ok(())
}

/// Ends the escalation of a message: its next channel is no longer used because of the time.
pub fn end_escalation(db: &Db, id: i64) -> Result<()> {
    db.change("UPDATE messages SET escalate_at = NULL WHERE id = $1", &values![id])?;
    Ok(())
}

pub const CLOSE: &str = "
    UPDATE messages
       SET is_closed = 1,
           escalate_at = NULL
     WHERE otp_id = $1
       AND is_closed = 0";

/// Ends the sending of all messages of a code: none is sent again, whatever a provider reports.
pub fn close(db: &Db, otp_id: OtpId) -> Result<()> {
    db.change(CLOSE, &values![otp_id.value()])?;
    Ok(())
}

/// Records that a message is sent again in this channel because it did not arrive.
pub fn begin_fallback(db: &Db, id: i64, channel: Channel) -> Result<()> {
    db.change("UPDATE messages SET fallback_channel = $1 WHERE id = $2", &values![channel.as_str(), id])?;
    Ok(())
}

pub const HAS_FALLEN_BACK: &str =
    "SELECT EXISTS (SELECT 1 FROM messages WHERE otp_id = $1 AND fallback_channel IS NOT NULL) AS has_fallen_back";

/// Whether a message of a code was sent again because it did not arrive.
pub fn has_fallen_back(db: &Db, otp_id: OtpId) -> Result<bool> {
    db.one(HAS_FALLEN_BACK, &values![otp_id.value()], |row| row.get("has_fallen_back"))
}
