//! Users, their permissions and tokens: what the operator does from the command line. Whoever may open the database file
//! may do all of it, so there is no caller to check.

use crate::domain::timestamp::Timestamp;
use crate::domain::token::{ApiToken, TokenRecord};
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
            if users::find_by_name(db, &name)?.is_some() {
                return Err(refused(format!("there is a user {name} already")));
            }
            insert_user(db, &name, role, &permissions, &token, now)
        })
        .await
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

/// Lets a user do more; refused where there is no such user.
pub async fn grant(store: &Store, name: UserName, permissions: Vec<Permission>) -> Result<()> {
    store
        .write(move |db| {
            let user = existing(db, &name)?;
            permissions.iter().try_for_each(|permission| users::insert_permission(db, user.id, *permission))
        })
        .await
}

/// Lets a user do less; what it might not do before is no error.
pub async fn revoke(store: &Store, name: UserName, permissions: Vec<Permission>) -> Result<()> {
    store
        .write(move |db| {
            let user = existing(db, &name)?;
            permissions.iter().try_for_each(|permission| users::delete_permission(db, user.id, *permission))
        })
        .await
}

/// Disables or enables a user; its tokens stay and are refused while it is disabled.
pub async fn set_active(store: &Store, name: UserName, is_active: bool) -> Result<()> {
    store.write(move |db| users::update_active(db, existing(db, &name)?.id, is_active)).await
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

/// Deletes the one token that begins so, or is this one, whole; refused where that names none or several.
pub async fn revoke_token(store: &Store, named: String) -> Result<TokenRecord> {
    let prefix = ApiToken::presented(&named).map_or(named, |token| token.prefix().to_owned());
    store
        .write(move |db| {
            let named = tokens::list_by_prefix(db, &prefix)?;
            match named.as_slice() {
                [token] => tokens::delete(db, token.id).map(|()| token.clone()),
                [] => Err(refused("no token is listed under this prefix; `otpd token list` shows them")),
                several => Err(refused(format!("{} tokens begin so; give more of the one to revoke", several.len()))),
            }
        })
        .await
}

fn existing(db: &Db, name: &UserName) -> Result<User> {
    users::find_by_name(db, name)?
        .ok_or_else(|| refused(format!("there is no user {name}; `otpd user list` shows who there is")))
}

fn refused(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Kind::Invalid, why)
}
