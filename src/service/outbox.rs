//! The outbox. Only one otpd process per database delivers messages. Another one takes over when that process ends.

use std::pin::pin;
use std::sync::Arc;

use futures_util::future;
use tokio::sync::watch;

use crate::domain::message::Channel;
use crate::service::Service;
use crate::service::channel_worker::ChannelWorker;
use crate::service::event_worker::EventWorker;
use crate::service::status_requests::StatusRequests;
use crate::service::waiting::{PAUSE, stopped};
use crate::store::OutboxRight;

impl Service {
    /// Delivers queued messages and events until `stop` becomes true. Those in flight are finished before it returns. Each
    /// channel and each endpoint has its own worker, so slow providers of one channel do not delay the messages of the
    /// other, and slow endpoints delay no other endpoint.
    ///
    /// Only the process that has the right to deliver does so. The workers end if the right or the database is lost. They
    /// start again once the process has the right again.
    pub async fn deliver(self, stop: watch::Receiver<bool>) {
        loop {
            let right = tokio::select! {
                biased;
                () = stopped(stop.clone()) => return,
                right = self.take_outbox() => right,
            };
            let (halt, halted) = watch::channel(false);
            let worker = |channel| ChannelWorker::new(self.clone(), channel).deliver(halted.clone());
            let workers = future::join_all(Channel::ALL.iter().map(|channel| worker(*channel)));
            let statuses = StatusRequests::of_all_providers(&self).into_iter().map(|one| one.run(halted.clone()));
            let messages = future::join(workers, future::join_all(statuses));
            let mut workers = pin!(future::join(messages, self.deliver_events(halted.clone())));
            tokio::select! {
                _ = &mut workers => return,
                () = stopped(stop.clone()) => {}
                () = right_lost(&right) => {}
            }
            halt.send_replace(true);
            // The right is renewed until the results of the messages in flight are stored.
            tokio::select! {
                _ = &mut workers => {}
                () = always_renewed(&right) => {}
            }
            right.release().await;
        }
    }

    /// Delivers events to all endpoints until `stop` becomes true.
    async fn deliver_events(&self, stop: watch::Receiver<bool>) {
        while let Err(error) = self.delete_events_of_removed_endpoints().await {
            if error.cause().is_some() {
                log::warn!("can't delete the events of removed endpoints; retrying in 1 s: {error}");
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = stopped(stop.clone()) => return,
            }
        }
        let worker = |destination| EventWorker::new(self.clone(), Arc::clone(destination)).deliver(stop.clone());
        future::join_all(self.endpoints.list.iter().map(worker)).await;
    }

    /// Waits for the right to deliver and returns it.
    async fn take_outbox(&self) -> OutboxRight {
        loop {
            if let Some(right) = self.store.try_take_outbox().await {
                return right;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Waits until the right is lost.
async fn right_lost(right: &OutboxRight) {
    while right.is_valid().await {
        tokio::time::sleep(PAUSE).await;
    }
}

/// Renews the right and never returns.
async fn always_renewed(right: &OutboxRight) {
    loop {
        right.is_valid().await;
        tokio::time::sleep(PAUSE).await;
    }
}
