//! The worker that delivers events to one endpoint. A slow endpoint does not delay the others.
//!
//! An event stays stored until its endpoint has accepted it. If the process ends before that is stored, the next one
//! sends the event again, with the same `webhook-id`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, watch};

use crate::domain::webhook::{Answer, MAX_PAUSE, next_attempt};
use crate::error::Result;
use crate::service::Service;
use crate::service::endpoints::Destination;
use crate::service::waiting::{PAUSE, jitter, stop_deadline};
use crate::service::worker::{self, Worker, poll_interval};
use crate::store::event_deliveries::DueEvent;
use crate::store::{Db, event_deliveries};

/// Maximum number of requests to one endpoint at a time.
const AT_ONCE: usize = 8;

#[derive(Clone)]
pub(super) struct EventWorker {
    service: Service,
    destination: Arc<Destination>,
    /// Whether the last attempt failed.
    is_failing: Arc<AtomicBool>,
}

impl Worker for EventWorker {
    type Item = DueEvent;

    fn poll_interval(&self) -> Duration {
        poll_interval(&self.service.store)
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn queued(&self) -> &Notify {
        &self.destination.stored
    }

    fn id(event: &DueEvent) -> i64 {
        event.id
    }

    async fn claim(&self, held: Vec<i64>) -> (Vec<DueEvent>, Duration) {
        let worker = self.clone();
        let claimed = self.service.store.write_as_deliverer(move |db| worker.list_due(db, &held)).await;
        claimed.unwrap_or_else(|error| {
            if error.cause().is_some() {
                log::warn!("can't read the stored events; retrying in 1 s: {error}");
            }
            (Vec::new(), PAUSE)
        })
    }

    async fn deliver_one(self, event: DueEvent, stop: watch::Receiver<bool>) {
        let endpoint = &self.destination.endpoint;
        let now = self.service.now();
        let sending = AssertUnwindSafe(endpoint.send(&event.webhook_id, &event.body, now)).catch_unwind();
        let panicked = || Answer::Failed { error: "internal error; see the log".to_owned(), retry_after: None };
        let answer = tokio::select! {
            answer = sending => answer.unwrap_or_else(|_| panicked()),
            // The event is still due. The next start sends it again.
            () = stop_deadline(stop) => return,
        };
        self.service.store.metrics().event(&event.kind, answer.outcome());
        self.log_answer(endpoint.name(), &event, &answer);
        // The result must be stored. Otherwise the event would be sent again.
        while let Err(error) = self.settle(&event, &answer).await {
            if error.cause().is_some() {
                log::warn!("can't store the result of event {}; retrying in 1 s: {error}", event.id);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl EventWorker {
    pub(super) fn new(service: Service, destination: Arc<Destination>) -> Self {
        Self { service, destination, is_failing: Arc::default() }
    }

    /// Delivers events until `stop` becomes true. Requests in flight are finished before it returns.
    pub(super) async fn deliver(self, stop: watch::Receiver<bool>) {
        worker::run(&self, stop).await;
    }

    fn list_due(&self, db: &Db, held: &[i64]) -> Result<(Vec<DueEvent>, Duration)> {
        let endpoint = &self.destination.endpoint;
        let now = self.service.now();
        event_deliveries::reschedule(db, &endpoint.key(), now.plus(MAX_PAUSE), now)?;
        let mut due = event_deliveries::list_due(db, &endpoint.key(), now, AT_ONCE)?;
        due.retain(|event| !held.contains(&event.id));
        due.truncate(AT_ONCE - held.len());
        let next = event_deliveries::next_due(db, &endpoint.key(), now)?;
        Ok((due, next.map_or(self.poll_interval(), |next| next.since(now))))
    }

    /// Stores the result of an attempt.
    async fn settle(&self, event: &DueEvent, answer: &Answer) -> Result<()> {
        let (service, id, attempts) = (self.service.clone(), event.id, event.attempts.saturating_add(1));
        let retry_after = match answer {
            Answer::Accepted | Answer::Gone => {
                return service.store.write(move |db| event_deliveries::delete(db, id)).await;
            }
            Answer::Failed { retry_after, .. } => *retry_after,
        };
        let retry = move |db: &Db| {
            let due_at = next_attempt(attempts, retry_after, service.now(), jitter());
            event_deliveries::retry(db, id, attempts, due_at)
        };
        self.service.store.write(retry).await
    }

    /// Logs the answer. Only the first failure, and the first event that is accepted after it, are logged as such,
    /// because an endpoint that is down fails for each event.
    fn log_answer(&self, name: &str, event: &DueEvent, answer: &Answer) {
        let (id, kind) = (event.id, &event.kind);
        match answer {
            Answer::Accepted => {
                if self.is_failing.swap(false, Ordering::Relaxed) {
                    log::info!("{name} accepts events again");
                }
                log::debug!("event {id} ({kind}): accepted by {name}");
            }
            Answer::Gone => log::warn!("event {id} ({kind}): {name} answered 410, so it is not sent again"),
            Answer::Failed { error, .. } if self.is_failing.swap(true, Ordering::Relaxed) => {
                log::debug!("event {id} ({kind}): {name}: {error}");
            }
            Answer::Failed { error, .. } => {
                log::warn!("events can't be delivered to {name}; they are sent again for a day: {error}");
            }
        }
    }
}
