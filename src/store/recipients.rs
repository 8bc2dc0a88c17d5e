//! Table `recipients`: who has failed since the last success. Table `stand_in`, for those who have no code.

use rusqlite::OptionalExtension;

use crate::domain::recipient::Recipient;
use crate::error::Result;
use crate::store::{Db, otp_row, otps};

pub(super) const CONSECUTIVE_FAILURES: &str = "SELECT consecutive_failures FROM recipients WHERE recipient = $1";

/// Failures of a recipient since its last success.
pub fn consecutive_failures(db: &Db, recipient: &Recipient) -> Result<u32> {
    let failures =
        db.prepare_cached(CONSECUTIVE_FAILURES)?.query_row([recipient.key()], |row| row.get(0)).optional()?;
    Ok(failures.unwrap_or(0))
}

/// Counts a failure.
pub fn add_failure(db: &Db, recipient: &Recipient) -> Result<()> {
    let sql = "INSERT INTO recipients (recipient, consecutive_failures) VALUES ($1, 1)
               ON CONFLICT (recipient) DO UPDATE SET consecutive_failures = consecutive_failures + 1";
    db.prepare_cached(sql)?.execute([recipient.key()])?;
    Ok(())
}

/// As much work as it takes to find a code and count a failure on it, where there is none.
pub fn update_stand_in(db: &Db) -> Result<()> {
    otps::read_any(db)?;
    otp_row::seed(db)?;
    db.prepare_cached("UPDATE stand_in SET failures = failures + 1 WHERE id = 1")?.execute([])?;
    Ok(())
}

/// Forgets the failures of a recipient; whether there were any.
pub fn forget_failures(db: &Db, recipient: &Recipient) -> Result<bool> {
    let sql = "DELETE FROM recipients WHERE recipient = $1";
    Ok(db.prepare_cached(sql)?.execute([recipient.key()])? > 0)
}
