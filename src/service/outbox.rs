//! The outbox's worker: takes what is due, hands it to providers, and writes down what they answered. Before a message
//! leaves, its attempt is on the disk: a process that is killed sends again what was under way, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rand::TryRng;
use rand::rngs::SysRng;
use tokio::sync::watch;

use crate::domain::message::{Channel, Message};
use crate::domain::otp::Otp;
use crate::domain::outbox::{MessageState, Outcome, Report, Step};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::service::Service;
use crate::store::messages::Due;
use crate::store::{Db, OutboxLock, message_attempts, messages, otps};

/// Messages that are handed over at once.
const AT_ONCE: usize = 32;
/// The wait before what failed on this side is tried again, and between two looks for work that nobody told of.
const PAUSE: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A message on its way to a provider.
struct Handover {
    message_id: i64,
    attempt_id: i64,
    otp: Otp,
    provider: usize,
    message: Message,
}

impl Service {
    /// Delivers what is queued, until `stop` becomes true; then what is under way is finished. Of several processes on one
    /// database one delivers, and another takes over when it ends.
    pub async fn deliver(self, mut stop: watch::Receiver<bool>) {
        let mut stopped = std::pin::pin!(async move {
            // An error means that nobody is left to say it.
            let _ = stop.wait_for(|stop| *stop).await;
        });
        let _lock = tokio::select! {
            lock = self.own_outbox() => lock,
            () = &mut stopped => return,
        };
        let (mut under_way, mut stopping) = (FuturesUnordered::new(), false);
        loop {
            let mut pause = LOOK_EVERY;
            if !stopping && under_way.len() < AT_ONCE {
                let (claimed, next) = self.claim(AT_ONCE - under_way.len()).await;
                under_way.extend(claimed.into_iter().map(|handover| self.hand_over(handover)));
                pause = next.min(LOOK_EVERY);
            }
            tokio::select! {
                Some(()) = under_way.next() => {}
                () = self.outbox.notified(), if !stopping => {}
                () = tokio::time::sleep(pause), if !stopping => {}
                () = &mut stopped, if !stopping => stopping = true,
                else => return,
            }
        }
    }

    /// Waits until no other process delivers, and queues again what one that was killed has left under way.
    async fn own_outbox(&self) -> OutboxLock {
        loop {
            match self.store.try_own_outbox() {
                Ok(Some(lock)) => match self.requeue().await {
                    Ok(0) => return lock,
                    Ok(messages) => {
                        log::warn!("{messages} messages were under way when otpd ended; they are sent again");
                        return lock;
                    }
                    Err(error) => log::warn!("the outbox can't be read, the next try is in a second: {error}"),
                },
                Ok(None) => {}
                Err(error) => log::warn!("the outbox can't be locked, the next try is in a second: {error}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn requeue(&self) -> Result<usize> {
        let clock = Arc::clone(&self.clock);
        self.store.write(move |db| messages::requeue_interrupted(db, clock())).await
    }

    /// What is to be handed over now, at most so many, and how long until there is more.
    async fn claim(&self, room: usize) -> (Vec<Handover>, Duration) {
        let service = self.clone();
        let claimed = self.store.write(move |db| {
            let now = service.now();
            let due = messages::list_due(db, now, room)?;
            let claimed: Result<Vec<_>> = due.iter().map(|due| service.claim_one(db, due, now)).collect();
            let next = messages::next_due(db)?.map_or(LOOK_EVERY, |next| next.since(now));
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
                let channel = Channel::of(&otp.recipient);
                let name = self.delivery.chain(channel).names().get(provider).map_or("", String::as_str);
                let attempt_id = message_attempts::insert(db, due.id, name, now)?;
                messages::update(db, due.id, MessageState::Sending, now, now)?;
                let message = self.delivery.message(&otp, due.language, now);
                Ok(Some(Handover { message_id: due.id, attempt_id, otp, provider, message }))
            }
            step => self.take_step(db, due.id, step, now).map(|()| None),
        }
    }

    /// A code that is used, or out of attempts, needs no message any more.
    fn next_step(&self, db: &Db, message_id: i64, otp: &Otp, now: Timestamp) -> Result<Step> {
        let attempts = message_attempts::list(db, message_id)?;
        let step = self.delivery.route(Channel::of(&otp.recipient)).next_step(&attempts, otp.valid_to, now, jitter());
        let is_moot = matches!(step, Step::Try { .. }) && !otp.is_allow(now);
        Ok(if is_moot { Step::End(MessageState::Cancelled) } else { step })
    }

    fn take_step(&self, db: &Db, message_id: i64, step: Step, now: Timestamp) -> Result<()> {
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

    async fn hand_over(&self, handover: Handover) {
        let Handover { message_id, attempt_id, otp, provider, message } = handover;
        let chain = self.delivery.chain(Channel::of(&otp.recipient));
        let Some(provider) = chain.get(provider) else { return };
        let report = provider.send(&message).await;
        self.store.metrics().message(provider.name(), report.outcome.as_str());
        tell(message_id, provider.name(), &report);
        // What a provider has done must not be forgotten: it would be done again.
        while let Err(error) = self.settle(message_id, attempt_id, &otp, &report).await {
            log::warn!("what became of message {message_id} can't be stored, the next try is in a second: {error}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Writes down what the provider answered, and what is to be done next.
    async fn settle(&self, message_id: i64, attempt_id: i64, otp: &Otp, report: &Report) -> Result<()> {
        let (service, otp, report) = (self.clone(), otp.clone(), report.clone());
        self.store
            .write(move |db| {
                let now = service.now();
                message_attempts::finish(db, attempt_id, &report, now)?;
                let step = service.next_step(db, message_id, &otp, now)?;
                service.take_step(db, message_id, step, now)
            })
            .await
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
