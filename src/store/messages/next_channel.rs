//! Messages that are sent again: through another channel, or through another provider of the channel.

use rusqlite::params;

use crate::domain::message::Channel;
use crate::domain::otp::OtpId;
use crate::domain::outbox::StoredMessage;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::messages::{columns, from_row, list};

pub const LIST_ESCALATED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM messages WHERE channel = $1 AND escalate_at <= $2 AND state <> 'sending' ORDER BY escalate_at LIMIT 100"
);

/// Returns the messages of a channel that are to use their next channel. Those that are being sent are left out.
pub fn list_escalated(db: &Db, channel: Channel, now: Timestamp) -> Result<Vec<StoredMessage>> {
    let mut select = db.prepare_cached(LIST_ESCALATED)?;
    select.query_and_then(params![channel.as_str(), now.as_micros()], from_row)?.collect()
}

pub const NEXT_ESCALATION: &str = "
    SELECT escalate_at AS due_at
      FROM messages
     WHERE channel = $1
       AND escalate_at IS NOT NULL
       AND state <> 'sending'
     ORDER BY escalate_at
     LIMIT 1";

pub const RESCHEDULE: &str = "
    UPDATE messages
       SET escalate_at = $1
     WHERE channel = $2
       AND escalate_at > $3";

/// Queues a message for another channel. `rest` are the channels after it, the first of which is used at
/// `escalate_at`.
pub fn use_channel(
    db: &Db,
    id: i64,
    channel: Channel,
    rest: &[Channel],
    escalate_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE messages
                  SET channel = $1,
                      next_channels = $2,
                      state = 'queued',
                      due_at = $3,
                      escalate_at = $4,
                      updated_at = $3
                WHERE id = $5
                  AND state <> 'cancelled'";
    db.prepare_cached(sql)?.execute(params![
        channel.as_str(),
        list(rest),
        now.as_micros(),
        escalate_at.map(Timestamp::as_micros),
        id
    ])?;
    Ok(())
}

/// Ends the use of further channels for a message.
pub fn end_escalation(db: &Db, id: i64) -> Result<()> {
    db.prepare_cached("UPDATE messages SET escalate_at = NULL WHERE id = $1")?.execute([id])?;
    Ok(())
}

pub const END_ESCALATIONS: &str =
    "UPDATE messages SET escalate_at = NULL WHERE otp_id = $1 AND escalate_at IS NOT NULL";

/// Ends the use of further channels for all messages of a code.
pub fn end_escalations(db: &Db, otp_id: OtpId) -> Result<()> {
    db.prepare_cached(END_ESCALATIONS)?.execute([otp_id.value()])?;
    Ok(())
}

/// Records that a message is sent again because it did not arrive.
pub fn begin_fallback(db: &Db, id: i64) -> Result<()> {
    db.prepare_cached("UPDATE messages SET has_fallen_back = 1 WHERE id = $1")?.execute([id])?;
    Ok(())
}

pub const HAS_FALLEN_BACK: &str = "SELECT EXISTS (SELECT 1 FROM messages WHERE otp_id = $1 AND has_fallen_back = 1)";

/// Whether a message of a code was sent again because it did not arrive.
pub fn has_fallen_back(db: &Db, otp_id: OtpId) -> Result<bool> {
    Ok(db.prepare_cached(HAS_FALLEN_BACK)?.query_row([otp_id.value()], |row| row.get(0))?)
}
