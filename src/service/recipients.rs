//! Resets recipients after too many failed attempts or messages.

use std::sync::Arc;

use crate::domain::audit::{Action, NewEvent, Origin};
use crate::domain::caller::Caller;
use crate::domain::limit::Event;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::service::Service;
use crate::store::{Db, Store, Subject, audit_events, limit_events, recipients};

impl Service {
    /// Resets the consecutive failures and the limits of a recipient.
    pub async fn reset_recipient(&self, caller: &Caller, recipient: Recipient) -> Result<()> {
        self.write(caller, move |db, call| forget(db, &recipient, &call.origin, call.now())).await.map(drop)
    }
}

/// Resets a recipient from the command line, which needs no token. Returns whether there was anything to reset.
pub async fn reset(store: &Store, origin: Arc<Origin>, recipient: Recipient, now: Timestamp) -> Result<bool> {
    store.write(move |db| forget(db, &recipient, &origin, now)).await
}

/// Deletes the consecutive failures and the limit events of a recipient. Returns whether there was anything to delete.
fn forget(db: &Db, recipient: &Recipient, origin: &Origin, now: Timestamp) -> Result<bool> {
    db.hold(Subject::Recipient(recipient))?;
    let failures = recipients::consecutive_failures(db, recipient)?;
    let mut forgotten = failures > 0;
    recipients::delete_failures(db, recipient)?;
    for event in Event::OF_RECIPIENT {
        forgotten |= limit_events::delete_of(db, event, &recipient.key())? > 0;
    }
    if forgotten {
        let event = NewEvent { recipient: Some(recipient.clone()), ..NewEvent::new(Action::RecipientReset) };
        audit_events::insert(db, origin, &event.with("consecutive_failures", failures, 0), now)?;
    }
    Ok(forgotten)
}
