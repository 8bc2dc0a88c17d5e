//! What the workers of the outbox wait for.

use std::time::Duration;

use rand::TryRng;
use rand::rngs::SysRng;
use tokio::sync::{Notify, watch};

use crate::domain::message::{Channel, PerChannel};

/// The wait before a failed local operation is retried.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// How long a shutdown waits for the results of messages in flight. Docker kills the process after ten seconds, and the
/// next start requeues messages without a stored result.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// Wakes the worker of a channel when a message is queued.
#[derive(Default)]
pub(super) struct Queued(PerChannel<Notify>);

impl Queued {
    pub(super) fn for_channel(&self, channel: Channel) -> &Notify {
        self.0.get(channel)
    }
}

/// Waits until `stop` becomes true.
pub(super) async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that all senders are dropped, which also stops the receiver.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Waits for a stop, and then for the time that messages in flight have to finish.
pub(super) async fn stop_deadline(stop: watch::Receiver<bool>) {
    stopped(stop).await;
    tokio::time::sleep(ANSWER_WITHIN).await;
}

/// Returns a random number from 0 to 1.
pub(super) fn jitter() -> f64 {
    // A failure of the random number generator only means that retries are not spread.
    f64::from(SysRng.try_next_u32().unwrap_or(0)) / f64::from(u32::MAX)
}
