//! Users, their permissions and tokens: what the operator does from the command line. Whoever may open the database file
//! may do all of it, so there is no caller to check.

use crate::domain::timestamp::Timestamp;
use crate::domain::token::{ApiToken, TokenName, TokenRecord};
use crate::domain::user::{Permission, Role, User, UserName};
use crate::error::{Error, Kind, Result};
use crate::store::{Db, Store, tokens, users};

/// Adds a user with its first token; refused if the name is taken.
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

/// Refuses a name that a user has.
pub async fn require_new_user(store: &Store, name: UserName) -> Result<()> {
    store.read(move |db| require_free(db, &name)).await
}

/// Refuses a name that no user has.
pub async fn require_user(store: &Store, name: UserName) -> Result<()> {
    store.read(move |db| existing(db, &name).map(drop)).await
}

/// Whether there is any user.
pub async fn any_user(store: &Store) -> Result<bool> {
    store.read(users::any).await
}

/// Adds the admin `admin` with this token if there is no user at all; whether it did.
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

/// Every user with what it may do, by name.
pub async fn list_users(store: &Store) -> Result<Vec<(User, Vec<Permission>)>> {
    store
        .read(|db| {
            let with_permissions = |user: User| Ok((user.clone(), users::list_permissions(db, user.id)?));
            users::list(db)?.into_iter().map(with_permissions).collect()
        })
        .await
}

/// What became of permissions that were to be granted or taken away, each of them once.
#[derive(Debug, PartialEq, Eq)]
pub struct PermissionChange {
    /// The role of the user: permissions count only for staff.
    pub role: Role,
    pub changed: Vec<Permission>,
    /// Those that the user had already, or did not have.
    pub unchanged: Vec<Permission>,
}

/// Lets a user do more; refused where there is no such user.
pub async fn grant(store: &Store, name: UserName, permissions: Vec<Permission>) -> Result<PermissionChange> {
    store
        .write(move |db| {
            let user = existing(db, &name)?;
            let held = users::list_permissions(db, user.id)?;
            let (unchanged, changed) = distinct(&permissions).partition(|permission| held.contains(permission));
            let change = PermissionChange { role: user.role, changed, unchanged };
            change.changed.iter().try_for_each(|permission| users::insert_permission(db, user.id, *permission))?;
            Ok(change)
        })
        .await
}

/// Lets a user do less; refused where there is no such user.
pub async fn revoke(store: &Store, name: UserName, permissions: Vec<Permission>) -> Result<PermissionChange> {
    store
        .write(move |db| {
            let user = existing(db, &name)?;
            let held = users::list_permissions(db, user.id)?;
            let (changed, unchanged) = distinct(&permissions).partition(|permission| held.contains(permission));
            let change = PermissionChange { role: user.role, changed, unchanged };
            change.changed.iter().try_for_each(|permission| users::delete_permission(db, user.id, *permission))?;
            Ok(change)
        })
        .await
}

fn distinct(permissions: &[Permission]) -> impl Iterator<Item = Permission> {
    Permission::ALL.into_iter().filter(|permission| permissions.contains(permission))
}

/// Disables or enables a user; its tokens stay and are refused while it is disabled. Whether that changed anything.
pub async fn set_active(store: &Store, name: UserName, is_active: bool) -> Result<bool> {
    store
        .write(move |db| {
            let user = existing(db, &name)?;
            users::update_active(db, user.id, is_active)?;
            Ok(user.is_active != is_active)
        })
        .await
}

/// Gives a user a further token.
pub async fn add_token(store: &Store, name: UserName, token: ApiToken, now: Timestamp) -> Result<()> {
    store.write(move |db| tokens::insert(db, existing(db, &name)?.id, &token, now)).await
}

/// Every token, or those of one user.
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

/// Deletes the one token of this name; refused where there is none, or where several have the prefix.
pub async fn revoke_token(store: &Store, name: TokenName) -> Result<TokenRecord> {
    store
        .write(move |db| {
            let named = match &name {
                TokenName::Prefix(prefix) => tokens::list_by_prefix(db, prefix)?,
                TokenName::Whole(token) => {
                    let id = tokens::find_by_hash(db, &token.hash())?.map(|presented| presented.token_id);
                    let mut alike = tokens::list_by_prefix(db, token.prefix())?;
                    alike.retain(|record| Some(record.id) == id);
                    alike
                }
            };
            match (named.as_slice(), &name) {
                ([token], _) => tokens::delete(db, token.id).map(|()| token.clone()),
                ([], TokenName::Prefix(_)) => {
                    Err(refused("no token is listed under this prefix; `otpd token list` shows them"))
                }
                ([], TokenName::Whole(_)) => Err(refused("there is no such token; `otpd token list` shows all")),
                (several, _) => {
                    Err(refused(format!("{} tokens have this prefix; give the whole token to revoke", several.len())))
                }
            }
        })
        .await
}

fn require_free(db: &Db, name: &UserName) -> Result<()> {
    match users::find_by_name(db, name)? {
        Some(_) => Err(refused(format!("there is a user {name} already"))),
        None => Ok(()),
    }
}

fn existing(db: &Db, name: &UserName) -> Result<User> {
    users::find_by_name(db, name)?
        .ok_or_else(|| refused(format!("there is no user {name}; `otpd user list` shows who there is")))
}

fn refused(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Kind::Invalid, why)
}
