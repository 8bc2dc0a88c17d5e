//! Converts a row of `otp_codes` to a code and verifies its checksum.

use crate::domain::code::Code;
use crate::domain::otp::{Otp, OtpId};
use crate::domain::purpose::Purpose;
use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};
use crate::store::db::Db;
use crate::store::error::Damaged;
use crate::store::row::Row;

/// The columns that `from_row` reads, from `otp_codes AS o`.
macro_rules! columns {
    () => {
        "o.id,
         o.code,
         o.mobile_number,
         o.email,
         o.purpose,
         o.valid_to,
         o.issued_at,
         o.sent_at,
         o.attempts_left,
         o.consumed_at,
         o.created_at,
         o.updated_at,
         o.checksum,
         (SELECT value FROM checksum_seed WHERE id = 1) AS seed"
    };
}

pub(in crate::store) use columns;

pub(in crate::store) const COLUMNS: &str = columns!();

/// Converts a row to a code. The schema's checks and the checksum rule out invalid values, so every error here means a
/// damaged file.
pub(in crate::store) fn from_row(row: &Row<'_>) -> Result<Otp> {
    let id = row.get("id")?;
    let is_sound = |otp: &Otp| -> Result<bool> {
        let known: Option<u32> = row.get("checksum")?;
        let seed = row.get("seed")?;
        Ok(known.is_none_or(|known| known == checksum(otp, seed)))
    };
    read(row, id).ok().filter(|otp| is_sound(otp).unwrap_or(false)).ok_or_else(|| Error::unavailable(Damaged(id)))
}

fn read(row: &Row<'_>, id: i64) -> Result<Otp> {
    Ok(Otp {
        id: OtpId::from_stored(id),
        code: Code::new(row.get("code")?).map_err(Error::internal)?,
        recipient: Recipient::exactly_one(
            row.get::<Option<String>>("mobile_number")?.map(MobileNumber::from_stored),
            row.get::<Option<String>>("email")?.map(EmailAddress::from_stored),
        )
        .map_err(Error::internal)?,
        purpose: Purpose::from_stored(row.get("purpose")?),
        valid_to: row.timestamp("valid_to")?,
        issued_at: row.optional_timestamp("issued_at")?,
        sent_at: row.optional_timestamp("sent_at")?,
        attempts_left: row.get("attempts_left")?,
        consumed_at: row.optional_timestamp("consumed_at")?,
        created_at: row.timestamp("created_at")?,
        updated_at: row.timestamp("updated_at")?,
    })
}

/// The checksum seed of this database, which differs from that of any other.
pub(in crate::store) fn seed(db: &Db) -> Result<i64> {
    db.constant("SELECT value FROM checksum_seed WHERE id = 1")
}

/// CRC-32 of the database's seed and all values except the id, which a new row does not have yet. A NUL separates the
/// texts; no text contains one.
pub(in crate::store) fn checksum(otp: &Otp, seed: i64) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&seed.to_le_bytes());
    crc.update(&otp.code.value().to_le_bytes());
    crc.update(otp.recipient.mobile_number().map_or("", MobileNumber::as_str).as_bytes());
    crc.update(b"\0");
    crc.update(otp.recipient.email().map_or("", EmailAddress::as_str).as_bytes());
    crc.update(b"\0");
    crc.update(otp.purpose.as_str().as_bytes());
    crc.update(&otp.attempts_left.to_le_bytes());
    let moments = [Some(otp.valid_to), Some(otp.created_at), Some(otp.updated_at)];
    for moment in moments.into_iter().chain([otp.issued_at, otp.sent_at, otp.consumed_at]) {
        crc.update(&moment.map_or(i64::MIN, Timestamp::as_micros).to_le_bytes());
    }
    crc.finalize()
}
