//! The development inbox: what would have been sent, for people who try otpd out.

use std::sync::Arc;

use crate::delivery::Keep;
use crate::domain::inbox::InboxMessage;
use crate::error::{Error, Kind, Result};
use crate::service::{Clock, Service};
use crate::store::{Store, inbox};

/// Messages that one look shows.
const SHOWN: i64 = 100;

impl Service {
    /// The newest messages after the one with this number, where there is an inbox.
    pub async fn list_inbox(&self, after: i64) -> Result<Vec<InboxMessage>> {
        if !self.delivery.has_inbox {
            return Err(Error::new(Kind::NotFound, "Not found."));
        }
        list(&self.store, after).await
    }
}

/// The same for whoever may open the database file.
pub async fn list(store: &Store, after: i64) -> Result<Vec<InboxMessage>> {
    store.read(move |db| inbox::list_after(db, after, SHOWN)).await
}

/// Where the development provider puts its messages.
pub fn keeper(store: Store, clock: Clock) -> Keep {
    Arc::new(move |message| {
        let (store, clock) = (store.clone(), Arc::clone(&clock));
        Box::pin(async move { store.write(move |db| inbox::insert(db, &message, clock())).await })
    })
}
