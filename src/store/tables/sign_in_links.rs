//! Table `sign_in_links`.

use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenHash;
use crate::domain::user::{User, UserName};
use crate::error::Result;
use crate::store::db::Db;
use crate::store::row::Row;
use crate::values;

/// Stores a link that is created now.
pub fn insert(db: &Db, hash: &TokenHash, user_id: i64, now: Timestamp) -> Result<()> {
    db.change(
        "INSERT INTO sign_in_links (hash, user_id, created_at) VALUES ($1, $2, $3)",
        &values![hash.as_bytes(), user_id, now.as_micros()],
    )?;
    Ok(())
}

pub(in crate::store) const FIND: &str = "
    SELECT l.hash,
           l.created_at,
           u.id,
           u.name,
           u.role,
           u.is_active
      FROM sign_in_links AS l
      JOIN users AS u ON u.id = l.user_id
     WHERE l.hash = $1";

/// Deletes a link. Returns its user and when it was created, or `None` if there is no such link.
pub fn take(db: &Db, hash: &TokenHash) -> Result<Option<(User, Timestamp)>> {
    let found = db.row(FIND, &values![hash.as_bytes()], |row| from_row(row, hash))?;
    let deleted = db.execute("DELETE FROM sign_in_links WHERE hash = $1", &values![hash.as_bytes()])?;
    // Another process may have taken it meanwhile.
    Ok(found.flatten().filter(|_| deleted > 0))
}

fn from_row(row: &Row<'_>, hash: &TokenHash) -> Result<Option<(User, Timestamp)>> {
    let stored: Vec<u8> = row.get("hash")?;
    let user = User {
        id: row.get("id")?,
        name: UserName::from_stored(row.get("name")?),
        role: row.parsed("role")?,
        is_active: row.get("is_active")?,
    };
    let created_at = row.timestamp("created_at")?;
    Ok(hash.is(&stored).then_some((user, created_at)))
}

pub(in crate::store) const DELETE_OF_USER: &str = "DELETE FROM sign_in_links WHERE user_id = $1";

/// Deletes the links of a user.
pub fn delete_of_user(db: &Db, user_id: i64) -> Result<()> {
    db.change(DELETE_OF_USER, &values![user_id])?;
    Ok(())
}

pub(in crate::store) const DELETE_BEFORE: &str =
    "DELETE FROM sign_in_links WHERE hash IN (SELECT hash FROM sign_in_links WHERE created_at <= $1 LIMIT $2)";

/// Deletes at most `limit` links that were not created after `until`. Returns their number.
pub fn delete_before(db: &Db, until: Timestamp, limit: i64) -> Result<usize> {
    db.execute(DELETE_BEFORE, &values![until.as_micros(), limit])
}

pub(in crate::store) const DELETE_AFTER: &str =
    "DELETE FROM sign_in_links WHERE hash IN (SELECT hash FROM sign_in_links WHERE created_at > $1 LIMIT $2)";

/// Deletes at most `limit` links that were created after `since`. Returns their number.
pub fn delete_after(db: &Db, since: Timestamp, limit: i64) -> Result<usize> {
    db.execute(DELETE_AFTER, &values![since.as_micros(), limit])
}
