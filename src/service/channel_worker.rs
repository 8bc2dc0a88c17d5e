//! The outbox worker of one channel. It claims due messages, passes them to providers and stores the results. Each
//! delivery attempt is committed before its message is sent. After a crash, only messages in flight are sent again.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use rand::TryRng;
use rand::rngs::SysRng;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::delivery::Chain;
use crate::domain::attempt::{Outcome, Report};
use crate::domain::message::{Channel, Message};
use crate::domain::otp::Otp;
use crate::domain::outbox::{MessageState, Route, Step};
use crate::domain::policy::Policy;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::service::Service;
use crate::service::waiting::{PAUSE, stop_deadline, stopped};
use crate::store::messages::Due;
use crate::store::{Db, is_damaged_row, message_attempts, messages, otps};

/// Maximum number of messages in flight. Mail servers accept few connections from one address.
const SMS_AT_ONCE: usize = 32;
const MAILS_AT_ONCE: usize = 8;
/// Poll interval for work queued by another process.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct ChannelWorker {
    service: Service,
    channel: Channel,
}

/// A claimed message and the provider that it goes to.
struct Dispatch {
    message_id: i64,
    attempt_id: i64,
    otp: Otp,
    /// Index of the provider in the chain.
    provider: usize,
    message: Message,
}

/// The result of one poll of the outbox.
struct Claim {
    dispatches: Vec<Dispatch>,
    /// Time until the next message is due.
    next: Duration,
    /// Number of requeued messages.
    interrupted: usize,
}

impl ChannelWorker {
    pub(super) fn new(service: Service, channel: Channel) -> Self {
        Self { service, channel }
    }

    fn at_once(&self) -> usize {
        match self.channel {
            Channel::Sms => SMS_AT_ONCE,
            Channel::Email => MAILS_AT_ONCE,
        }
    }

    fn chain(&self) -> &Chain {
        self.service.delivery.chain(self.channel)
    }

    fn route(&self, now: Timestamp) -> Route<'_> {
        self.chain().route(self.service.delivery.on_unknown, now)
    }

    /// Delivers messages until `stop` becomes true. Messages in flight are finished before it returns.
    pub(super) async fn deliver(self, stop: watch::Receiver<bool>) {
        let mut stopped = pin!(stopped(stop.clone()));
        let (mut in_flight, mut held) = (JoinSet::new(), HashMap::new());
        let mut stopping = false;
        loop {
            let mut pause = POLL_INTERVAL;
            if !stopping && held.len() < self.at_once() {
                let (claimed, next) = self.claim(held.values().copied().collect()).await;
                for dispatch in claimed {
                    let message_id = dispatch.message_id;
                    let task = in_flight.spawn(self.clone().deliver_one(dispatch, stop.clone()));
                    held.insert(task.id(), message_id);
                }
                pause = next.min(POLL_INTERVAL);
            }
            tokio::select! {
                Some(ended) = in_flight.join_next_with_id() => {
                    held.remove(&ended.map_or_else(|panicked| panicked.id(), |(id, ())| id));
                }
                () = self.service.queued.for_channel(self.channel).notified(), if !stopping => {}
                () = tokio::time::sleep(pause), if !stopping => {}
                () = &mut stopped, if !stopping => stopping = true,
                else => return self.chain().close().await,
            }
        }
    }

    /// Claims due messages and returns them with the time until the next poll. `held` contains the ids of the messages
    /// that this worker has in flight.
    async fn claim(&self, held: Vec<i64>) -> (Vec<Dispatch>, Duration) {
        let worker = self.clone();
        match self.service.store.write(move |db| worker.claim_due(db, &held)).await {
            Ok(claim) => {
                if claim.interrupted > 0 {
                    log::warn!("requeued {} interrupted messages", claim.interrupted);
                }
                let now = self.service.now();
                claim.dispatches.iter().for_each(|dispatch| self.chain().begin(dispatch.provider, now));
                (claim.dispatches, claim.next)
            }
            Err(error) => {
                if error.cause().is_some() {
                    log::warn!("can't read the outbox; retrying in 1 s: {error}");
                }
                (Vec::new(), PAUSE)
            }
        }
    }

    /// Requeues interrupted messages, then claims due messages within one transaction.
    ///
    /// A message is interrupted if it is stored as being sent and is not in `held`. Either a killed process claimed it,
    /// or the claiming transaction was committed although it was reported as failed.
    fn claim_due(&self, db: &Db, held: &[i64]) -> Result<Claim> {
        let now = self.service.now();
        let mut interrupted = messages::list_sending(db, self.channel)?;
        interrupted.retain(|id| !held.contains(id));
        interrupted.iter().try_for_each(|id| messages::requeue_interrupted(db, *id, now))?;
        // No message waits longer than the lifetime of its code.
        messages::reschedule(db, self.channel, now.plus(Policy::SENT_CODE_LIVES), now)?;
        let mut due = messages::list_due(db, self.channel, now, self.at_once())?;
        due.retain(|due| !held.contains(&due.id));
        due.truncate(self.at_once() - held.len());
        let (mut route, mut dispatches) = (self.route(now), Vec::new());
        for due in due {
            dispatches.extend(self.claim_one(db, &mut route, &due, now)?);
        }
        let next = messages::next_due(db, self.channel)?.map_or(POLL_INTERVAL, |next| next.since(now));
        Ok(Claim { dispatches, next, interrupted: interrupted.len() })
    }

    fn claim_one(&self, db: &Db, route: &mut Route<'_>, due: &Due, now: Timestamp) -> Result<Option<Dispatch>> {
        let otp = match otps::find(db, due.otp_id) {
            Err(error) if is_damaged_row(&error) => {
                log::error!("message {} can't be sent: {error}", due.id);
                messages::update(db, due.id, MessageState::Failed, now, now)?;
                return Ok(None);
            }
            found => found?,
        };
        match next_step(db, route, due.id, &otp, now)? {
            Step::Try { provider, at } if at <= now => {
                let name = route.chain.get(provider).map_or("", |candidate| candidate.name);
                let attempt_id = message_attempts::insert(db, due.id, name, now)?;
                messages::update(db, due.id, MessageState::Sending, now, now)?;
                route.begin(provider);
                let message = self.service.delivery.message(&otp, due.language, now);
                Ok(Some(Dispatch { message_id: due.id, attempt_id, otp, provider, message }))
            }
            step => take_step(db, due.id, step, now).map(|()| None),
        }
    }

    async fn deliver_one(self, dispatch: Dispatch, stop: watch::Receiver<bool>) {
        let Some(provider) = self.chain().get(dispatch.provider) else { return };
        let sending = AssertUnwindSafe(provider.send(&dispatch.message)).catch_unwind();
        let unknown = |why| Report::not_sent(Outcome::Unknown, why);
        let report = tokio::select! {
            sent = sending => sent.unwrap_or_else(|_| unknown("internal error; see the log")),
            () = stop_deadline(stop) => unknown("otpd stopped before the provider answered"),
        };
        self.service.store.metrics().message(provider.name(), report.outcome.as_str());
        self.chain().end(dispatch.provider, report.outcome, self.service.now());
        let message_id = dispatch.message_id;
        log_outcome(message_id, provider.name(), &report);
        // The result must be stored. Otherwise the message would be sent again.
        while let Err(error) = self.settle(&dispatch, &report).await {
            if error.cause().is_some() {
                log::warn!("can't store the result of message {message_id}; retrying in 1 s: {error}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Stores the report of an attempt and the next step of the message.
    async fn settle(&self, dispatch: &Dispatch, report: &Report) -> Result<()> {
        let (worker, otp, report) = (self.clone(), dispatch.otp.clone(), report.clone());
        let (message_id, attempt_id) = (dispatch.message_id, dispatch.attempt_id);
        let settled = self.service.store.write(move |db| {
            let now = worker.service.now();
            message_attempts::finish(db, attempt_id, &report, now)?;
            let step = next_step(db, &worker.route(now), message_id, &otp, now)?;
            take_step(db, message_id, step, now)
        });
        settled.await
    }
}

/// Returns the next step of a message. A message is cancelled if its code is no longer usable or if a newer message
/// carries the code.
fn next_step(db: &Db, route: &Route<'_>, message_id: i64, otp: &Otp, now: Timestamp) -> Result<Step> {
    let attempts = message_attempts::list(db, message_id)?;
    let step = route.next_step(&attempts, otp.valid_to, now, jitter());
    let can_cancel = matches!(step, Step::Try { .. });
    if can_cancel && (!otp.is_allow(now) || messages::has_successor(db, message_id, otp.id)?) {
        return Ok(Route::cancel(&attempts));
    }
    Ok(step)
}

fn take_step(db: &Db, message_id: i64, step: Step, now: Timestamp) -> Result<()> {
    match step {
        Step::Try { at, .. } => messages::update(db, message_id, MessageState::Queued, at, now),
        Step::End(state) => {
            if !matches!(state, MessageState::Sent | MessageState::Cancelled) {
                log::warn!("message {message_id} was not delivered: {}", state.as_str());
            }
            messages::update(db, message_id, state, now, now)
        }
    }
}

fn log_outcome(message_id: i64, provider: &str, report: &Report) {
    let why = report.error.as_deref().unwrap_or_default();
    match report.outcome {
        Outcome::Sent => log::info!("message {message_id}: accepted by {provider}"),
        Outcome::Misconfigured => log::error!("message {message_id}: {provider} is misconfigured: {why}"),
        outcome => log::warn!("message {message_id}: {provider}: {}: {why}", outcome.as_str()),
    }
}

/// Returns a random number from 0 to 1.
fn jitter() -> f64 {
    // A failure of the random number generator only means that retries are not spread.
    f64::from(SysRng.try_next_u32().unwrap_or(0)) / f64::from(u32::MAX)
}
