//! Table `otp_codes`.

use rusqlite::{OptionalExtension, Row, params};

use crate::domain::otp::{Code, NewOtp, Otp, OtpId};
use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};
use crate::store::Db;
use crate::store::row::moment;

/// The columns that `from_row` reads, of `otp_codes AS o`.
macro_rules! columns {
    () => {
        "o.id,
         o.code,
         o.mobile_number,
         o.email,
         o.valid_to,
         o.created_at,
         o.updated_at,
         o.checksum,
         (SELECT value FROM checksum_seed WHERE id = 1) AS seed"
    };
}

pub(super) const COLUMNS: &str = columns!();
pub(super) const FIND: &str = concat!("SELECT ", columns!(), " FROM otp_codes AS o WHERE o.id = $1");

/// The code with this id.
///
/// # Errors
/// Not found, in the contract's words, where there is none.
pub fn find(db: &Db, id: OtpId) -> Result<Otp> {
    db.prepare_cached(FIND)?
        .query_row([id.value()], |row| Ok(from_row(row)))
        .optional()?
        .unwrap_or_else(|| Err(Error::otp_not_found()))
}

/// Stores a code made at `now`, valid until `valid_to`, under the next id.
pub fn insert(db: &Db, new: &NewOtp, valid_to: Timestamp, now: Timestamp) -> Result<Otp> {
    let mut otp = Otp {
        id: OtpId::from_stored(0),
        code: new.code,
        recipient: new.recipient.clone(),
        valid_to,
        created_at: now,
        updated_at: now,
    };
    let id = db
        .prepare_cached(
            "INSERT INTO otp_codes (
                 code,
                 mobile_number,
                 email,
                 valid_to,
                 created_at,
                 updated_at,
                 checksum
             )
             VALUES ($1, $2, $3, $4, $5, $5, $6)",
        )?
        .insert(params![
            otp.code.value(),
            otp.recipient.mobile_number().map(MobileNumber::as_str),
            otp.recipient.email().map(EmailAddress::as_str),
            valid_to.as_micros(),
            now.as_micros(),
            checksum(&otp, seed(db)?),
        ])?;
    otp.id = OtpId::from_stored(id);
    Ok(otp)
}

/// Stores what may change of a code: all but its id and `created_at`.
pub fn update(db: &Db, otp: &Otp) -> Result<()> {
    let changed = db
        .prepare_cached(
            "UPDATE otp_codes
                SET code = $1,
                    mobile_number = $2,
                    email = $3,
                    valid_to = $4,
                    updated_at = $5,
                    checksum = $6
              WHERE id = $7",
        )?
        .execute(params![
            otp.code.value(),
            otp.recipient.mobile_number().map(MobileNumber::as_str),
            otp.recipient.email().map(EmailAddress::as_str),
            otp.valid_to.as_micros(),
            otp.updated_at.as_micros(),
            checksum(otp, seed(db)?),
            otp.id.value(),
        ])?;
    found(changed)
}

pub fn delete(db: &Db, id: OtpId) -> Result<()> {
    found(db.prepare_cached("DELETE FROM otp_codes WHERE id = $1")?.execute([id.value()])?)
}

/// Deletes at most `limit` of the codes that expired before a moment, the oldest first; how many.
pub fn delete_expired(db: &Db, before: Timestamp, limit: i64) -> Result<usize> {
    let sql = "DELETE FROM otp_codes
                WHERE id IN (SELECT id FROM otp_codes WHERE valid_to < $1 ORDER BY valid_to LIMIT $2)";
    Ok(db.prepare_cached(sql)?.execute(params![before.as_micros(), limit])?)
}

/// Reads a row, if there is one: a damaged table fails here.
pub(super) fn touch(db: &Db) -> Result<()> {
    db.prepare_cached("SELECT code FROM otp_codes LIMIT 1")?.query_row([], |_| Ok(())).optional()?;
    Ok(())
}

fn found(rows: usize) -> Result<()> {
    if rows == 1 { Ok(()) } else { Err(Error::otp_not_found()) }
}

/// A row as a code. The schema's checks, and the checksum, make every refusal here a sign of a damaged file.
pub(super) fn from_row(row: &Row<'_>) -> Result<Otp> {
    let id = row.get("id")?;
    let is_sound = |otp: &Otp| {
        let known: Option<u32> = row.get("checksum")?;
        let seed = row.get("seed")?;
        Ok::<_, rusqlite::Error>(known.is_none_or(|known| known == checksum(otp, seed)))
    };
    read(row, id)
        .ok()
        .filter(|otp| is_sound(otp).unwrap_or(false))
        .ok_or_else(|| Error::unavailable(format!("code {id} is damaged on the disk; restore a backup")))
}

fn read(row: &Row<'_>, id: i64) -> Result<Otp> {
    Ok(Otp {
        id: OtpId::from_stored(id),
        code: Code::new(row.get("code")?).map_err(Error::internal)?,
        recipient: Recipient::exactly_one(
            row.get::<_, Option<String>>("mobile_number")?.map(MobileNumber::from_stored),
            row.get::<_, Option<String>>("email")?.map(EmailAddress::from_stored),
        )
        .map_err(Error::internal)?,
        valid_to: moment(row, "valid_to")?,
        created_at: moment(row, "created_at")?,
        updated_at: moment(row, "updated_at")?,
    })
}

fn seed(db: &Db) -> Result<i64> {
    Ok(db.prepare_cached("SELECT value FROM checksum_seed WHERE id = 1")?.query_row([], |row| row.get(0))?)
}

/// CRC-32 of the database's seed and all values but the id, which a row that is being made has not got yet. Between two
/// texts stands what none contains.
fn checksum(otp: &Otp, seed: i64) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&seed.to_le_bytes());
    crc.update(&otp.code.value().to_le_bytes());
    crc.update(otp.recipient.mobile_number().map_or("", MobileNumber::as_str).as_bytes());
    crc.update(b"\0");
    crc.update(otp.recipient.email().map_or("", EmailAddress::as_str).as_bytes());
    for moment in [otp.valid_to, otp.created_at, otp.updated_at] {
        crc.update(&moment.as_micros().to_le_bytes());
    }
    crc.finalize()
}
