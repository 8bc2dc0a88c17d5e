//! The outbox. Only one otpd process per database delivers messages. Another one takes over when that process ends.

use std::pin::pin;

use futures_util::future;
use tokio::sync::watch;

use crate::domain::message::Channel;
use crate::service::Service;
use crate::service::channel_worker::ChannelWorker;
use crate::service::status_requests::StatusRequests;
use crate::service::waiting::{PAUSE, stopped};
use crate::store::OutboxLock;

impl Service {
    /// Delivers queued messages until `stop` becomes true. Messages in flight are finished before it returns. Each
    /// channel has its own worker, so slow providers of one channel do not delay the messages of the other.
    ///
    /// Only the process that holds the outbox lock delivers. The workers end if the lock or the database is lost. They
    /// start again once the process holds the lock again.
    pub async fn deliver(self, stop: watch::Receiver<bool>) {
        loop {
            let lock = tokio::select! {
                lock = self.own_outbox() => lock,
                () = stopped(stop.clone()) => return,
            };
            let (halt, halted) = watch::channel(false);
            let worker = |channel| ChannelWorker::new(self.clone(), channel).deliver(halted.clone());
            let workers = future::join_all(Channel::ALL.iter().map(|channel| worker(*channel)));
            let statuses = StatusRequests::of_all_providers(&self).into_iter().map(|one| one.run(halted.clone()));
            let mut workers = pin!(future::join(workers, future::join_all(statuses)));
            tokio::select! {
                _ = &mut workers => return,
                () = stopped(stop.clone()) => {}
                () = lock_lost(&lock) => {}
            }
            halt.send_replace(true);
            workers.await;
        }
    }

    /// Waits for the outbox lock and returns it.
    async fn own_outbox(&self) -> OutboxLock {
        loop {
            if let Some(lock) = self.store.try_own_outbox() {
                return lock;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Waits until the lock is no longer valid.
async fn lock_lost(lock: &OutboxLock) {
    while lock.is_valid() {
        tokio::time::sleep(PAUSE).await;
    }
}
