//! Table `audit_events`: the audit trail. Table `audit_key`: the key of its hashes.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use crate::domain::audit::{AuditEvent, NewEvent, Origin};
use crate::domain::otp::OtpId;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};
use crate::store::db::Db;
use crate::store::row::Row;
use crate::values;

/// Stores an event that happened at `at`.
pub fn insert(db: &Db, origin: &Origin, event: &NewEvent, at: Timestamp) -> Result<()> {
    let sql = "INSERT INTO audit_events (
                   at,
                   actor_kind,
                   actor_name,
                   token_prefix,
                   action,
                   otp_id,
                   recipient,
                   recipient_hash,
                   former_recipient_hash,
                   changes,
                   request_id,
                   address
               )
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let key = if event.recipient.is_some() { Some(Key::read(db)?) } else { None };
    let hash = |recipient: &Option<Recipient>| Some(key.as_ref()?.hash(recipient.as_ref()?));
    let values = values![
        at.as_micros(),
        origin.kind.as_str(),
        &origin.name,
        origin.token_prefix.as_ref(),
        event.action.as_str(),
        event.otp.map(OtpId::value),
        event.recipient.as_ref().map(Recipient::masked),
        hash(&event.recipient),
        hash(&event.former_recipient),
        serde_json::to_string(&event.changes).map_err(Error::internal)?,
        origin.request_id.as_ref(),
        origin.address.map(|address| address.to_string()),
    ];
    db.change(sql, &values)?;
    Ok(())
}

/// The key of the hashes. It differs in each database, so that the hashes can't be compared with those of numbers that
/// were hashed elsewhere.
pub(in crate::store) struct Key([u8; 16]);

impl Key {
    pub(in crate::store) fn read(db: &Db) -> Result<Self> {
        Ok(Self(db.constant("SELECT value FROM audit_key WHERE id = 1")?))
    }

    /// The hash under which the events of a recipient are found. SipHash-2-4 is a keyed hash for short texts.
    pub(in crate::store) fn hash(&self, recipient: &Recipient) -> i64 {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(recipient.key().as_bytes());
        hasher.finish().cast_signed()
    }
}

/// The columns that `from_row` reads, from `audit_events AS e`.
macro_rules! columns {
    () => {
        "e.id,
         e.at,
         e.actor_kind,
         e.actor_name,
         e.token_prefix,
         e.action,
         e.otp_id,
         e.recipient,
         e.changes,
         e.request_id,
         e.address"
    };
}

pub(in crate::store) use columns;

pub(in crate::store) const LIST_AFTER: &str =
    concat!("SELECT ", columns!(), " FROM audit_events AS e WHERE e.id > $1 ORDER BY e.id LIMIT $2");

/// Returns the events with an id above `after`, at most `limit`, oldest first.
pub fn list_after(db: &Db, after: i64, limit: i64) -> Result<Vec<AuditEvent>> {
    db.rows(LIST_AFTER, &values![after, limit], from_row)
}

pub(in crate::store) fn from_row(row: &Row<'_>) -> Result<AuditEvent> {
    let address: Option<String> = row.get("address")?;
    let changes: String = row.get("changes")?;
    Ok(AuditEvent {
        id: row.get("id")?,
        at: row.timestamp("at")?,
        origin: Origin {
            kind: row.parsed("actor_kind")?,
            name: row.get("actor_name")?,
            token_prefix: row.get("token_prefix")?,
            request_id: row.get("request_id")?,
            address: address.and_then(|address| address.parse().ok()),
        },
        action: row.parsed("action")?,
        otp: row.get::<Option<i64>>("otp_id")?.map(OtpId::from_stored),
        recipient: row.get("recipient")?,
        changes: serde_json::from_str(&changes).map_err(Error::internal)?,
    })
}
