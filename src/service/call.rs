//! The caller and the time of a change.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::domain::audit::{NewEvent, Origin};
use crate::domain::caller::Caller;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::service::source::Clock;
use crate::store::{Db, audit_events};

/// The caller and the time of a change.
pub(super) struct Call {
    clock: Clock,
    now: OnceCell<Timestamp>,
    pub(super) token_id: i64,
    pub(super) user_id: i64,
    pub(super) origin: Arc<Origin>,
}

impl Call {
    pub(super) fn new(clock: &Clock, caller: &Caller) -> Self {
        let Caller { token_id, user_id, origin, .. } = caller;
        let (clock, origin) = (Arc::clone(clock), Arc::clone(origin));
        Self { clock, now: OnceCell::new(), token_id: *token_id, user_id: *user_id, origin }
    }

    /// The time of the change. The first call reads the clock, and later calls return the same time. Call it after the
    /// rows are locked if the time must not be earlier than the times that other changes of these rows stored.
    pub(super) fn now(&self) -> Timestamp {
        *self.now.get_or_init(|| (self.clock)())
    }

    /// Records an event in the audit trail.
    pub(super) fn record(&self, db: &Db, event: &NewEvent) -> Result<()> {
        audit_events::insert(db, &self.origin, event, self.now())
    }
}
