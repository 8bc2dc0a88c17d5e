//! Table `message_attempts`: delivery attempts and their results.

use crate::domain::attempt::{Attempt, Outcome, Report};
use crate::domain::message::Channel;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::row::Row;
use crate::values;

/// Records the start of a delivery attempt and returns its id.
pub fn insert(db: &Db, message_id: i64, channel: Channel, provider: &str, now: Timestamp) -> Result<i64> {
    let sql = "INSERT INTO message_attempts (message_id, channel, provider, started_at) VALUES ($1, $2, $3, $4)";
    db.insert(sql, &values![message_id, channel.as_str(), provider, now.as_micros()])
}

/// Records the result of an attempt. `status_due_at` is when the provider is asked for the status of the message. Returns
/// `false` if the attempt has a result.
pub fn finish(db: &Db, id: i64, report: &Report, status_due_at: Option<Timestamp>, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE message_attempts
                  SET outcome = $1,
                      provider_message_id = $2,
                      error = $3,
                      finished_at = $4,
                      status = CASE WHEN CAST($5 AS BIGINT) IS NOT NULL THEN 'waiting' END,
                      status_at = CASE WHEN CAST($5 AS BIGINT) IS NOT NULL THEN CAST($4 AS BIGINT) END,
                      status_due_at = $5
                WHERE id = $6
                  AND outcome IS NULL";
    let changed = db.execute(
        sql,
        &values![
            report.outcome.as_str(),
            report.provider_message_id.as_deref(),
            report.error.as_deref(),
            now.as_micros(),
            status_due_at.map(Timestamp::as_micros),
            id
        ],
    )?;
    Ok(changed > 0)
}

pub(in crate::store) const FINISH_INTERRUPTED: &str = "
    UPDATE message_attempts
       SET outcome = $1,
           error = 'the attempt was interrupted; the message may have been sent',
           finished_at = $2
     WHERE outcome IS NULL
       AND message_id = $3";

/// Records that an attempt was interrupted. The message may have been sent.
pub(in crate::store) fn finish_interrupted(db: &Db, message_id: i64, now: Timestamp) -> Result<()> {
    db.change(FINISH_INTERRUPTED, &values![Outcome::Interrupted.as_str(), now.as_micros(), message_id])?;
    Ok(())
}

/// The columns that `from_row` reads.
macro_rules! columns {
    () => {
        "channel,
         provider,
         outcome,
         provider_message_id,
         error,
         started_at,
         finished_at,
         status,
         status_at"
    };
}

pub(in crate::store) const LIST: &str =
    concat!("SELECT ", columns!(), " FROM message_attempts WHERE message_id = $1 ORDER BY id");

/// The attempts of a message, oldest first.
pub fn list(db: &Db, message_id: i64) -> Result<Vec<Attempt>> {
    db.rows(LIST, &values![message_id], from_row)
}

pub(in crate::store) const LAST_FAILED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM message_attempts WHERE provider = $1 AND error IS NOT NULL ORDER BY id DESC LIMIT 1"
);

/// The newest attempt with a provider that ended with an error.
pub fn last_failed(db: &Db, provider: &str) -> Result<Option<Attempt>> {
    db.row(LAST_FAILED, &values![provider], from_row)
}

fn from_row(row: &Row<'_>) -> Result<Attempt> {
    Ok(Attempt {
        channel: row.parsed("channel")?,
        provider: row.get("provider")?,
        outcome: row.optional_parsed("outcome")?,
        provider_message_id: row.get("provider_message_id")?,
        error: row.get("error")?,
        started_at: row.timestamp("started_at")?,
        finished_at: row.optional_timestamp("finished_at")?,
        status: row.optional_parsed("status")?,
        status_at: row.optional_timestamp("status_at")?,
    })
}
