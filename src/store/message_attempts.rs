//! Table `message_attempts`: delivery attempts and their results.

use rusqlite::{OptionalExtension, Row, params};

use crate::domain::attempt::{Attempt, Outcome, Report};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::row::{optional_timestamp, parsed, timestamp};

/// Records the start of a delivery attempt and returns its id.
pub fn insert(db: &Db, message_id: i64, provider: &str, now: Timestamp) -> Result<i64> {
    let sql = "INSERT INTO message_attempts (message_id, provider, started_at) VALUES ($1, $2, $3)";
    Ok(db.prepare_cached(sql)?.insert(params![message_id, provider, now.as_micros()])?)
}

/// Records the result of an attempt.
pub fn finish(db: &Db, id: i64, report: &Report, now: Timestamp) -> Result<()> {
    let sql = "UPDATE message_attempts
                  SET outcome = $1,
                      provider_message_id = $2,
                      error = $3,
                      finished_at = $4
                WHERE id = $5";
    db.prepare_cached(sql)?.execute(params![
        report.outcome.as_str(),
        report.provider_message_id,
        report.error,
        now.as_micros(),
        id
    ])?;
    Ok(())
}

pub(super) const FINISH_INTERRUPTED: &str = "
    UPDATE message_attempts
       SET outcome = $1,
           error = 'the attempt was interrupted; the message may have been sent',
           finished_at = $2
     WHERE outcome IS NULL
       AND message_id = $3";

/// Marks an interrupted attempt for retry. The message may have been sent.
pub(super) fn finish_interrupted(db: &Db, message_id: i64, now: Timestamp) -> Result<()> {
    db.prepare_cached(FINISH_INTERRUPTED)?.execute(params![Outcome::Retry.as_str(), now.as_micros(), message_id])?;
    Ok(())
}

pub(super) const LIST: &str = "
    SELECT provider,
           outcome,
           provider_message_id,
           error,
           started_at,
           finished_at
      FROM message_attempts
     WHERE message_id = $1
     ORDER BY id";

/// The attempts of a message, oldest first.
pub fn list(db: &Db, message_id: i64) -> Result<Vec<Attempt>> {
    db.prepare_cached(LIST)?.query_and_then([message_id], from_row)?.collect()
}

pub(super) const LAST_FAILED: &str = "
    SELECT provider,
           outcome,
           provider_message_id,
           error,
           started_at,
           finished_at
      FROM message_attempts
     WHERE provider = $1
       AND error IS NOT NULL
     ORDER BY id DESC
     LIMIT 1";

/// The newest attempt with a provider that ended with an error.
pub fn last_failed(db: &Db, provider: &str) -> Result<Option<Attempt>> {
    db.prepare_cached(LAST_FAILED)?.query_row([provider], |row| Ok(from_row(row))).optional()?.transpose()
}

fn from_row(row: &Row<'_>) -> Result<Attempt> {
    let outcome: Option<String> = row.get("outcome")?;
    Ok(Attempt {
        provider: row.get("provider")?,
        outcome: outcome.map(|_| parsed(row, "outcome")).transpose()?,
        provider_message_id: row.get("provider_message_id")?,
        error: row.get("error")?,
        started_at: timestamp(row, "started_at")?,
        finished_at: optional_timestamp(row, "finished_at")?,
    })
}
