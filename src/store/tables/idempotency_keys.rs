//! Table `idempotency_keys`.

use crate::domain::idempotency::{IdempotencyKey, SendReceipt};
use crate::domain::otp::OtpId;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::row::Row;
use crate::values;

pub(in crate::store) const FIND: &str = "
    SELECT body_hash,
           otp_id,
           valid_to,
           sent_at
      FROM idempotency_keys
     WHERE user_id = $1
       AND key_hash = $2
       AND sent_at > $3
       AND sent_at <= $4";

/// Returns the response to a user's request with this key, and the hash of the body of that request. Only responses
/// after `since` count. Responses later than `now` are not trusted.
pub fn find(
    db: &Db,
    user_id: i64,
    key: &IdempotencyKey,
    since: Timestamp,
    now: Timestamp,
) -> Result<Option<([u8; 32], SendReceipt)>> {
    db.row(FIND, &values![user_id, key.hash(), since.as_micros(), now.as_micros()], from_row)
}

fn from_row(row: &Row<'_>) -> Result<([u8; 32], SendReceipt)> {
    let receipt = SendReceipt {
        id: OtpId::from_stored(row.get("otp_id")?),
        valid_to: row.timestamp("valid_to")?,
        sent_at: row.timestamp("sent_at")?,
    };
    Ok((row.get("body_hash")?, receipt))
}

/// Stores a response. Replaces a response that is too old or not trusted.
pub fn insert(db: &Db, user_id: i64, key: &IdempotencyKey, body_hash: [u8; 32], receipt: &SendReceipt) -> Result<()> {
    let sql = "INSERT INTO idempotency_keys (
                   user_id,
                   key_hash,
                   body_hash,
                   otp_id,
                   valid_to,
                   sent_at
               )
               VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (user_id, key_hash) DO UPDATE
                  SET body_hash = excluded.body_hash,
                      otp_id = excluded.otp_id,
                      valid_to = excluded.valid_to,
                      sent_at = excluded.sent_at";
    let values = values![
        user_id,
        key.hash(),
        &body_hash,
        receipt.id.value(),
        receipt.valid_to.as_micros(),
        receipt.sent_at.as_micros(),
    ];
    db.change(sql, &values)?;
    Ok(())
}

pub(in crate::store) const DELETE_BEFORE: &str = "
    DELETE FROM idempotency_keys
     WHERE (user_id, key_hash) IN (SELECT user_id, key_hash FROM idempotency_keys WHERE sent_at < $1 LIMIT $2)
       AND +sent_at < $1";

/// Deletes at most `limit` responses from before `until`. Returns their number.
pub fn delete_before(db: &Db, until: Timestamp, limit: i64) -> Result<usize> {
    db.execute(DELETE_BEFORE, &values![until.as_micros(), limit])
}

pub(in crate::store) const DELETE_AFTER: &str = "
    DELETE FROM idempotency_keys
     WHERE (user_id, key_hash) IN (SELECT user_id, key_hash FROM idempotency_keys WHERE sent_at > $1 LIMIT $2)
       AND +sent_at > $1";

/// Deletes at most `limit` responses from after `since`. Returns their number.
pub fn delete_after(db: &Db, since: Timestamp, limit: i64) -> Result<usize> {
    db.execute(DELETE_AFTER, &values![since.as_micros(), limit])
}
