//! The users of a database, as compared by a restore. Only columns that exist in every version of the schema are read.

use rusqlite::Connection;

use std::collections::{BTreeMap, BTreeSet};

/// A user with its permissions and tokens.
pub(super) struct Account {
    pub(super) role: String,
    pub(super) is_active: bool,
    pub(super) permissions: BTreeSet<i64>,
    /// Id and prefix, by hash.
    pub(super) tokens: BTreeMap<Vec<u8>, (i64, String)>,
}

/// Users by name.
pub(super) type Accounts = BTreeMap<String, Account>;

/// Reads every user of a database.
pub(super) fn accounts(db: &Connection) -> rusqlite::Result<Accounts> {
    let mut by_id = BTreeMap::new();
    let mut users = db.prepare("SELECT id, name, role, is_active FROM users")?;
    let mut rows = users.query([])?;
    while let Some(row) = rows.next()? {
        let account = Account {
            role: row.get("role")?,
            is_active: row.get("is_active")?,
            permissions: BTreeSet::new(),
            tokens: BTreeMap::new(),
        };
        by_id.insert(row.get::<_, i64>("id")?, (row.get::<_, String>("name")?, account));
    }
    let mut permissions = db.prepare("SELECT user_id, code FROM user_permissions")?;
    let mut rows = permissions.query([])?;
    while let Some(row) = rows.next()? {
        if let Some((_, account)) = by_id.get_mut(&row.get("user_id")?) {
            account.permissions.insert(row.get("code")?);
        }
    }
    let mut tokens = db.prepare("SELECT id, user_id, hash, prefix FROM api_tokens")?;
    let mut rows = tokens.query([])?;
    while let Some(row) = rows.next()? {
        if let Some((_, account)) = by_id.get_mut(&row.get("user_id")?) {
            account.tokens.insert(row.get("hash")?, (row.get("id")?, row.get("prefix")?));
        }
    }
    Ok(by_id.into_values().collect())
}
