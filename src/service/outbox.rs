//! The outbox. Only one otpd process per database delivers messages. Another one takes over when that process ends.

use std::pin::pin;
use std::time::Duration;

use futures_util::future;
use tokio::sync::{Notify, watch};

use crate::domain::message::Channel;
use crate::service::Service;
use crate::service::channel_worker::ChannelWorker;
use crate::store::OutboxLock;

/// The wait before a failed local operation is retried.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Wakes the worker of a channel when a message is queued.
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
async fn lost(lock: &OutboxLock) {
    while lock.is_valid() {
        tokio::time::sleep(PAUSE).await;
    }
}

pub(super) async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that all senders are dropped, which also stops the receiver.
    let _ = stop.wait_for(|stop| *stop).await;
}
