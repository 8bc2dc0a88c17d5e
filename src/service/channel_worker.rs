//! The outbox worker of one channel. It claims due messages, passes them to providers and stores the results. Each
//! delivery attempt is committed before its message is sent. After a crash, only messages in flight are sent again.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
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
use crate::service::message_plan::{Plan, log_outcome};
use crate::service::waiting::{PAUSE, stop_deadline, stopped};
use crate::service::{Service, recording};
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
                recording::count_ended(db, MessageState::Failed, &[], now)?;
                return Ok(None);
            }
            found => found?,
        };
        let plan = Plan::new(db, route, due.id, &otp, now)?;
        match plan.step {
            Step::Try { provider, at } if at <= now => {
                let name = route.chain.get(provider).map_or("", |candidate| candidate.name);
                let attempt_id = message_attempts::insert(db, due.id, name, now)?;
                messages::update(db, due.id, MessageState::Sending, now, now)?;
                route.begin(provider);
                let message = self.service.delivery.message(&otp, due.language, now);
                Ok(Some(Dispatch { message_id: due.id, attempt_id, otp, provider, message }))
            }
            Step::Try { .. } | Step::End(_) => plan.carry_out(db, now).map(|()| None),
        }
    }

    async fn deliver_one(self, dispatch: Dispatch, stop: watch::Receiver<bool>) {
        let Some(provider) = self.chain().get(dispatch.provider) else { return };
        let sending = AssertUnwindSafe(provider.send(&dispatch.message)).catch_unwind();
        let unknown = |why| Report::not_sent(Outcome::Unknown, why);
        let begun = Instant::now();
        let report = tokio::select! {
            sent = sending => sent.unwrap_or_else(|_| unknown("internal error; see the log")),
            () = stop_deadline(stop) => unknown("otpd stopped before the provider answered"),
        };
        let took = begun.elapsed();
        self.service.store.metrics().message(provider.name(), report.outcome.as_str());
        self.chain().end(dispatch.provider, report.outcome, self.service.now());
        let message_id = dispatch.message_id;
        log_outcome(message_id, provider.name(), &report);
        // The result must be stored. Otherwise the message would be sent again.
        while let Err(error) = self.settle(&dispatch, &report, provider.name(), took).await {
            if error.cause().is_some() {
                log::warn!("can't store the result of message {message_id}; retrying in 1 s: {error}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Stores the report of an attempt with a provider and the next step of the message.
    async fn settle(&self, dispatch: &Dispatch, report: &Report, provider: &str, took: Duration) -> Result<()> {
        let (worker, otp, report) = (self.clone(), dispatch.otp.clone(), report.clone());
        let provider = provider.to_owned();
        let (message_id, attempt_id) = (dispatch.message_id, dispatch.attempt_id);
        let settled = self.service.store.write(move |db| {
            let now = worker.service.now();
            message_attempts::finish(db, attempt_id, &report, now)?;
            recording::count_attempt(db, &provider, report.outcome, took, now)?;
            Plan::new(db, &worker.route(now), message_id, &otp, now)?.carry_out(db, now)
        });
        settled.await
    }
}
