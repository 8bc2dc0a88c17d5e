//! Requests in progress, by idempotency key.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::idempotency::IdempotencyKey;
use crate::error::{Error, Kind, Result};

/// Requests in progress that have an idempotency key. A repetition of such a request is rejected instead of waiting for
/// it.
#[derive(Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<HashSet<(i64, IdempotencyKey)>>>);

/// Removes its request from the list when dropped.
pub(super) struct InFlightRequest {
    list: InFlight,
    /// The id of the token and the idempotency key.
    entry: (i64, IdempotencyKey),
}

impl InFlight {
    pub(super) fn enter(&self, token_id: i64, key: IdempotencyKey) -> Result<InFlightRequest> {
        let entry = (token_id, key);
        if self.0.lock().insert(entry) {
            return Ok(InFlightRequest { list: self.clone(), entry });
        }
        Err(Error::new(Kind::Conflict, "A request with this Idempotency-Key is being processed."))
    }
}

impl Drop for InFlightRequest {
    fn drop(&mut self) {
        self.list.0.lock().remove(&self.entry);
    }
}
