//! Asks a provider for the delivery status of the messages that it accepted.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::watch;

use crate::delivery::Provider;
use crate::domain::attempt::DeliveryStatus;
use crate::domain::message::Channel;
use crate::domain::policy::Policy;
use crate::error::Result;
use crate::service::Service;
use crate::service::waiting::{PAUSE, stopped};
use crate::store::delivery_reports;

/// How often the database is read if no status is due. A message is due five seconds after it was accepted.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// The shortest pause if no status is due.
const LEAST_PAUSE: Duration = Duration::from_millis(20);
/// The pause after a request for fewer messages than possible, so that the next one asks for several.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// The largest number of messages in one request. Larger transactions would delay other changes.
const MOST_AT_ONCE: usize = 500;
/// A provider that allows fewer messages per request is asked with several requests at the same time.
const SMALL_BATCH: usize = 20;
const REQUESTS_AT_ONCE: usize = 8;
/// The minimum interval between warnings about one provider.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

/// Asks one provider.
pub(super) struct StatusRequests {
    service: Service,
    channel: Channel,
    /// Index of the provider in the chain.
    index: usize,
    warned_at: Option<Instant>,
}

impl StatusRequests {
    /// Returns one for each provider that reports the delivery.
    pub(super) fn of_all_providers(service: &Service) -> Vec<Self> {
        let mut all = Vec::new();
        for (channel, chain) in service.delivery.chains.iter() {
            let reporting = chain.iter().enumerate().filter(|(_, provider)| provider.status_batch() > 0);
            all.extend(reporting.map(|(index, _)| Self { service: service.clone(), channel, index, warned_at: None }));
        }
        all
    }

    /// Sends requests until `stop` becomes true. Answers are stored before it returns.
    pub(super) async fn run(mut self, stop: watch::Receiver<bool>) {
        loop {
            let pause = self.ask(&stop).await.unwrap_or_else(|error| {
                if error.cause().is_some() {
                    log::warn!("can't read the messages whose delivery status is due; retrying in 1 s: {error}");
                }
                PAUSE
            });
            tokio::select! {
                biased;
                () = stopped(stop.clone()) => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Asks for the status of the messages that are due. Returns the time until the next request.
    async fn ask(&mut self, stop: &watch::Receiver<bool>) -> Result<Duration> {
        let delivery = Arc::clone(&self.service.delivery);
        let Some(provider) = delivery.chain(self.channel).get(self.index) else { return Ok(POLL_INTERVAL) };
        let (now, channel, name) = (self.service.now(), self.channel, provider.name().to_owned());
        let batch = provider.status_batch().min(MOST_AT_ONCE);
        let most = batch * at_once(batch);
        let due = self.service.store.read(move |db| {
            let due = delivery_reports::list_due(db, channel, &name, now, most)?;
            Ok((due, delivery_reports::next_due(db, channel, &name)?))
        });
        let (due, next) = due.await?;
        if due.is_empty() {
            if next.is_some_and(|next| next > now.plus(Policy::SENT_CODE_LIVES)) {
                self.reschedule(provider.name()).await?;
            }
            return Ok(next.map_or(POLL_INTERVAL, |next| next.since(now).clamp(LEAST_PAUSE, POLL_INTERVAL)));
        }
        let is_full = due.len() == most;
        let ids: Vec<String> = due.iter().map(|message| message.provider_message_id.clone()).collect();
        let answers = tokio::select! {
            answers = join_all(ids.chunks(batch).map(|ids| ask(provider, ids))) => answers,
            () = stopped(stop.clone()) => return Ok(MIN_PAUSE),
        };
        let mut statuses = HashMap::new();
        for answer in answers {
            match answer {
                Ok(known) => statuses.extend(known),
                Err(cause) => self.warn(provider.name(), &cause),
            }
        }
        // The answers must be stored. Otherwise the provider would be asked again.
        while let Err(error) = self.service.store_reports(due.clone(), statuses.clone()).await {
            if error.cause().is_some() {
                log::warn!("can't store the delivery status of messages; retrying in 1 s: {error}");
            }
            if *stop.borrow() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(if is_full { Duration::ZERO } else { MIN_PAUSE })
    }

    /// Makes messages due at once that are due in the far future: their due time was stored while the clock was wrong.
    async fn reschedule(&self, provider: &str) -> Result<()> {
        let (now, channel, name) = (self.service.now(), self.channel, provider.to_owned());
        let latest = now.plus(Policy::SENT_CODE_LIVES);
        self.service.store.write(move |db| delivery_reports::reschedule(db, channel, &name, latest, now)).await
    }

    fn warn(&mut self, provider: &str, cause: &str) {
        if self.warned_at.is_none_or(|warned| warned.elapsed() >= WARN_INTERVAL) {
            self.warned_at = Some(Instant::now());
            log::warn!("{provider}: can't get the delivery status of messages: {cause}");
        }
    }
}

/// The number of requests at the same time. A provider with a small batch needs many requests.
fn at_once(batch: usize) -> usize {
    if batch < SMALL_BATCH { REQUESTS_AT_ONCE } else { 1 }
}

async fn ask(provider: &dyn Provider, ids: &[String]) -> Result<Vec<(String, DeliveryStatus)>, String> {
    let asked = AssertUnwindSafe(provider.statuses(ids)).catch_unwind().await;
    asked.unwrap_or_else(|_| Err("internal error; see the log".to_owned()))
}
