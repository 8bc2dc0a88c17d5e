//! Table `api_tokens`.

use crate::domain::timestamp::Timestamp;
use crate::domain::token::{ApiToken, TokenHash};
use crate::domain::token_details::{TokenDetails, TokenLabel, TokenRecord};
use crate::domain::user::{Permission, Role, UserName};
use crate::error::Result;
use crate::store::db::Db;
use crate::store::row::Row;
use crate::values;

/// A token found by its hash, with its user.
#[derive(Clone, Debug)]
pub struct AuthenticatedToken {
    pub token_id: i64,
    pub prefix: String,
    pub last_used_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub user_id: i64,
    pub user_name: String,
    pub role: Role,
    pub is_active: bool,
}

/// The columns of a token and its user, as [`authenticated`] reads them.
macro_rules! columns {
    () => {
        "t.id AS token_id, t.hash, t.prefix, t.last_used_at, t.expires_at, u.id AS user_id, u.name AS user_name, u.role,
         u.is_active"
    };
}

pub(in crate::store) const FIND_BY_HASH: &str = concat!(
    "SELECT ",
    columns!(),
    "
       FROM api_tokens AS t
       JOIN users AS u ON u.id = t.user_id
      WHERE t.hash = $1"
);

/// Returns the token with this hash, and its user. The index finds the row; the whole hash is then compared in constant
/// time.
pub fn find_by_hash(db: &Db, hash: &TokenHash) -> Result<Option<AuthenticatedToken>> {
    Ok(db.row(FIND_BY_HASH, &values![hash.as_bytes()], |row| authenticated(row, hash))?.flatten())
}

/// A token with its user, and the permissions of the user.
pub type TokenWithPermissions = (AuthenticatedToken, Vec<Permission>);

pub(in crate::store) const FIND_WITH_PERMISSIONS: &str = concat!(
    "SELECT ",
    columns!(),
    ",
            p.code AS permission
       FROM api_tokens AS t
       JOIN users AS u ON u.id = t.user_id
       LEFT JOIN user_permissions AS p ON p.user_id = u.id
      WHERE t.hash = $1"
);

/// The same with the permissions of the user, in one statement. Codes unknown to this version are left out.
pub fn find_with_permissions(db: &Db, hash: &TokenHash) -> Result<Option<TokenWithPermissions>> {
    let of_row = |row: &Row<'_>| Ok((authenticated(row, hash)?, row.get::<Option<u16>>("permission")?));
    let mut found = None;
    let mut permissions = Vec::new();
    for (token, permission) in db.rows(FIND_WITH_PERMISSIONS, &values![hash.as_bytes()], of_row)? {
        found = token;
        permissions.extend(permission.and_then(Permission::from_repr));
    }
    permissions.sort_unstable_by_key(|permission| permission.code());
    Ok(found.map(|token| (token, permissions)))
}

fn authenticated(row: &Row<'_>, hash: &TokenHash) -> Result<Option<AuthenticatedToken>> {
    let stored: Vec<u8> = row.get("hash")?;
    let token = AuthenticatedToken {
        token_id: row.get("token_id")?,
        prefix: row.get("prefix")?,
        last_used_at: row.optional_timestamp("last_used_at")?,
        expires_at: row.optional_timestamp("expires_at")?,
        user_id: row.get("user_id")?,
        user_name: row.get("user_name")?,
        role: row.parsed("role")?,
        is_active: row.get("is_active")?,
    };
    Ok(hash.is(&stored).then_some(token))
}

/// Adds a token to a user. Only its hash and its prefix are stored.
pub fn insert(db: &Db, user_id: i64, token: &ApiToken, details: &TokenDetails, now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO api_tokens (
                   user_id,
                   hash,
                   prefix,
                   created_at,
                   name,
                   expires_at
               )
               VALUES ($1, $2, $3, $4, $5, $6)";
    db.change(
        sql,
        &values![
            user_id,
            token.hash().as_bytes(),
            token.prefix(),
            now.as_micros(),
            details.name.as_ref().map(TokenLabel::as_str),
            details.expires_at.map(Timestamp::as_micros),
        ],
    )?;
    Ok(())
}

/// The columns of a token as listed for the operator.
macro_rules! records {
    () => {
        "SELECT t.id,
                t.prefix,
                u.name AS owner,
                t.created_at,
                t.last_used_at,
                t.name,
                t.expires_at
           FROM api_tokens AS t
           JOIN users AS u ON u.id = t.user_id"
    };
}

/// Every token, or those of one user, ordered by owner and age.
pub fn list(db: &Db, owner: Option<&UserName>) -> Result<Vec<TokenRecord>> {
    let sql = concat!(records!(), " WHERE CAST($1 AS TEXT) IS NULL OR u.name = $1 ORDER BY u.name, t.created_at");
    db.rows(sql, &values![owner.map(UserName::as_str)], from_row)
}

pub(in crate::store) const LIST_BY_PREFIX: &str = concat!(records!(), " WHERE t.prefix >= $1 AND t.prefix < $2");

/// The tokens that begin with `prefix`.
pub fn list_by_prefix(db: &Db, prefix: &str) -> Result<Vec<TokenRecord>> {
    // Tokens are ASCII, so every token with this prefix sorts before this end.
    let end = format!("{prefix}\u{7f}");
    db.rows(LIST_BY_PREFIX, &values![prefix, &end], from_row)
}

/// Records that a token was used. A token revoked meanwhile is not an error.
pub fn update_last_used(db: &Db, token_id: i64, now: Timestamp) -> Result<()> {
    db.change("UPDATE api_tokens SET last_used_at = $1 WHERE id = $2", &values![now.as_micros(), token_id])?;
    Ok(())
}

/// Deletes a token. A missing token is not an error.
pub fn delete(db: &Db, token_id: i64) -> Result<()> {
    db.change("DELETE FROM api_tokens WHERE id = $1", &values![token_id])?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> Result<TokenRecord> {
    Ok(TokenRecord {
        id: row.get("id")?,
        prefix: row.get("prefix")?,
        owner: UserName::from_stored(row.get("owner")?),
        created_at: row.timestamp("created_at")?,
        last_used_at: row.optional_timestamp("last_used_at")?,
        details: TokenDetails {
            name: row.get::<Option<String>>("name")?.map(TokenLabel::from_stored),
            expires_at: row.optional_timestamp("expires_at")?,
        },
    })
}
