//! The outbox: of several processes on one database one delivers what is queued, and another takes over when it ends.

use std::pin::pin;
use std::time::Duration;

use futures_util::future;
use tokio::sync::{Notify, watch};

use crate::domain::message::Channel;
use crate::service::Service;
use crate::service::channel_worker::ChannelWorker;
use crate::store::OutboxLock;

/// The wait before what failed on this side is tried again.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Told when a message is queued.
#[derive(Default)]
pub(super) struct Queued {
    sms: Notify,
    email: Notify,
}

impl Queued {
    pub(super) fn for_channel(&self, channel: Channel) -> &Notify {
        match channel {
            Channel::Sms => &self.sms,
            Channel::Email => &self.email,
        }
    }
}

impl Service {
    /// Delivers what is queued, until `stop` becomes true; then what is under way is finished. Each channel has a worker of
    /// its own: where one's providers are slow, the messages of the other do not wait.
    ///
    /// Only the process that holds the lock delivers. If the lock or the database is taken away, the workers end, and begin
    /// again once the lock is held again.
    pub async fn deliver(self, stop: watch::Receiver<bool>) {
        loop {
            let lock = tokio::select! {
                lock = self.own_outbox() => lock,
                () = stopped(stop.clone()) => return,
            };
            let (halt, halted) = watch::channel(false);
            let worker = |channel| ChannelWorker::new(self.clone(), channel).deliver(halted.clone());
            let mut workers = pin!(future::join(worker(Channel::Sms), worker(Channel::Email)));
            tokio::select! {
                _ = &mut workers => return,
                () = stopped(stop.clone()) => {}
                () = lost(&lock) => {}
            }
            halt.send_replace(true);
            workers.await;
        }
    }

    /// Waits until this process may deliver and no other does.
    async fn own_outbox(&self) -> OutboxLock {
        loop {
            if let Some(lock) = self.store.try_own_outbox() {
                return lock;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Waits until this process may not deliver any more.
async fn lost(lock: &OutboxLock) {
    while lock.is_valid() {
        tokio::time::sleep(PAUSE).await;
    }
}

pub(super) async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that no sender is left.
    let _ = stop.wait_for(|stop| *stop).await;
}
