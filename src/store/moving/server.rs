//! What only copies from and to PostgreSQL need.

use crate::error::Result;
use crate::store::db::Db;
use crate::store::moving::tables::TABLES;

/// Prevents changes of a source by other processes until the end of the transaction, so that the copy misses none. It
/// must be the first statement: the snapshot is then taken after the locks.
pub(super) fn stop_changes(db: &Db) -> Result<()> {
    db.execute(&format!("LOCK TABLE {} IN SHARE MODE", names()), &[]).map(drop)
}

/// Prevents changes by other processes until the end of the transaction, so that a server that starts meanwhile can't
/// add an admin to the target. Returns the name of the first table that is not empty.
pub(super) fn reserve(db: &Db) -> Result<Option<&'static str>> {
    db.execute(&format!("LOCK TABLE {} IN EXCLUSIVE MODE", names()), &[])?;
    for table in TABLES.iter().filter(|table| table.is_empty_at_first()) {
        if db.exists(&format!("SELECT 1 AS found FROM {} LIMIT 1", table.name), &[])? {
            return Ok(Some(table.name));
        }
    }
    Ok(None)
}

/// The names of all tables, as `LOCK TABLE` takes them.
fn names() -> String {
    TABLES.iter().map(|table| table.name).collect::<Vec<_>>().join(", ")
}

/// Switches off the trigger that counts codes. PostgreSQL keeps all versions of the counter until the end of the
/// transaction and searches through them, so the time would grow with the square of the number of codes.
pub(super) fn stop_counting(db: &Db) -> Result<()> {
    db.execute("ALTER TABLE otp_codes DISABLE TRIGGER otp_codes_added", &[]).map(drop)
}

/// Switches the trigger on again, and counts what it did not count.
pub(super) fn count(db: &Db) -> Result<()> {
    db.execute("ALTER TABLE otp_codes ENABLE TRIGGER otp_codes_added", &[])?;
    let sql = "UPDATE otp_totals
                  SET codes = codes + (SELECT count(*) FROM otp_codes),
                      with_email = with_email + (SELECT count(email) FROM otp_codes)
                WHERE id = 1";
    db.execute(sql, &[]).map(drop)
}
