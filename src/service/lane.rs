//! The worker of one channel: takes what is due, hands it to providers, and writes down what they answered. Before a message
//! leaves, its attempt is on the disk: a process that is killed sends again what was under way, and nothing else.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use rand::TryRng;
use rand::rngs::SysRng;
use tokio::sync::watch;

use crate::delivery::{Chain, Provider};
use crate::domain::message::{Channel, Message};
use crate::domain::otp::Otp;
use crate::domain::outbox::{MessageState, Outcome, Report, Step};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::service::Service;
use crate::service::outbox::{PAUSE, stopped};
use crate::store::messages::Due;
use crate::store::{Db, message_attempts, messages, otps};

/// Messages that are handed over at once.
const AT_ONCE: usize = 32;
/// How long an answer is waited for when otpd stops. Later would not help: whoever stops it kills it after ten seconds
/// (Docker), and the next start would send again what nobody has written down.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);
/// The wait between two looks for work that nobody told of.
const LOOK_EVERY: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct Lane {
    service: Service,
    channel: Channel,
}

/// A message on its way to a provider.
struct Handover {
    message_id: i64,
    attempt_id: i64,
    otp: Otp,
    /// Its place in the chain.
    provider: usize,
    message: Message,
}

impl Lane {
    pub(super) fn new(service: Service, channel: Channel) -> Self {
        Self { service, channel }
    }

    fn chain(&self) -> &Chain {
        self.service.delivery.chain(self.channel)
    }

    /// Until `stop` becomes true; then what is under way is finished.
    pub(super) async fn deliver(self, stop: watch::Receiver<bool>) {
        let mut stopped = pin!(stopped(stop.clone()));
        let (mut under_way, mut stopping) = (FuturesUnordered::new(), false);
        loop {
            let mut pause = LOOK_EVERY;
            if !stopping && under_way.len() < AT_ONCE {
                let (claimed, next) = self.claim(AT_ONCE - under_way.len()).await;
                under_way.extend(claimed.into_iter().map(|handover| self.hand_over(handover, stop.clone())));
                pause = next.min(LOOK_EVERY);
            }
            tokio::select! {
                Some(()) = under_way.next() => {}
                () = self.service.queued.of(self.channel).notified(), if !stopping => {}
                () = tokio::time::sleep(pause), if !stopping => {}
                () = &mut stopped, if !stopping => stopping = true,
                else => return,
            }
        }
    }

    /// What is to be handed over now, at most so many, and how long until there is more.
    async fn claim(&self, room: usize) -> (Vec<Handover>, Duration) {
        let lane = self.clone();
        let claimed = self.service.store.write(move |db| {
            let now = lane.service.now();
            let due = messages::list_due(db, lane.channel, now, room)?;
            let claimed: Result<Vec<_>> = due.iter().map(|due| lane.claim_one(db, due, now)).collect();
            let next = messages::next_due(db, lane.channel)?.map_or(LOOK_EVERY, |next| next.since(now));
            Ok((claimed?.into_iter().flatten().collect(), next))
        });
        claimed.await.unwrap_or_else(|error| {
            log::warn!("the outbox can't be read, the next try is in a second: {error}");
            (Vec::new(), PAUSE)
        })
    }

    fn claim_one(&self, db: &Db, due: &Due, now: Timestamp) -> Result<Option<Handover>> {
        let otp = match otps::find(db, due.otp_id) {
            Ok(otp) => otp,
            Err(error) => {
                log::error!("message {} can't be sent: {error}", due.id);
                messages::update(db, due.id, MessageState::Failed, now, now)?;
                return Ok(None);
            }
        };
        match self.next_step(db, due.id, &otp, now)? {
            Step::Try { provider, at } if at <= now => {
                let name = self.chain().get(provider).map_or("", Provider::name);
                let attempt_id = message_attempts::insert(db, due.id, name, now)?;
                messages::update(db, due.id, MessageState::Sending, now, now)?;
                self.chain().begin(provider, now);
                let message = self.service.delivery.message(&otp, due.language, now);
                Ok(Some(Handover { message_id: due.id, attempt_id, otp, provider, message }))
            }
            step => take_step(db, due.id, step, now).map(|()| None),
        }
    }

    /// What is used, out of attempts or sent once more since needs no message any more.
    fn next_step(&self, db: &Db, message_id: i64, otp: &Otp, now: Timestamp) -> Result<Step> {
        let attempts = message_attempts::list(db, message_id)?;
        let route = self.chain().route(self.service.delivery.on_unknown, now);
        let step = route.next_step(&attempts, otp.valid_to, now, jitter());
        let may_be_moot = matches!(step, Step::Try { .. });
        if may_be_moot && (!otp.is_allow(now) || messages::has_successor(db, message_id, otp.id)?) {
            return Ok(Step::End(MessageState::Cancelled));
        }
        Ok(step)
    }

    async fn hand_over(&self, handover: Handover, stop: watch::Receiver<bool>) {
        let Some(provider) = self.chain().get(handover.provider) else { return };
        let sending = AssertUnwindSafe(provider.send(&handover.message)).catch_unwind();
        let unknown = |why| Report::not_sent(Outcome::Unknown, why);
        let report = tokio::select! {
            sent = sending => sent.unwrap_or_else(|_| unknown("otpd itself failed: its log says where")),
            () = given_up(stop) => unknown("otpd was stopped before it answered"),
        };
        self.service.store.metrics().message(provider.name(), report.outcome.as_str());
        self.chain().end(handover.provider, report.outcome, self.service.now());
        let message_id = handover.message_id;
        tell(message_id, provider.name(), &report);
        // What a provider has done must not be forgotten: it would be done again.
        while let Err(error) = self.settle(&handover, &report).await {
            log::warn!("what became of message {message_id} can't be stored, the next try is in a second: {error}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Writes down what the provider answered, and what is to be done next.
    async fn settle(&self, handover: &Handover, report: &Report) -> Result<()> {
        let (lane, otp, report) = (self.clone(), handover.otp.clone(), report.clone());
        let (message_id, attempt_id) = (handover.message_id, handover.attempt_id);
        let settled = self.service.store.write(move |db| {
            let now = lane.service.now();
            message_attempts::finish(db, attempt_id, &report, now)?;
            let step = lane.next_step(db, message_id, &otp, now)?;
            take_step(db, message_id, step, now)
        });
        settled.await
    }
}

async fn given_up(stop: watch::Receiver<bool>) {
    stopped(stop).await;
    tokio::time::sleep(ANSWER_WITHIN).await;
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

fn tell(message_id: i64, provider: &str, report: &Report) {
    let why = report.error.as_deref().unwrap_or_default();
    match report.outcome {
        Outcome::Sent => log::info!("message {message_id}: {provider} has it"),
        Outcome::Misconfigured => log::error!("message {message_id}: {provider} refuses what it is given: {why}"),
        outcome => log::warn!("message {message_id}: {provider}: {}: {why}", outcome.as_str()),
    }
}

/// From 0 to 1.
fn jitter() -> f64 {
    // Without randomness the pauses are not spread, and nothing else is wrong.
    f64::from(SysRng.try_next_u32().unwrap_or(0)) / f64::from(u32::MAX)
}
