//! Tables `messages` and `message_attempts`: which providers accepted the messages with a code.

use crate::domain::attempt::Outcome;
use crate::domain::figures::acceptance::{Acceptance, Deliverer};
use crate::domain::otp::OtpId;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::row::Row;
use crate::values;

pub(in crate::store) const FIND_DELIVERER: &str = "
    SELECT EXISTS (SELECT 1 FROM messages WHERE otp_id = $1) AS has_message,
           (
               SELECT provider
                 FROM message_attempts
                WHERE id = (
                          SELECT max(a.id)
                            FROM messages AS m
                            JOIN message_attempts AS a ON a.message_id = m.id
                           WHERE m.otp_id = $1
                             AND a.outcome = $2
                      )
           ) AS provider";

/// Returns the provider of the last accepted message with a code.
pub fn find_deliverer(db: &Db, otp_id: OtpId) -> Result<Deliverer> {
    let values = values![otp_id.value(), Outcome::Sent.as_str()];
    let deliverer = |row: &Row<'_>| {
        let has_message: bool = row.get("has_message")?;
        let provider: Option<String> = row.get("provider")?;
        Ok(match provider {
            Some(provider) => Deliverer::Provider(provider),
            None if has_message => Deliverer::NotKnown,
            None => Deliverer::NoMessage,
        })
    };
    db.one(FIND_DELIVERER, &values, deliverer)
}

pub(in crate::store) const FIND: &str = "
    SELECT issued_at,
           consumed_at,
           (
               SELECT count(*)
                 FROM messages AS m
                 JOIN message_attempts AS a ON a.message_id = m.id
                WHERE m.otp_id = $1
                  AND a.outcome = $2
           ) AS accepted,
           (
               SELECT count(*)
                 FROM messages AS m
                 JOIN message_attempts AS a ON a.message_id = m.id
                WHERE m.otp_id = $1
                  AND a.outcome = $2
                  AND a.provider = $3
           ) AS by_provider
      FROM otp_codes
     WHERE id = $1";

/// Returns how often messages with a code were accepted, at all and by `provider`. `None`: there is no such code.
pub fn find(db: &Db, otp_id: OtpId, provider: &str) -> Result<Option<Acceptance>> {
    let values = values![otp_id.value(), Outcome::Sent.as_str(), provider];
    db.row(FIND, &values, from_row)
}

fn from_row(row: &Row<'_>) -> Result<Acceptance> {
    Ok(Acceptance {
        issued_at: row.optional_timestamp("issued_at")?,
        is_verified: row.optional_timestamp("consumed_at")?.is_some(),
        accepted: row.get("accepted")?,
        by_provider: row.get("by_provider")?,
    })
}
