//! Management of the API tokens of users.

use serde_json::Value;

use crate::domain::audit::{Action, NewEvent};
use crate::domain::token::{ApiToken, TokenName};
use crate::domain::token_details::{TokenDetails, TokenRecord};
use crate::domain::user::UserName;
use crate::error::Result;
use crate::service::accounts::{Accounts, existing, refused};
use crate::store::{Db, Store, tokens};

impl Accounts<'_> {
    /// Adds a token to a user.
    ///
    /// # Errors
    /// `Invalid` if there is no such user.
    pub async fn add_token(&self, name: UserName, token: ApiToken, details: TokenDetails) -> Result<()> {
        let now = self.now;
        self.write(move |db| {
            tokens::insert(db, existing(db, &name)?.id, &token, &details, now)?;
            let mut event = NewEvent::about_user(Action::TokenAdd, &name).with("token", Value::Null, token.prefix());
            if let Some(name) = &details.name {
                event = event.with("name", Value::Null, name.as_str());
            }
            if let Some(expires_at) = details.expires_at {
                event = event.with("expires_at", Value::Null, expires_at.to_string());
            }
            Ok(((), Some(event)))
        })
        .await
    }

    /// Deletes a token and returns its record.
    ///
    /// # Errors
    /// `Invalid` if there is no such token or if several tokens have the prefix.
    pub async fn revoke_token(&self, name: TokenName) -> Result<TokenRecord> {
        self.write(move |db| {
            let token = find_token(db, &name)?;
            tokens::delete(db, token.id)?;
            let event = NewEvent::about_user(Action::TokenRevoke, &token.owner);
            let event = event.with("token", token.prefix.as_str(), Value::Null);
            Ok((token, Some(event)))
        })
        .await
    }
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

fn find_token(db: &Db, name: &TokenName) -> Result<TokenRecord> {
    let named = match name {
        TokenName::Prefix(prefix) => tokens::list_by_prefix(db, prefix)?,
        TokenName::Whole(token) => {
            let id = tokens::find_by_hash(db, &token.hash())?.map(|found| found.token_id);
            let mut alike = tokens::list_by_prefix(db, token.prefix())?;
            alike.retain(|record| Some(record.id) == id);
            alike
        }
    };
    match (named.as_slice(), name) {
        ([token], _) => Ok(token.clone()),
        ([], TokenName::Prefix(_)) => Err(refused("no token has this prefix; `otpd token list` lists the tokens")),
        ([], TokenName::Whole(_)) => Err(refused("the token does not exist; `otpd token list` lists the tokens")),
        (several, _) => Err(refused(format!("{} tokens have this prefix; give the complete token", several.len()))),
    }
}
