//! Table `recipients`: failures since the last success. Table `dummy_row`: written when there is no code to count a
//! failure on.

use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::tables::{otp_row, otps};
use crate::values;

pub(in crate::store) const CONSECUTIVE_FAILURES: &str =
    "SELECT consecutive_failures FROM recipients WHERE recipient = $1";

/// The failures of a recipient since its last success.
pub fn consecutive_failures(db: &Db, recipient: &Recipient) -> Result<u32> {
    let failures = db.row(CONSECUTIVE_FAILURES, &values![recipient.key()], |row| row.get("consecutive_failures"))?;
    Ok(failures.unwrap_or(0))
}

pub(in crate::store) const LIST_LOCKED: &str = "
    SELECT recipient
      FROM recipients
     WHERE consecutive_failures >= $1
     ORDER BY consecutive_failures DESC
     LIMIT $2";

/// At most `limit` recipients with at least this many failures since their last success, the most failures first.
pub fn list_locked(db: &Db, failures: u32, limit: usize) -> Result<Vec<Recipient>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db.rows(LIST_LOCKED, &values![failures, limit], |row| Ok(Recipient::from_key(row.get("recipient")?)))
}

pub(in crate::store) const COUNT_LOCKED: &str =
    "SELECT count(*) AS count FROM (SELECT 1 FROM recipients WHERE consecutive_failures >= $1 LIMIT $2) AS locked";

/// The number of recipients with at least this many failures since their last success, counted up to `limit`.
pub fn count_locked(db: &Db, failures: u32, limit: i64) -> Result<i64> {
    db.one(COUNT_LOCKED, &values![failures, limit], |row| row.get("count"))
}

/// Counts a failure of a recipient.
pub fn add_failure(db: &Db, recipient: &Recipient, now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO recipients (recipient, consecutive_failures, last_failed_at) VALUES ($1, 1, $2)
               ON CONFLICT (recipient) DO UPDATE
                  SET consecutive_failures = recipients.consecutive_failures + 1,
                      last_failed_at = excluded.last_failed_at";
    db.change(sql, &values![recipient.key(), now.as_micros()])?;
    Ok(())
}

/// Takes as much work as finding a code and counting a failure on it, for a recipient without a code.
pub fn update_dummy_row(db: &Db) -> Result<()> {
    otps::read_any(db)?;
    otp_row::seed(db)?;
    db.change("UPDATE dummy_row SET failures = failures + 1 WHERE id = $1", &values![db.slot()])?;
    Ok(())
}

/// Deletes the failures of a recipient.
pub fn delete_failures(db: &Db, recipient: &Recipient) -> Result<()> {
    db.change("DELETE FROM recipients WHERE recipient = $1", &values![recipient.key()])
}

/// The plus keeps SQLite from using the index of failures: most recipients have few.
pub(in crate::store) const DELETE_BEFORE: &str = "
    DELETE FROM recipients
     WHERE recipient IN (
               SELECT recipient FROM recipients WHERE last_failed_at < $1 AND +consecutive_failures < $2 LIMIT $3
           )
       AND +last_failed_at < $1
       AND +consecutive_failures < $2";

/// Deletes at most `limit` recipients that last failed before `until` and have fewer than `failures` failures. Returns
/// their number.
pub fn delete_before(db: &Db, until: Timestamp, failures: u32, limit: i64) -> Result<usize> {
    db.execute(DELETE_BEFORE, &values![until.as_micros(), failures, limit])
}
