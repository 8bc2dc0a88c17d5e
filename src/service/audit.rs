//! The audit trail (`docs/api.md`, "Audit trail").

use crate::domain::audit::{AuditEvent, AuditQuery};
use crate::domain::audit_list::{AuditListQuery, AuditPage};
use crate::domain::caller::Caller;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::service::Service;
use crate::store::{Store, audit_events, audit_list, audit_pages, audit_search};

/// Maximum number of events that one read returns to a command.
const BATCH: i64 = 500;

impl Service {
    /// Returns the number of matching events and the requested page of them, newest first.
    pub async fn list_audit(&self, caller: &Caller, query: AuditQuery) -> Result<(i64, Vec<AuditEvent>)> {
        self.store.read_list(caller.token_id, move |db| audit_list::list(db, &query)).await
    }

    /// Returns a page of the list in the console.
    pub async fn audit_page(&self, caller: &Caller, query: AuditListQuery) -> Result<AuditPage> {
        self.store.read_list(caller.token_id, move |db| audit_pages::page(db, &query)).await
    }

    /// Adds the events that were recorded since the last call to the index of the audit trail, in small transactions.
    ///
    /// It ends with the first incomplete block. Under load there is always a newer event, and a transaction for each
    /// few of them would make all changes slower.
    pub async fn index_audit(&self) -> Result<()> {
        while self.store.write(audit_search::index_block).await? {}
        Ok(())
    }
}

/// Returns the id before the first event since `since`, as the start of a read.
pub async fn id_before(store: &Store, since: Timestamp) -> Result<i64> {
    store.read(move |db| audit_list::id_before(db, since)).await
}

/// Returns the next events with an id above `after`, oldest first. Empty: there are none at present.
pub async fn next_events(store: &Store, after: i64) -> Result<Vec<AuditEvent>> {
    store.read(move |db| audit_events::list_after(db, after, BATCH)).await
}
