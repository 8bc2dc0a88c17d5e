//! Tables `sessions` and `session_searches`.

use std::net::IpAddr;

use crate::domain::session::{SEARCHES_KEPT, SessionRecord, SessionTimes};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenHash;
use crate::domain::user::Role;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::row::Row;
use crate::values;

/// A session found by its hash, with its user and its token.
#[derive(Clone, Debug)]
pub struct FoundSession {
    pub id: i64,
    pub times: SessionTimes,
    /// Id and prefix. `None`: the user signed in with a link.
    pub token: Option<(i64, String)>,
    pub user_id: i64,
    pub user_name: String,
    pub role: Role,
    pub is_active: bool,
}

pub(in crate::store) const FIND_BY_HASH: &str = "
    SELECT s.id,
           s.hash,
           s.created_at,
           s.last_seen_at,
           t.id AS token_id,
           t.prefix,
           t.expires_at,
           u.id AS user_id,
           u.name AS user_name,
           u.role,
           u.is_active
      FROM sessions AS s
      JOIN users AS u ON u.id = s.user_id
      LEFT JOIN api_tokens AS t ON t.id = s.token_id
     WHERE s.hash = $1";

/// Returns the session with this hash, which may be over. The index finds the row; the whole hash is then compared in
/// constant time.
pub fn find_by_hash(db: &Db, hash: &TokenHash) -> Result<Option<FoundSession>> {
    Ok(db.row(FIND_BY_HASH, &values![hash.as_bytes()], |row| found(row, hash))?.flatten())
}

fn found(row: &Row<'_>, hash: &TokenHash) -> Result<Option<FoundSession>> {
    let stored: Vec<u8> = row.get("hash")?;
    let token_id: Option<i64> = row.get("token_id")?;
    let session = FoundSession {
        id: row.get("id")?,
        times: times(row)?,
        token: token_id.map(|id| row.get("prefix").map(|prefix| (id, prefix))).transpose()?,
        user_id: row.get("user_id")?,
        user_name: row.get("user_name")?,
        role: row.parsed("role")?,
        is_active: row.get("is_active")?,
    };
    Ok(hash.is(&stored).then_some(session))
}

fn times(row: &Row<'_>) -> Result<SessionTimes> {
    Ok(SessionTimes {
        created_at: row.timestamp("created_at")?,
        last_seen_at: row.timestamp("last_seen_at")?,
        token_expires_at: row.optional_timestamp("expires_at")?,
    })
}

/// A session to be stored.
#[derive(Clone, Debug)]
pub struct NewSession {
    pub hash: TokenHash,
    pub user_id: i64,
    pub token_id: Option<i64>,
    pub address: Option<IpAddr>,
    pub browser: Option<String>,
}

/// Stores a session that starts now.
pub fn insert(db: &Db, session: &NewSession, now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO sessions (
                   hash,
                   user_id,
                   token_id,
                   created_at,
                   last_seen_at,
                   address,
                   browser
               )
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    db.change(
        sql,
        &values![
            session.hash.as_bytes(),
            session.user_id,
            session.token_id,
            now.as_micros(),
            now.as_micros(),
            session.address.map(|address| address.to_string()),
            session.browser.as_deref(),
        ],
    )?;
    Ok(())
}

pub(in crate::store) const LIST_OF_USER: &str = "
    SELECT s.id,
           s.created_at,
           s.last_seen_at,
           t.prefix,
           t.expires_at,
           s.address,
           s.browser
      FROM sessions AS s
      LEFT JOIN api_tokens AS t ON t.id = s.token_id
     WHERE s.user_id = $1
     ORDER BY s.id DESC";

/// Returns the sessions of a user, newest first, also those that are over.
pub fn list_of_user(db: &Db, user_id: i64) -> Result<Vec<SessionRecord>> {
    db.rows(LIST_OF_USER, &values![user_id], from_row)
}

fn from_row(row: &Row<'_>) -> Result<SessionRecord> {
    let address: Option<String> = row.get("address")?;
    Ok(SessionRecord {
        id: row.get("id")?,
        times: times(row)?,
        token_prefix: row.get("prefix")?,
        address: address.and_then(|address| address.parse().ok()),
        browser: row.get("browser")?,
    })
}

/// Records activity. A session that has ended meanwhile is not an error.
pub fn update_last_seen(db: &Db, session_id: i64, now: Timestamp) -> Result<()> {
    db.change("UPDATE sessions SET last_seen_at = $1 WHERE id = $2", &values![now.as_micros(), session_id])?;
    Ok(())
}

/// Deletes a session. Returns whether there was one.
pub fn delete(db: &Db, session_id: i64) -> Result<bool> {
    Ok(db.execute("DELETE FROM sessions WHERE id = $1", &values![session_id])? > 0)
}

pub(in crate::store) const DELETE_OF_USER: &str = "DELETE FROM sessions WHERE user_id = $1";

/// Deletes the sessions of a user.
pub fn delete_of_user(db: &Db, user_id: i64) -> Result<()> {
    db.change(DELETE_OF_USER, &values![user_id])?;
    Ok(())
}

pub(in crate::store) const DELETE_BEFORE: &str = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE last_seen_at <= $1 LIMIT $2) AND +last_seen_at <= $1";

/// Deletes at most `limit` sessions without activity after `until`. Returns their number.
pub fn delete_before(db: &Db, until: Timestamp, limit: i64) -> Result<usize> {
    db.execute(DELETE_BEFORE, &values![until.as_micros(), limit])
}

pub(in crate::store) const DELETE_AFTER: &str = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE last_seen_at > $1 LIMIT $2) AND +last_seen_at > $1";

/// Deletes at most `limit` sessions with activity after `since`. Returns their number.
pub fn delete_after(db: &Db, since: Timestamp, limit: i64) -> Result<usize> {
    db.execute(DELETE_AFTER, &values![since.as_micros(), limit])
}

pub(in crate::store) const LAST_SEARCH: &str =
    "SELECT n FROM session_searches WHERE session_id = $1 ORDER BY n DESC LIMIT 1";
pub(in crate::store) const DELETE_OLD_SEARCHES: &str = "DELETE FROM session_searches WHERE session_id = $1 AND n <= $2";

/// Stores a search of a session under the next number, and deletes all but the last [`SEARCHES_KEPT`]. Returns the
/// number. `None`: the session has ended.
pub fn insert_search(db: &Db, session_id: i64, q: &str) -> Result<Option<i64>> {
    if !db.exists("SELECT 1 FROM sessions WHERE id = $1", &values![session_id])? {
        return Ok(None);
    }
    let last: Option<i64> = db.row(LAST_SEARCH, &values![session_id], |row| row.get("n"))?;
    let n = last.unwrap_or(0) + 1;
    db.change("INSERT INTO session_searches (session_id, n, q) VALUES ($1, $2, $3)", &values![session_id, n, q])?;
    db.change(DELETE_OLD_SEARCHES, &values![session_id, n - SEARCHES_KEPT])?;
    Ok(Some(n))
}

pub(in crate::store) const FIND_SEARCH: &str = "SELECT q FROM session_searches WHERE session_id = $1 AND n = $2";

/// Returns a search of a session, if it is one of the last.
pub fn find_search(db: &Db, session_id: i64, n: i64) -> Result<Option<String>> {
    db.row(FIND_SEARCH, &values![session_id, n], |row| row.get("q"))
}
