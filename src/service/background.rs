//! Updates that no request waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Result;
use crate::store::{Db, Store};

/// Runs one kind of update in the background, one at a time, so that the updates can't fill the write queue.
#[derive(Clone, Default)]
pub(super) struct Background(Arc<AtomicBool>);

/// An update in progress. Dropping it allows the next one.
struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Background {
    /// Starts an update, unless one is in progress. Returns whether it was started. If it fails, this is only logged.
    pub(super) fn start(
        &self,
        store: &Store,
        what: &'static str,
        update: impl Fn(&Db) -> Result<()> + Send + 'static,
    ) -> bool {
        if self.0.swap(true, Ordering::Relaxed) {
            return false;
        }
        let (store, running) = (store.clone(), Running(Arc::clone(&self.0)));
        tokio::spawn(async move {
            if let Err(error) = store.write(update).await {
                log::debug!("can't update {what}: {error}");
            }
            drop(running);
        });
        true
    }
}
