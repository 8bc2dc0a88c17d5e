//! The outbox worker of one channel. It claims due messages, passes them to providers and stores the results. Each
//! delivery attempt is committed before its message is sent. After a crash, only messages in flight are sent again.

use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use crate::delivery::Chain;
use crate::domain::message::Channel;
use crate::domain::outbox::{MessageState, Step, StoredMessage};
use crate::domain::policy::Policy;
use crate::domain::route::Route;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::service::dispatch::{Dispatch, send};
use crate::service::message_plan::{Plan, log_outcome};
use crate::service::waiting::PAUSE;
use crate::service::worker::{self, Worker, poll_interval};
use crate::service::{Service, recording};
use crate::store::{Db, is_damaged_row, message_attempts, messages, next_channels, otps};

/// Maximum number of messages in flight. Mail servers accept few connections from one address.
const GATEWAY_REQUESTS_AT_ONCE: usize = 32;
const MAILS_AT_ONCE: usize = 8;

#[derive(Clone)]
pub(super) struct ChannelWorker {
    service: Service,
    channel: Channel,
}

/// The result of one poll of the outbox.
struct Claim {
    dispatches: Vec<Dispatch>,
    /// Time until the next message is due.
    next: Duration,
    /// Number of requeued messages.
    interrupted: usize,
    /// The channels that have a new message.
    queued: Vec<Channel>,
}

impl Worker for ChannelWorker {
    type Item = Dispatch;

    fn poll_interval(&self) -> Duration {
        poll_interval(&self.service.store)
    }

    fn at_once(&self) -> usize {
        match self.channel {
            Channel::Email => MAILS_AT_ONCE,
            Channel::Sms | Channel::Call | Channel::Bale => GATEWAY_REQUESTS_AT_ONCE,
        }
    }

    fn queued(&self) -> &Notify {
        self.service.queued.for_channel(self.channel)
    }

    fn id(dispatch: &Dispatch) -> i64 {
        dispatch.message_id
    }

    async fn claim(&self, held: Vec<i64>) -> (Vec<Dispatch>, Duration) {
        let worker = self.clone();
        match self.service.store.write_as_deliverer(move |db| worker.claim_due(db, &held)).await {
            Ok(claim) => {
                if claim.interrupted > 0 {
                    log::warn!("requeued {} interrupted messages", claim.interrupted);
                }
                let now = self.service.now();
                claim.dispatches.iter().for_each(|dispatch| self.chain().begin(dispatch.provider, now));
                claim.queued.iter().for_each(|channel| self.service.queued.for_channel(*channel).notify_one());
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

    async fn deliver_one(self, dispatch: Dispatch, stop: watch::Receiver<bool>) {
        let Some(provider) = self.chain().get(dispatch.provider) else { return };
        let begun = Instant::now();
        let report = send(provider, &dispatch.message, stop).await;
        let took = begun.elapsed();
        self.service.store.metrics().message(provider.name(), report.outcome.as_str());
        self.chain().end(dispatch.provider, report.outcome, self.service.now());
        let message_id = dispatch.message_id;
        log_outcome(message_id, provider.name(), &report);
        // The result must be stored. Otherwise the message would be sent again.
        while let Err(error) = self.service.settle(self.channel, &dispatch, &report, provider, took).await {
            if error.cause().is_some() {
                log::warn!("can't store the result of message {message_id}; retrying in 1 s: {error}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl ChannelWorker {
    pub(super) fn new(service: Service, channel: Channel) -> Self {
        Self { service, channel }
    }

    /// Delivers messages until `stop` becomes true. Messages in flight are finished before it returns.
    pub(super) async fn deliver(self, stop: watch::Receiver<bool>) {
        worker::run(&self, stop).await;
        self.chain().close().await;
    }

    fn chain(&self) -> &Chain {
        self.service.delivery.chain(self.channel)
    }

    fn route(&self, now: Timestamp) -> Route<'_> {
        self.chain().route(self.service.delivery.on_unknown, now)
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
        let mut queued = self.escalate_due(db, now)?;
        let mut due = messages::list_due(db, self.channel, now, self.at_once())?;
        due.retain(|due| !held.contains(&due.id));
        due.truncate(self.at_once() - held.len());
        let (mut route, mut dispatches) = (self.route(now), Vec::new());
        for due in due {
            dispatches.extend(self.claim_one(db, &mut route, due, &mut queued, now)?);
        }
        let next = messages::next_due(db, self.channel)?.map_or(self.poll_interval(), |next| next.since(now));
        Ok(Claim { dispatches, next, interrupted: interrupted.len(), queued })
    }

    /// Moves messages to their next channel that were not delivered in time. Returns the channels that they moved to.
    fn escalate_due(&self, db: &Db, now: Timestamp) -> Result<Vec<Channel>> {
        let mut queued = Vec::new();
        for message in next_channels::list_escalated(db, self.channel, now)? {
            let id = message.id;
            let otp = match otps::find(db, message.otp_id) {
                Err(error) if is_damaged_row(&error) => {
                    next_channels::end_escalation(db, id)?;
                    continue;
                }
                found => found?,
            };
            match Plan::escalate(&self.service, db, message, &otp, now)? {
                Some(plan) => queued.extend(plan.carry_out(&self.service, db, now)?),
                None => next_channels::end_escalation(db, id)?,
            }
        }
        Ok(queued)
    }

    /// Claims a message, or stores its next step. A channel that then has a new message is added to `queued`.
    fn claim_one(
        &self,
        db: &Db,
        route: &mut Route<'_>,
        due: StoredMessage,
        queued: &mut Vec<Channel>,
        now: Timestamp,
    ) -> Result<Option<Dispatch>> {
        let StoredMessage { id, envelope, is_counted, .. } = due;
        let otp = match otps::find(db, due.otp_id) {
            Err(error) if is_damaged_row(&error) => {
                log::error!("message {id} can't be sent: {error}");
                messages::update(db, id, MessageState::Failed, now, now)?;
                if !is_counted {
                    messages::set_counted(db, id)?;
                    recording::count_ended(db, MessageState::Failed, &[], now)?;
                }
                return Ok(None);
            }
            found => found?,
        };
        let plan = Plan::new(&self.service, db, route, due, &otp, now)?;
        match plan.step {
            Step::Try { provider, at } if at <= now => {
                plan.note_fallback(&self.service, db, now)?;
                let name = route.chain.get(provider).map_or("", |candidate| candidate.name);
                let attempt_id = message_attempts::insert(db, id, self.channel, name, now)?;
                messages::update(db, id, MessageState::Sending, now, now)?;
                route.begin(provider);
                let message = self.service.delivery.message(&otp, envelope, now);
                Ok(Some(Dispatch { message_id: id, attempt_id, otp, provider, message }))
            }
            Step::Try { .. } | Step::NextChannel(_) | Step::End(_) => {
                queued.extend(plan.carry_out(&self.service, db, now)?);
                Ok(None)
            }
        }
    }
}
