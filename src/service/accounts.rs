//! Management of users, permissions and tokens. Commands need only access to the database file, so no caller is checked
//! here; the console checks that its caller is an admin.

mod admins;
pub mod details;
pub mod tokens;

use std::sync::Arc;

use serde_json::Value;

use crate::domain::audit::{Action, NewEvent, Origin};
use crate::domain::sent_form::SentForm;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::ApiToken;
use crate::domain::token_details::TokenDetails;
use crate::domain::user::{Permission, Role, User, UserName};
use crate::error::{Error, Kind, Result};
use crate::store::{self, Db, Store, Subject, audit_events, sent_forms, sessions, sign_in_links, users};

/// The users of a store, managed on behalf of one actor. Each change is recorded in the audit trail.
pub struct Accounts<'a> {
    store: &'a Store,
    origin: Arc<Origin>,
    now: Timestamp,
    form: Option<SentForm>,
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

impl<'a> Accounts<'a> {
    /// Changes are made at `now` and recorded for `origin`.
    pub fn new(store: &'a Store, origin: Arc<Origin>, now: Timestamp) -> Self {
        Self { store, origin, now, form: None }
    }

    /// The changes of a form. They fail as `Conflict` if the form took effect before.
    #[must_use]
    pub fn of_form(self, form: Option<SentForm>) -> Self {
        Self { form, ..self }
    }

    /// Runs `work` in a transaction and records the events that it returns in the same transaction.
    async fn write<T: Send + 'static, E: IntoIterator<Item = NewEvent>>(
        &self,
        work: impl Fn(&Db) -> Result<(T, E)> + Send + 'static,
    ) -> Result<T> {
        let (origin, now, form) = (Arc::clone(&self.origin), self.now, self.form);
        let record = move |db: &Db| {
            db.hold(Subject::Users)?;
            form.map_or(Ok(()), |form| sent_forms::insert(db, &form, None))?;
            let (outcome, events) = work(db)?;
            events.into_iter().try_for_each(|event| audit_events::insert(db, &origin, &event, now))?;
            Ok(outcome)
        };
        self.store.write(record).await
    }

    /// Adds a user with its first token.
    ///
    /// # Errors
    /// `Invalid` if the name is taken.
    pub async fn add_user(
        &self,
        name: UserName,
        role: Role,
        permissions: Vec<Permission>,
        token: ApiToken,
    ) -> Result<()> {
        let now = self.now;
        self.write(move |db| {
            require_free(db, &name)?;
            Ok(((), Some(insert_user(db, &name, role, &permissions, &token, now)?)))
        })
        .await
    }

    /// Requires that no user has this name.
    ///
    /// # Errors
    /// `Invalid` if the name is taken.
    pub async fn require_new_user(&self, name: UserName) -> Result<()> {
        self.store.read(move |db| require_free(db, &name)).await
    }

    /// Returns the user with this name.
    ///
    /// # Errors
    /// `Invalid` if there is no such user.
    pub async fn require_user(&self, name: UserName) -> Result<User> {
        self.store.read(move |db| existing(db, &name)).await
    }

    /// Adds the admin `admin` with this token if there are no users. Returns whether the admin was added.
    pub async fn add_first_admin(&self, token: ApiToken) -> Result<bool> {
        let now = self.now;
        self.write(move |db| {
            if users::any(db)? {
                return Ok((false, None));
            }
            Ok((true, Some(insert_user(db, &UserName::admin(), Role::Admin, &[], &token, now)?)))
        })
        .await
    }

    /// Grants permissions to a user.
    ///
    /// # Errors
    /// `Invalid` if there is no such user.
    pub async fn grant(&self, name: UserName, permissions: Vec<Permission>) -> Result<PermissionChange> {
        self.change_permissions(name, permissions, Action::UserGrant).await
    }

    /// Revokes permissions of a user.
    ///
    /// # Errors
    /// `Invalid` if there is no such user.
    pub async fn revoke(&self, name: UserName, permissions: Vec<Permission>) -> Result<PermissionChange> {
        self.change_permissions(name, permissions, Action::UserRevoke).await
    }

    async fn change_permissions(
        &self,
        name: UserName,
        permissions: Vec<Permission>,
        action: Action,
    ) -> Result<PermissionChange> {
        self.write(move |db| apply_permissions(db, &existing(db, &name)?, &permissions, action)).await
    }

    /// Grants and revokes permissions so that the user has exactly these.
    ///
    /// # Errors
    /// `Invalid` if there is no such user.
    pub async fn set_permissions(&self, name: UserName, permissions: Vec<Permission>) -> Result<()> {
        self.write(move |db| {
            let user = existing(db, &name)?;
            let is_other = |permission: &Permission| !permissions.contains(permission);
            let others: Vec<Permission> = Permission::ALL.iter().copied().filter(is_other).collect();
            let (_, revoked) = apply_permissions(db, &user, &others, Action::UserRevoke)?;
            let (_, granted) = apply_permissions(db, &user, &permissions, Action::UserGrant)?;
            Ok(((), revoked.into_iter().chain(granted)))
        })
        .await
    }

    /// Enables or disables a user. The tokens of a disabled user are kept but rejected; its sessions end. Returns
    /// whether the state changed.
    ///
    /// # Errors
    /// `Invalid` if there is no such user.
    pub async fn set_active(&self, name: UserName, is_active: bool) -> Result<bool> {
        self.write(move |db| activate(db, &existing(db, &name)?, is_active)).await
    }
}

/// Returns whether there is any user.
pub async fn any_user(store: &Store) -> Result<bool> {
    store.read(users::any).await
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

/// Stores a user with its permissions and its first token. Returns the event.
fn insert_user(
    db: &Db,
    name: &UserName,
    role: Role,
    permissions: &[Permission],
    token: &ApiToken,
    now: Timestamp,
) -> Result<NewEvent> {
    let user_id = users::insert(db, name, role, now)?;
    permissions.iter().try_for_each(|permission| users::insert_permission(db, user_id, *permission))?;
    store::tokens::insert(db, user_id, token, &TokenDetails::default(), now)?;
    let event = NewEvent::new(Action::UserAdd)
        .with("user", Value::Null, name.as_str())
        .with("role", Value::Null, role.as_str())
        .with("permissions", Value::Null, codes(&users::list_permissions(db, user_id)?))
        .with("token", Value::Null, token.prefix());
    Ok(event)
}

/// Enables or disables a user. Returns whether the state changed, and the event if it did.
fn activate(db: &Db, user: &User, is_active: bool) -> Result<(bool, Option<NewEvent>)> {
    users::update_active(db, user.id, is_active)?;
    if !is_active {
        sessions::delete_of_user(db, user.id)?;
        sign_in_links::delete_of_user(db, user.id)?;
    }
    let has_changed = user.is_active != is_active;
    let action = if is_active { Action::UserEnable } else { Action::UserDisable };
    let event = NewEvent::about_user(action, &user.name).with("is_active", user.is_active, is_active);
    Ok((has_changed, Some(event).filter(|_| has_changed)))
}

/// Grants or revokes permissions of a user. Returns the change, and its event if anything changed.
fn apply_permissions(
    db: &Db,
    user: &User,
    permissions: &[Permission],
    action: Action,
) -> Result<(PermissionChange, Option<NewEvent>)> {
    let grants = action == Action::UserGrant;
    let apply = if grants { users::insert_permission } else { users::delete_permission };
    let held = users::list_permissions(db, user.id)?;
    let distinct = Permission::ALL.iter().copied().filter(|permission| permissions.contains(permission));
    let (changed, unchanged): (Vec<_>, Vec<_>) = distinct.partition(|permission| held.contains(permission) != grants);
    changed.iter().try_for_each(|permission| apply(db, user.id, *permission))?;
    let event = NewEvent::about_user(action, &user.name);
    let event = event.with("permissions", codes(&held), codes(&users::list_permissions(db, user.id)?));
    let event = Some(event).filter(|_| !changed.is_empty());
    Ok((PermissionChange { role: user.role, changed, unchanged }, event))
}

fn codes(permissions: &[Permission]) -> Value {
    permissions.iter().map(|permission| permission.code()).collect()
}

fn require_free(db: &Db, name: &UserName) -> Result<()> {
    match users::find_by_name(db, name)? {
        Some(_) => Err(refused(format!("user {name} already exists"))),
        None => Ok(()),
    }
}

pub(super) fn existing(db: &Db, name: &UserName) -> Result<User> {
    users::find_by_name(db, name)?
        .ok_or_else(|| refused(format!("user {name} does not exist; `otpd user list` lists the users")))
}

fn refused(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Kind::Invalid, why)
}
