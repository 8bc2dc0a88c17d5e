//! The verified shares that are kept in memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::figures::shares::Shares;

#[derive(Default)]
pub(super) struct RecentShares {
    pub(super) known: Mutex<Option<Arc<Shares>>>,
    /// The hours that [`Service::new_collapses`](crate::service::Service::new_collapses) has returned.
    pub(super) reported: Mutex<BTreeSet<i64>>,
}
