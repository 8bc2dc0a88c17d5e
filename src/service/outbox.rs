//! The outbox: of several processes on one database one delivers what is queued, and another takes over when it ends.

use std::time::Duration;

use futures_util::future;
use tokio::sync::{Notify, watch};

use crate::domain::message::Channel;
use crate::service::Service;
use crate::service::lane::Lane;
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
    pub(super) fn of(&self, channel: Channel) -> &Notify {
        match channel {
            Channel::Sms => &self.sms,
            Channel::Email => &self.email,
        }
    }
}

impl Service {
    /// Delivers what is queued, until `stop` becomes true; then what is under way is finished. Each channel has a lane of
    /// its own: where one's providers are slow, the messages of the other do not wait.
    pub async fn deliver(self, stop: watch::Receiver<bool>) {
        let _lock = tokio::select! {
            lock = self.own_outbox() => lock,
            () = stopped(stop.clone()) => return,
        };
        let lane = |channel| Lane::new(self.clone(), channel).deliver(stop.clone());
        future::join(lane(Channel::Sms), lane(Channel::Email)).await;
    }

    /// Waits until no other process delivers.
    async fn own_outbox(&self) -> OutboxLock {
        loop {
            match self.store.try_own_outbox() {
                Ok(Some(lock)) => return lock,
                Ok(None) => {}
                Err(error) => log::warn!("the outbox can't be locked, the next try is in a second: {error}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

pub(super) async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that nobody is left to say it.
    let _ = stop.wait_for(|stop| *stop).await;
}
