//! Management of users, permissions and tokens from the command line. Access to the database file is sufficient, so no
//! caller is checked.

use crate::domain::timestamp::Timestamp;
use crate::domain::token::{ApiToken, TokenName, TokenRecord};
use crate::domain::user::{Permission, Role, User, UserName};
use crate::error::{Error, Kind, Result};
use crate::store::{Db, Store, tokens, users};

/// Adds a user with its first token.
///
/// # Errors
/// `Invalid` if the name is taken.
pub async fn add_user(
    store: &Store,
    name: UserName,
    role: Role,
    permissions: Vec<Permission>,
    token: ApiToken,
    now: Timestamp,
) -> Result<()> {
    store
        .write(move |db| {
            require_free(db, &name)?;
            insert_user(db, &name, role, &permissions, &token, now)
        })
        .await
}

/// Requires that no user has this name.
///
/// # Errors
/// `Invalid` if the name is taken.
pub async fn require_new_user(store: &Store, name: UserName) -> Result<()> {
    store.read(move |db| require_free(db, &name)).await
}

/// Returns the user with this name.
///
/// # Errors
/// `Invalid` if there is no such user.
pub async fn require_user(store: &Store, name: UserName) -> Result<User> {
    store.read(move |db| existing(db, &name)).await
}

/// Returns whether there is any user.
pub async fn any_user(store: &Store) -> Result<bool> {
    store.read(users::any).await
}

/// Adds the admin `admin` with this token if there are no users. Returns whether the admin was added.
pub async fn add_first_admin(store: &Store, token: ApiToken, now: Timestamp) -> Result<bool> {
    store
        .write(move |db| {
            let first = !users::any(db)?;
            if first {
                insert_user(db, &UserName::admin(), Role::Admin, &[], &token, now)?;
            }
            Ok(first)
        })
        .await
}

fn insert_user(
    db: &Db,
    name: &UserName,
    role: Role,
    permissions: &[Permission],
    token: &ApiToken,
    now: Timestamp,
) -> Result<()> {
    let user_id = users::insert(db, name, role, now)?;
    for permission in permissions {
        users::insert_permission(db, user_id, *permission)?;
    }
    tokens::insert(db, user_id, token, now)
}

/// Returns all users with their permissions, sorted by name.
pub async fn list_users(store: &Store) -> Result<Vec<(User, Vec<Permission>)>> {
    store
        .read(|db| {
            let with_permissions = |user: User| Ok((user.clone(), users::list_permissions(db, user.id)?));
            users::list(db)?.into_iter().map(with_permissions).collect()
        })
        .await
}

/// The result of granting or revoking permissions. Each permission is listed once.
#[derive(Debug, PartialEq, Eq)]
pub struct PermissionChange {
    /// The role of the user. Permissions apply only to staff.
    pub role: Role,
    pub changed: Vec<Permission>,
    /// Permissions that the user already had (grant) or did not have (revoke).
    pub unchanged: Vec<Permission>,
}

/// Grants permissions to a user.
///
/// # Errors
/// `Invalid` if there is no such user.
pub async fn grant(store: &Store, name: UserName, permissions: Vec<Permission>) -> Result<PermissionChange> {
    change(store, name, permissions, true).await
}

/// Revokes permissions of a user.
///
/// # Errors
/// `Invalid` if there is no such user.
pub async fn revoke(store: &Store, name: UserName, permissions: Vec<Permission>) -> Result<PermissionChange> {
    change(store, name, permissions, false).await
}

async fn change(store: &Store, name: UserName, permissions: Vec<Permission>, grants: bool) -> Result<PermissionChange> {
    let apply = if grants { users::insert_permission } else { users::delete_permission };
    let write = move |db: &Db| {
        let user = existing(db, &name)?;
        let held = users::list_permissions(db, user.id)?;
        let distinct = Permission::ALL.iter().copied().filter(|permission| permissions.contains(permission));
        let (changed, unchanged): (Vec<_>, Vec<_>) =
            distinct.partition(|permission| held.contains(permission) != grants);
        changed.iter().try_for_each(|permission| apply(db, user.id, *permission))?;
        Ok(PermissionChange { role: user.role, changed, unchanged })
    };
    store.write(write).await
}

/// Enables or disables a user. The tokens of a disabled user are kept but rejected. Returns whether the state changed.
///
/// # Errors
/// `Invalid` if there is no such user.
pub async fn set_active(store: &Store, name: UserName, is_active: bool) -> Result<bool> {
    store
        .write(move |db| {
            let user = existing(db, &name)?;
            users::update_active(db, user.id, is_active)?;
            Ok(user.is_active != is_active)
        })
        .await
}

/// Adds a token to a user.
///
/// # Errors
/// `Invalid` if there is no such user.
pub async fn add_token(store: &Store, name: UserName, token: ApiToken, now: Timestamp) -> Result<()> {
    store.write(move |db| tokens::insert(db, existing(db, &name)?.id, &token, now)).await
}

/// Returns all tokens, or the tokens of `owner`.
///
/// # Errors
/// `Invalid` if there is no such user.
pub async fn list_tokens(store: &Store, owner: Option<UserName>) -> Result<Vec<TokenRecord>> {
    store
        .read(move |db| {
            if let Some(name) = &owner {
                existing(db, name)?;
            }
            tokens::list(db, owner.as_ref())
        })
        .await
}

/// Deletes a token and returns its record.
///
/// # Errors
/// `Invalid` if there is no such token or if several tokens have the prefix.
pub async fn revoke_token(store: &Store, name: TokenName) -> Result<TokenRecord> {
    store
        .write(move |db| {
            let named = match &name {
                TokenName::Prefix(prefix) => tokens::list_by_prefix(db, prefix)?,
                TokenName::Whole(token) => {
                    let id = tokens::find_by_hash(db, &token.hash())?.map(|found| found.token_id);
                    let mut alike = tokens::list_by_prefix(db, token.prefix())?;
                    alike.retain(|record| Some(record.id) == id);
                    alike
                }
            };
            match (named.as_slice(), &name) {
                ([token], _) => tokens::delete(db, token.id).map(|()| token.clone()),
                ([], TokenName::Prefix(_)) => {
                    Err(refused("no token has this prefix; `otpd token list` lists the tokens"))
                }
                ([], TokenName::Whole(_)) => {
                    Err(refused("the token does not exist; `otpd token list` lists the tokens"))
                }
                (several, _) => {
                    Err(refused(format!("{} tokens have this prefix; give the complete token", several.len())))
                }
            }
        })
        .await
}

fn require_free(db: &Db, name: &UserName) -> Result<()> {
    match users::find_by_name(db, name)? {
        Some(_) => Err(refused(format!("user {name} already exists"))),
        None => Ok(()),
    }
}

fn existing(db: &Db, name: &UserName) -> Result<User> {
    users::find_by_name(db, name)?
        .ok_or_else(|| refused(format!("user {name} does not exist; `otpd user list` lists the users")))
}

fn refused(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Kind::Invalid, why)
}
