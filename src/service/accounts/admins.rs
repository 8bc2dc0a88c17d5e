//! Changes that must not take away the last active admin: removal, roles and disabling in the console.

use serde_json::Value;

use crate::domain::audit::{Action, NewEvent};
use crate::domain::user::{Role, User, UserName};
use crate::error::Result;
use crate::service::accounts::{Accounts, activate, codes, existing, refused};
use crate::store::{Db, sessions, sign_in_links, tokens, users};

impl Accounts<'_> {
    /// Removes a user with its permissions, tokens and sessions.
    ///
    /// # Errors
    /// `Invalid` if there is no such user, or if it is the last active admin.
    pub async fn remove(&self, name: UserName) -> Result<()> {
        self.write(move |db| {
            let user = existing(db, &name)?;
            require_other_admin(db, &user)?;
            let event = removal(db, &user)?;
            users::delete(db, user.id)?;
            Ok(((), Some(event)))
        })
        .await
    }

    /// Changes the role of a user and returns the previous one. The sessions of a plain user end.
    ///
    /// # Errors
    /// `Invalid` if there is no such user, or if the last active admin would lose its role.
    pub async fn set_role(&self, name: UserName, role: Role) -> Result<Role> {
        self.write(move |db| {
            let user = existing(db, &name)?;
            if user.role == role {
                return Ok((role, None));
            }
            require_other_admin(db, &user)?;
            users::update_role(db, user.id, role)?;
            if role == Role::User {
                sessions::delete_of_user(db, user.id)?;
                sign_in_links::delete_of_user(db, user.id)?;
            }
            let event = NewEvent::about_user(Action::UserRole, &name);
            Ok((user.role, Some(event.with("role", user.role.as_str(), role.as_str()))))
        })
        .await
    }

    /// Disables a user, unless it is the last active admin. Returns whether the state changed. The command
    /// `user disable` uses [`Accounts::set_active`], which has no such condition.
    ///
    /// # Errors
    /// `Invalid` if there is no such user, or if it is the last active admin.
    pub async fn disable_unless_last_admin(&self, name: UserName) -> Result<bool> {
        self.write(move |db| {
            let user = existing(db, &name)?;
            require_other_admin(db, &user)?;
            activate(db, &user, false)
        })
        .await
    }

    /// Requires that an admin is active without this user. A page can show in advance what
    /// [`Accounts::disable_unless_last_admin`] and [`Accounts::remove`] would refuse.
    ///
    /// # Errors
    /// `Invalid` if there is no such user, or if it is the last active admin.
    pub async fn require_other_admin(&self, name: UserName) -> Result<()> {
        self.store.read(move |db| require_other_admin(db, &existing(db, &name)?)).await
    }
}

pub(super) fn require_other_admin(db: &Db, user: &User) -> Result<()> {
    let is_active_admin = |user: &User| user.role == Role::Admin && user.is_active;
    if !is_active_admin(user) || users::list(db)?.iter().any(|other| other.id != user.id && is_active_admin(other)) {
        return Ok(());
    }
    Err(refused(format!(
        "user {} is the last active admin; `otpd user role NAME admin` makes another user one",
        user.name
    )))
}

fn removal(db: &Db, user: &User) -> Result<NewEvent> {
    let prefixes: Value = tokens::list(db, Some(&user.name))?.into_iter().map(|token| token.prefix).collect();
    Ok(NewEvent::new(Action::UserRemove)
        .with("user", user.name.as_str(), Value::Null)
        .with("role", user.role.as_str(), Value::Null)
        .with("permissions", codes(&users::list_permissions(db, user.id)?), Value::Null)
        .with("tokens", prefixes, Value::Null))
}
