//! Table `otp_codes`.

mod of_recipient;

use crate::domain::otp::{Otp, OtpId};
use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};
use crate::store::db::Db;
use crate::store::row::Row;
use crate::store::tables::otp_row::{checksum, columns, from_row, seed};
use crate::store::value::Value;
use crate::values;

#[cfg(test)]
pub(in crate::store) use crate::store::tables::otps::of_recipient::{FIND_ISSUED, LAST_SENT, LIST_OF_RECIPIENT};
pub use crate::store::tables::otps::of_recipient::{find_issued, last_sent, list_of_recipient};

pub(in crate::store) const FIND: &str = concat!("SELECT ", columns!(), " FROM otp_codes AS o WHERE o.id = $1");

/// Returns the code with this id.
///
/// # Errors
/// Not found, if there is no such code.
pub fn find(db: &Db, id: OtpId) -> Result<Otp> {
    db.row(FIND, &values![id.value()], from_row)?.ok_or_else(Error::otp_not_found)
}

/// The same for a code that the transaction is going to change. The row is locked.
///
/// # Errors
/// Not found, if there is no such code.
pub fn find_locked(db: &Db, id: OtpId) -> Result<Otp> {
    db.row_locked(FIND, &values![id.value()], from_row)?.ok_or_else(Error::otp_not_found)
}

/// Stores a new code under the next id. Returns the code with that id.
pub fn insert(db: &Db, otp: Otp) -> Result<Otp> {
    let sql = "INSERT INTO otp_codes (
                   code,
                   mobile_number,
                   email,
                   purpose,
                   valid_to,
                   issued_at,
                   sent_at,
                   attempts_left,
                   consumed_at,
                   created_at,
                   updated_at,
                   checksum
               )
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let id = db.insert(
        sql,
        &values![
            otp.code.value(),
            otp.recipient.mobile_number().map(MobileNumber::as_str),
            otp.recipient.email().map(EmailAddress::as_str),
            otp.purpose.as_str(),
            otp.valid_to.as_micros(),
            otp.issued_at.map(Timestamp::as_micros),
            otp.sent_at.map(Timestamp::as_micros),
            otp.attempts_left,
            otp.consumed_at.map(Timestamp::as_micros),
            otp.created_at.as_micros(),
            otp.updated_at.as_micros(),
            checksum(&otp, seed(db)?),
        ],
    )?;
    Ok(Otp { id: OtpId::from_stored(id), ..otp })
}

/// Stores the attempts that are left and the consumption of a code. This transaction has locked the row, and the code was
/// not consumed before.
pub fn update_usage(db: &Db, otp: &Otp) -> Result<()> {
    let sql = "UPDATE otp_codes
                  SET attempts_left = $1,
                      consumed_at = $2,
                      checksum = $3
                WHERE id = $4
                  AND consumed_at IS NULL";
    db.change_locked(
        sql,
        &values![
            otp.attempts_left,
            otp.consumed_at.map(Timestamp::as_micros),
            checksum(otp, seed(db)?),
            otp.id.value(),
        ],
    )
}

/// Stores the columns of `changed` that differ from `stored`, which this transaction has read and locked. The others are
/// not set, because SQLite rewrites every index that contains a column in SET, even if the value is the same. Id, purpose
/// and creation time must be equal.
pub fn update(db: &Db, stored: &Otp, changed: &Otp) -> Result<()> {
    debug_assert_eq!(
        (stored.id, &stored.purpose, stored.created_at),
        (changed.id, &changed.purpose, changed.created_at)
    );
    let before = changeable(stored);
    let mut set: Vec<_> = changeable(changed).into_iter().filter(|column| !before.contains(column)).collect();
    if set.is_empty() {
        return Ok(());
    }
    set.push(("checksum", checksum(changed, seed(db)?).into()));
    let assignments: Vec<_> = (1..).zip(&set).map(|(n, (column, _))| format!("{column} = ${n}")).collect();
    let sql = format!("UPDATE otp_codes SET {} WHERE id = ${}", assignments.join(", "), set.len() + 1);
    let mut values: Vec<_> = set.into_iter().map(|(_, value)| value).collect();
    values.push(changed.id.value().into());
    db.change_locked(&sql, &values)
}

/// The columns that may change while a code is stored, with their values.
fn changeable(otp: &Otp) -> [(&'static str, Value<'_>); 9] {
    [
        ("code", otp.code.value().into()),
        ("mobile_number", otp.recipient.mobile_number().map(MobileNumber::as_str).into()),
        ("email", otp.recipient.email().map(EmailAddress::as_str).into()),
        ("valid_to", otp.valid_to.as_micros().into()),
        ("issued_at", otp.issued_at.map(Timestamp::as_micros).into()),
        ("sent_at", otp.sent_at.map(Timestamp::as_micros).into()),
        ("attempts_left", otp.attempts_left.into()),
        ("consumed_at", otp.consumed_at.map(Timestamp::as_micros).into()),
        ("updated_at", otp.updated_at.as_micros().into()),
    ]
}

/// Deletes a code and its messages. This transaction has locked the row.
pub fn delete(db: &Db, id: OtpId) -> Result<()> {
    db.change_locked("DELETE FROM otp_codes WHERE id = $1", &values![id.value()])
}

/// The outer condition is repeated because another transaction of PostgreSQL may change a row after it was selected. The
/// plus keeps SQLite from using another index for it.
pub(in crate::store) const DELETE_EXPIRED: &str = "
    DELETE FROM otp_codes
     WHERE id IN (SELECT id FROM otp_codes WHERE valid_to < $1 ORDER BY valid_to LIMIT $2)
       AND +valid_to < $1
    RETURNING id, mobile_number, email";

/// Deletes at most `limit` codes that expired before `until`, oldest first. Returns their ids and recipients.
pub fn delete_expired(db: &Db, until: Timestamp, limit: i64) -> Result<Vec<Identity>> {
    db.rows(DELETE_EXPIRED, &values![until.as_micros(), limit], identity)
}

pub(in crate::store) const EXPIRE_UNTRUSTED: &str = "
    UPDATE otp_codes
       SET valid_to = $1,
           attempts_left = 0,
           sent_at = CASE WHEN sent_at > $1 THEN NULL ELSE sent_at END,
           checksum = NULL
     WHERE id IN (
               SELECT id FROM otp_codes WHERE updated_at > $2 AND issued_at > $2 AND valid_to > $2 LIMIT $3
           )
       AND +updated_at > $2
       AND +issued_at > $2
       AND +valid_to > $2
    RETURNING id, mobile_number, email";

/// Expires at most `limit` codes at `now` that were issued later than `after`, and returns their ids and recipients. They
/// are not usable now, but would become valid again at that time.
pub fn expire_untrusted(db: &Db, after: Timestamp, now: Timestamp, limit: i64) -> Result<Vec<Identity>> {
    db.rows(EXPIRE_UNTRUSTED, &values![now.as_micros(), after.as_micros(), limit], identity)
}

/// The id and recipient of a code. The recipient of a damaged code may be unknown.
pub type Identity = (OtpId, Option<Recipient>);

fn identity(row: &Row<'_>) -> Result<Identity> {
    let number = row.get::<Option<String>>("mobile_number")?.map(MobileNumber::from_stored);
    let email = row.get::<Option<String>>("email")?.map(EmailAddress::from_stored);
    Ok((OtpId::from_stored(row.get("id")?), Recipient::exactly_one(number, email).ok()))
}

/// The time of the latest update of any code.
pub fn newest_update(db: &Db) -> Result<Option<Timestamp>> {
    let sql = "SELECT max(updated_at) AS updated_at FROM otp_codes";
    db.one(sql, &values![], |row| row.optional_timestamp("updated_at"))
}

/// The creation time of the newest code, and the latest creation time of all codes. They differ if the clock was set
/// back.
pub fn creation_times(db: &Db) -> Result<Option<[Timestamp; 2]>> {
    let sql = "SELECT created_at,
                      (SELECT max(created_at) FROM otp_codes) AS latest
                 FROM otp_codes
                ORDER BY id DESC
                LIMIT 1";
    db.row(sql, &values![], |row| Ok([row.timestamp("created_at")?, row.timestamp("latest")?]))
}

/// Reads any code, to take as long as reading a specific one.
pub(in crate::store) fn read_any(db: &Db) -> Result<()> {
    let sql = concat!("SELECT ", columns!(), " FROM otp_codes AS o ORDER BY o.id DESC LIMIT 1");
    // Only the time matters, so a damaged row is ignored.
    db.row(sql, &values![], |row| Ok(from_row(row).ok()))?;
    Ok(())
}

/// Reads one row, if there is one. Fails if the table is damaged.
pub(in crate::store) fn touch(db: &Db) -> Result<()> {
    db.exists("SELECT code FROM otp_codes LIMIT 1", &values![])?;
    Ok(())
}

#[cfg(test)]
mod tests;
