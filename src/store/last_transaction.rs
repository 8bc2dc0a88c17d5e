//! The outcome of the last transaction.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

/// When the last transaction ended, and whether it was committed. `None` before the first one and after the writer has
/// ended.
#[derive(Clone, Default)]
pub(super) struct LastTransaction(Arc<Mutex<Option<(Instant, bool)>>>);

impl LastTransaction {
    pub(super) fn note(&self, committed: bool) {
        self.set(Some((Instant::now(), committed)));
    }

    pub(super) fn set(&self, outcome: Option<(Instant, bool)>) {
        *self.0.lock() = outcome;
    }

    pub(super) fn get(&self) -> Option<(Instant, bool)> {
        *self.0.lock()
    }

    /// Whether the last transaction failed to commit, for example because the disk is full.
    pub(super) fn has_failed(&self) -> bool {
        self.get().is_some_and(|(_, committed)| !committed)
    }
}
