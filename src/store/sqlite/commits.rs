//! The number of commits of this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A counter that the writer shares with the readers. It changes after a commit and before its callers are answered.
#[derive(Clone, Default)]
pub(super) struct Commits(Arc<AtomicU64>);

impl Commits {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}
