//! The development inbox: messages that are stored instead of being sent.

use std::sync::Arc;

use crate::delivery::Keep;
use crate::domain::inbox::InboxMessage;
use crate::error::{Error, Kind, Result};
use crate::service::{Clock, Service};
use crate::store::{Store, inbox};

/// Maximum number of messages in one list.
const SHOWN: i64 = 100;

impl Service {
    /// Returns the newest messages with an id greater than `after`.
    ///
    /// # Errors
    /// `NotFound` if the development inbox is not configured.
    pub async fn list_inbox(&self, after: i64) -> Result<Vec<InboxMessage>> {
        if !self.delivery.has_inbox {
            return Err(Error::new(Kind::NotFound, "Not found."));
        }
        list(&self.store, after).await
    }
}

/// Returns the newest messages with an id greater than `after`. For the command line, which needs no token.
pub async fn list(store: &Store, after: i64) -> Result<Vec<InboxMessage>> {
    store.read(move |db| inbox::list_after(db, after, SHOWN)).await
}

/// Returns the function that stores messages for the development provider.
pub fn keeper(store: Store, clock: Clock) -> Keep {
    Arc::new(move |message| {
        let (store, clock) = (store.clone(), Arc::clone(&clock));
        Box::pin(async move { store.write(move |db| inbox::insert(db, &message, clock())).await })
    })
}
