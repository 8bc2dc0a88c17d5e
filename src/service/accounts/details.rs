//! What the console shows of users, and its changes of them.

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use crate::domain::caller::Caller;
use crate::domain::sent_form::SentForm;
use crate::domain::token::ApiToken;
use crate::domain::token_details::{TokenDetails, TokenRecord};
use crate::domain::user::{Permission, Role, User, UserName};
use crate::error::{Error, Kind, Result};
use crate::service::Service;
use crate::service::accounts::Accounts;
use crate::service::accounts::admins::require_other_admin;
use crate::store::{Db, tokens, users};

/// A user with its permissions and tokens.
#[derive(Clone, Debug)]
pub struct UserDetails {
    pub user: User,
    pub permissions: Vec<Permission>,
    pub tokens: Vec<TokenRecord>,
    /// Whether the user can neither be disabled nor removed nor lose its role.
    pub is_last_admin: bool,
}

impl UserDetails {
    fn of(db: &Db, user: User) -> Result<Self> {
        let is_last_admin = match require_other_admin(db, &user) {
            Ok(()) => false,
            Err(error) if error.kind() == Kind::Invalid => true,
            Err(error) => return Err(error),
        };
        let (permissions, tokens) = (users::list_permissions(db, user.id)?, tokens::list(db, Some(&user.name))?);
        Ok(Self { user, permissions, tokens, is_last_admin })
    }
}

impl Service {
    /// The management of users on behalf of a caller, who must be an admin.
    pub fn accounts(&self, caller: &Caller) -> Accounts<'_> {
        Accounts::new(&self.store, std::sync::Arc::clone(&caller.origin), self.now())
    }

    /// Returns all users, sorted by name.
    pub async fn list_users(&self) -> Result<Vec<UserDetails>> {
        let list = |db: &Db| users::list(db)?.into_iter().map(|user| UserDetails::of(db, user)).collect();
        self.store.read(list).await
    }

    /// Returns a user.
    ///
    /// # Errors
    /// `NotFound` if there is no such user.
    pub async fn find_user(&self, name: UserName) -> Result<UserDetails> {
        let missing = || Error::new(Kind::NotFound, "There is no such user.");
        let find = move |db: &Db| UserDetails::of(db, users::find_by_name(db, &name)?.ok_or_else(missing)?);
        self.store.read(find).await
    }

    /// Adds a user and returns its first token.
    ///
    /// # Errors
    /// `Invalid` if the name is taken, `Conflict` if the form took effect before.
    pub async fn add_user(
        &self,
        caller: &Caller,
        name: UserName,
        role: Role,
        permissions: Vec<Permission>,
        form: Option<SentForm>,
    ) -> Result<ApiToken> {
        let token = ApiToken::generate(&mut UnwrapErr(SysRng));
        self.accounts(caller).of_form(form).add_user(name, role, permissions, token.clone()).await?;
        Ok(token)
    }

    /// Adds a token to a user and returns it.
    ///
    /// # Errors
    /// `Invalid` if there is no such user, `Conflict` if the form took effect before.
    pub async fn add_token(
        &self,
        caller: &Caller,
        name: UserName,
        details: TokenDetails,
        form: Option<SentForm>,
    ) -> Result<ApiToken> {
        let token = ApiToken::generate(&mut UnwrapErr(SysRng));
        self.accounts(caller).of_form(form).add_token(name, token.clone(), details).await?;
        Ok(token)
    }
}
