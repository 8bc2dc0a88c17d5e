//! The caller and the time of a change.

use std::sync::Arc;

use crate::domain::audit::{NewEvent, Origin};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::{Db, audit_events};

/// The caller and the time of a change.
pub(super) struct Call {
    pub(super) now: Timestamp,
    pub(super) token_id: i64,
    pub(super) user_id: i64,
    pub(super) origin: Arc<Origin>,
}

impl Call {
    /// Records an event in the audit trail.
    pub(super) fn record(&self, db: &Db, event: &NewEvent) -> Result<()> {
        audit_events::insert(db, &self.origin, event, self.now)
    }
}
