//! Unlocks recipients after too many failed attempts or messages.

use crate::domain::limit::Event;
use crate::domain::recipient::Recipient;
use crate::domain::user::Caller;
use crate::error::Result;
use crate::service::Service;
use crate::store::{Db, Store, limit_events, recipients};

impl Service {
    /// Unlocks a recipient.
    pub async fn reset_recipient(&self, caller: &Caller, recipient: Recipient) -> Result<()> {
        self.write(caller, move |db, _| forget(db, &recipient)).await.map(drop)
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
