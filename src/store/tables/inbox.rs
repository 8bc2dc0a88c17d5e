//! Table `inbox`: messages handed to the development provider.

use crate::domain::inbox::{InboxMessage, NewInboxMessage};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::row::Row;
use crate::values;

/// Stores a message. Returns its id.
pub fn insert(db: &Db, message: &NewInboxMessage, now: Timestamp) -> Result<i64> {
    let sql = "INSERT INTO inbox (
                   channel,
                   recipient,
                   subject,
                   text,
                   created_at
               )
               VALUES ($1, $2, $3, $4, $5)";
    let values = values![
        message.channel.as_str(),
        &message.recipient,
        message.text.subject.as_ref(),
        &message.text.plain,
        now.as_micros()
    ];
    db.insert(sql, &values)
}

pub(in crate::store) const LIST_AFTER: &str = "
    SELECT id,
           channel,
           recipient,
           subject,
           text,
           created_at
      FROM inbox
     WHERE id > $1
     ORDER BY id DESC
     LIMIT $2";

/// Returns the newest messages with an id above `after`, at most `limit`, oldest first.
pub fn list_after(db: &Db, after: i64, limit: i64) -> Result<Vec<InboxMessage>> {
    let newest_first = db.rows(LIST_AFTER, &values![after, limit], from_row)?;
    Ok(newest_first.into_iter().rev().collect())
}

fn from_row(row: &Row<'_>) -> Result<InboxMessage> {
    Ok(InboxMessage {
        id: row.get("id")?,
        channel: row.parsed("channel")?,
        recipient: row.get("recipient")?,
        subject: row.get("subject")?,
        text: row.get("text")?,
        created_at: row.timestamp("created_at")?,
    })
}

const DELETE_BEFORE: &str =
    "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE created_at < $1 ORDER BY id LIMIT $2)";

/// Deletes at most `limit` messages from before `until`. Returns their number.
pub fn delete_before(db: &Db, until: Timestamp, limit: i64) -> Result<usize> {
    db.execute(DELETE_BEFORE, &values![until.as_micros(), limit])
}

const DELETE_AFTER: &str = "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE created_at > $1 LIMIT $2)";

/// Deletes at most `limit` messages from after `since`. Returns their number.
pub fn delete_after(db: &Db, since: Timestamp, limit: i64) -> Result<usize> {
    db.execute(DELETE_AFTER, &values![since.as_micros(), limit])
}
