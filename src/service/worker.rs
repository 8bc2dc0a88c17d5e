//! The loop of a worker: it claims items, delivers several at the same time, and waits for new ones.

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::service::waiting::stopped;
use crate::store::Store;

/// Returns the poll interval for items queued by another process. On a shared database, other hosts queue many of the
/// items.
pub(super) fn poll_interval(store: &Store) -> Duration {
    if store.is_shared() { Duration::from_millis(500) } else { Duration::from_secs(5) }
}

/// A worker that delivers the items of a queue.
pub(super) trait Worker: Clone + Send + Sync + 'static {
    type Item: Send + 'static;

    /// Returns the poll interval.
    fn poll_interval(&self) -> Duration;

    /// Returns the maximum number of items in flight.
    fn at_once(&self) -> usize;

    /// Returns the notification that an item was queued.
    fn queued(&self) -> &Notify;

    /// Returns the id of an item.
    fn id(item: &Self::Item) -> i64;

    /// Claims due items. Returns them with the time until the next poll. `held` contains the ids of the items in flight.
    fn claim(&self, held: Vec<i64>) -> impl Future<Output = (Vec<Self::Item>, Duration)> + Send;

    /// Delivers an item and stores the result.
    fn deliver_one(self, item: Self::Item, stop: watch::Receiver<bool>) -> impl Future<Output = ()> + Send + 'static;
}

/// Delivers items until `stop` becomes true. Items in flight are finished before it returns.
pub(super) async fn run<W: Worker>(worker: &W, stop: watch::Receiver<bool>) {
    let mut stopped = pin!(stopped(stop.clone()));
    let (mut in_flight, mut held) = (JoinSet::new(), HashMap::new());
    let mut stopping = false;
    loop {
        let mut pause = worker.poll_interval();
        if !stopping && held.len() < worker.at_once() {
            let (claimed, next) = worker.claim(held.values().copied().collect()).await;
            for item in claimed {
                let id = W::id(&item);
                let task = in_flight.spawn(worker.clone().deliver_one(item, stop.clone()));
                held.insert(task.id(), id);
            }
            pause = next.min(worker.poll_interval());
        }
        tokio::select! {
            Some(ended) = in_flight.join_next_with_id() => {
                held.remove(&ended.map_or_else(|panicked| panicked.id(), |(id, ())| id));
            }
            () = worker.queued().notified(), if !stopping => {}
            () = tokio::time::sleep(pause), if !stopping => {}
            () = &mut stopped, if !stopping => stopping = true,
            else => return,
        }
    }
}
