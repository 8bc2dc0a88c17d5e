//! Tables `users` and `user_permissions`.

use crate::domain::timestamp::Timestamp;
use crate::domain::user::{Permission, Role, User, UserName};
use crate::error::Result;
use crate::store::db::Db;
use crate::store::row::Row;
use crate::values;

pub(in crate::store) const FIND_BY_NAME: &str = "
    SELECT id,
           name,
           role,
           is_active
      FROM users
     WHERE name = $1";

/// The user with this name, if there is one.
pub fn find_by_name(db: &Db, name: &UserName) -> Result<Option<User>> {
    db.row(FIND_BY_NAME, &values![name.as_str()], from_row)
}

/// Every user, ordered by name.
pub fn list(db: &Db) -> Result<Vec<User>> {
    db.rows("SELECT id, name, role, is_active FROM users ORDER BY name", &values![], from_row)
}

/// Whether any user exists.
pub fn any(db: &Db) -> Result<bool> {
    db.exists("SELECT 1 FROM users LIMIT 1", &values![])
}

/// Adds an active user without permissions. Returns the new id.
pub fn insert(db: &Db, name: &UserName, role: Role, now: Timestamp) -> Result<i64> {
    db.insert(
        "INSERT INTO users (name, role, created_at) VALUES ($1, $2, $3)",
        &values![name.as_str(), role.as_str(), now.as_micros()],
    )
}

/// Deletes a user with everything that belongs to it.
pub fn delete(db: &Db, user_id: i64) -> Result<()> {
    db.change("DELETE FROM users WHERE id = $1", &values![user_id])?;
    Ok(())
}

/// Changes the role of a user.
pub fn update_role(db: &Db, user_id: i64, role: Role) -> Result<()> {
    db.change("UPDATE users SET role = $1 WHERE id = $2", &values![role.as_str(), user_id])?;
    Ok(())
}

/// Disables or enables a user.
pub fn update_active(db: &Db, user_id: i64, is_active: bool) -> Result<()> {
    db.change("UPDATE users SET is_active = $1 WHERE id = $2", &values![is_active, user_id])?;
    Ok(())
}

pub(in crate::store) const LIST_PERMISSIONS: &str =
    "SELECT code FROM user_permissions WHERE user_id = $1 ORDER BY code";

/// The permissions of a user. Codes unknown to this version are left out.
pub fn list_permissions(db: &Db, user_id: i64) -> Result<Vec<Permission>> {
    let codes = db.rows(LIST_PERMISSIONS, &values![user_id], |row| row.get::<u16>("code"))?;
    Ok(codes.into_iter().filter_map(Permission::from_repr).collect())
}

/// Grants a permission. A permission that the user already has is not an error.
pub fn insert_permission(db: &Db, user_id: i64, permission: Permission) -> Result<()> {
    db.change(
        "INSERT INTO user_permissions (user_id, code) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        &values![user_id, permission.code()],
    )?;
    Ok(())
}

/// Revokes a permission. A permission that the user does not have is not an error.
pub fn delete_permission(db: &Db, user_id: i64, permission: Permission) -> Result<()> {
    db.change("DELETE FROM user_permissions WHERE user_id = $1 AND code = $2", &values![user_id, permission.code()])?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> Result<User> {
    Ok(User {
        id: row.get("id")?,
        name: UserName::from_stored(row.get("name")?),
        role: row.parsed("role")?,
        is_active: row.get("is_active")?,
    })
}
