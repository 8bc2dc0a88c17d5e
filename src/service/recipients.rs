//! Resets recipients after too many failed attempts or messages.

use crate::domain::limit::Event;
use crate::domain::recipient::Recipient;
use crate::domain::user::Caller;
use crate::error::Result;
use crate::service::Service;
use crate::store::{Db, Store, limit_events, recipients};

impl Service {
    /// Resets the consecutive failures and the limits of a recipient.
    pub async fn reset_recipient(&self, caller: &Caller, recipient: Recipient) -> Result<()> {
        self.write(caller, move |db, _| forget(db, &recipient)).await.map(drop)
    }
}

/// Resets a recipient from the command line, which needs no token. Returns whether there was anything to reset.
pub async fn reset(store: &Store, recipient: Recipient) -> Result<bool> {
    store.write(move |db| forget(db, &recipient)).await
}

/// Deletes the consecutive failures and the limit events of a recipient. Returns whether there was anything to delete.
fn forget(db: &Db, recipient: &Recipient) -> Result<bool> {
    let mut forgotten = recipients::delete_failures(db, recipient)?;
    for event in Event::OF_RECIPIENT {
        forgotten |= limit_events::delete_of(db, event, &recipient.key())? > 0;
    }
    Ok(forgotten)
}
