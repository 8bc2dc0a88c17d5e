//! The look-up of a request's token.

use crate::domain::token::TokenHash;
use crate::error::Result;
use crate::store::tokens::TokenWithPermissions;
use crate::store::{Engine, Store};

impl Store {
    /// Returns the token with this hash, its user and the permissions of the user. A revocation takes effect with the next
    /// request, or on SQLite within a millisecond if another process made it.
    pub async fn find_token(&self, hash: TokenHash) -> Result<Option<TokenWithPermissions>> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.find_token(hash).await,
            Engine::Postgres(postgres) => postgres.find_token(hash).await,
        }
    }
}
