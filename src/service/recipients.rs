//! Unlocks recipients after too many failed attempts or messages.

use crate::domain::limit::Event;
use crate::domain::recipient::Recipient;
use crate::domain::token::ApiToken;
use crate::domain::user::Permission;
use crate::error::Result;
use crate::service::{Call, Service};
use crate::store::{Db, Store, limit_events, recipients};

impl Service {
    /// Unlocks a recipient, for a caller who may update codes.
    pub async fn reset_recipient(&self, token: ApiToken, recipient: Result<Recipient>) -> Result<()> {
        let reset = |db: &Db, _: &Call, recipient: &Recipient| forget(db, recipient);
        self.write_checked(token, Permission::UpdateOtp, recipient, reset).await.map(drop)
    }
}

/// The same for the command line, which needs no token; whether there was anything to forget.
pub async fn reset(store: &Store, recipient: Recipient) -> Result<bool> {
    store.write(move |db| forget(db, &recipient)).await
}

/// Forgets the consecutive failures and what the limits of the recipient count; whether there was anything to forget.
fn forget(db: &Db, recipient: &Recipient) -> Result<bool> {
    let mut forgotten = recipients::forget_failures(db, recipient)?;
    for event in Event::OF_RECIPIENT {
        forgotten |= limit_events::delete_of(db, event, &recipient.key())? > 0;
    }
    Ok(forgotten)
}
