//! The next step of a message, and how it is stored.

use crate::delivery;
use crate::domain::attempt::{Attempt, DeliveryStatus, Outcome, Report};
use crate::domain::limit::Limit;
use crate::domain::message::Channel;
use crate::domain::otp::Otp;
use crate::domain::outbox::{MessageState, Step, StoredMessage};
use crate::domain::route::{Route, Standing};
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{EventMessage, EventType};
use crate::error::Result;
use crate::service::waiting::jitter;
use crate::service::{Service, recording};
use crate::store::{Db, Subject, limit_events, message_attempts, messages, next_channels};

/// The next step of a message.
pub(super) struct Plan<'a> {
    pub(super) step: Step,
    otp: &'a Otp,
    message: StoredMessage,
    /// All attempts, including those of other channels.
    attempts: Vec<Attempt>,
}

impl<'a> Plan<'a> {
    /// Finds the next step of a message. `route` contains the providers of its channel.
    pub(super) fn new(
        service: &Service,
        db: &Db,
        route: &Route<'_>,
        message: StoredMessage,
        otp: &'a Otp,
        now: Timestamp,
    ) -> Result<Self> {
        let attempts = message_attempts::list(db, message.id)?;
        let has_not_arrived = attempts.iter().any(Attempt::has_not_arrived);
        let find = |now: Timestamp| {
            let step = route.next_step(&Standing {
                attempts: &attempts,
                channel: message.envelope.channel,
                is_wanted: is_wanted(db, &message, otp, now)?,
                may_fall_back: has_not_arrived && service.may_fall_back(db, &message, otp, now)?,
                next_channel: service.next_channel(db, &message, now)?,
                valid_to: otp.valid_to,
                now,
                jitter: jitter(),
            });
            let counted = match step {
                Step::NextChannel(next) => Some(next),
                Step::Try { .. } => failed_attempt(&message, &attempts).map(|failed| failed.channel),
                Step::End(_) => None,
            };
            Ok((step, counted))
        };
        let step = with_room(service, db, now, find)?;
        Ok(Self { step, otp, message, attempts })
    }

    /// Returns the step of a message that was not delivered in time: its next channel. `None`: there is none.
    pub(super) fn escalate(
        service: &Service,
        db: &Db,
        message: StoredMessage,
        otp: &'a Otp,
        now: Timestamp,
    ) -> Result<Option<Self>> {
        if !is_wanted(db, &message, otp, now)? {
            return Ok(None);
        }
        let find = |now| service.next_channel(db, &message, now).map(|next| (next, next));
        let Some(next) = with_room(service, db, now, find)? else { return Ok(None) };
        let attempts = message_attempts::list(db, message.id)?;
        Ok(Some(Self { step: Step::NextChannel(next), otp, message, attempts }))
    }

    /// Stores the step, and counts the message if it has ended. Returns the channel that has a new message, if any.
    pub(super) fn carry_out(&self, service: &Service, db: &Db, now: Timestamp) -> Result<Option<Channel>> {
        match self.step {
            Step::NextChannel(channel) => self.use_channel(service, db, channel, now),
            Step::Try { at, .. } => {
                self.note_fallback(service, db, now)?;
                let is_queued = messages::update(db, self.message.id, MessageState::Queued, at, now)?;
                if !is_queued {
                    self.count(db, MessageState::Cancelled, now)?;
                }
                Ok(is_queued.then_some(self.message.envelope.channel))
            }
            Step::End(state) => self.end(service, db, state, now).map(|()| None),
        }
    }

    /// Records, once per message, that it is sent again because it did not arrive.
    pub(super) fn note_fallback(&self, service: &Service, db: &Db, now: Timestamp) -> Result<()> {
        let channel = self.message.envelope.channel;
        let Some(failed) = failed_attempt(&self.message, &self.attempts) else { return Ok(()) };
        let (id, status) = (self.message.id, failed.status.map_or("", DeliveryStatus::as_str));
        log::info!("message {id}: goes to another provider, because {} reported {status}", failed.provider);
        next_channels::begin_fallback(db, self.message.id, channel)?;
        count_message(service, db, channel, now)
    }

    fn use_channel(&self, service: &Service, db: &Db, channel: Channel, now: Timestamp) -> Result<Option<Channel>> {
        let id = self.message.id;
        let rest = self.message.next_channels.iter().skip_while(|next| **next != channel).skip(1);
        let rest: Vec<Channel> = rest.copied().collect();
        let escalate_at = (!rest.is_empty()).then(|| now.plus(service.delivery.escalate_after));
        let target = (channel, delivery::new_reference());
        if !next_channels::use_channel(db, id, target, &rest, escalate_at, now)? {
            self.count(db, MessageState::Cancelled, now)?;
            return Ok(None);
        }
        log::info!("message {id}: goes from {} to {}", self.message.envelope.channel.as_str(), channel.as_str());
        count_message(service, db, channel, now)?;
        Ok(Some(channel))
    }

    fn end(&self, service: &Service, db: &Db, state: MessageState, now: Timestamp) -> Result<()> {
        let id = self.message.id;
        // A message that was cancelled while it was being sent stays cancelled, unless it was sent.
        if !messages::update(db, id, state, now, now)? {
            return self.count(db, MessageState::Cancelled, now);
        }
        match state {
            MessageState::Sent | MessageState::Delivered | MessageState::Cancelled => {}
            MessageState::Unknown => log::warn!("message {id} may have been sent; no provider confirmed it"),
            _ => log::warn!("message {id} was not delivered: {}", state.as_str()),
        }
        self.count(db, state, now)?;
        if state == self.message.state { Ok(()) } else { self.publish_end(service, db, state, now) }
    }

    /// Counts the message in the figures, once.
    fn count(&self, db: &Db, state: MessageState, now: Timestamp) -> Result<()> {
        if self.message.is_counted {
            return Ok(());
        }
        messages::set_counted(db, self.message.id)?;
        recording::count_ended(db, state, &self.attempts, now)
    }

    /// Stores the event of a message that has arrived, or has not. A message that fails after its code was used causes no
    /// event.
    fn publish_end(&self, service: &Service, db: &Db, state: MessageState, now: Timestamp) -> Result<()> {
        let kind = match state {
            MessageState::Delivered => EventType::Delivered,
            MessageState::Undelivered | MessageState::Blocked | MessageState::Failed | MessageState::Expired
                if self.otp.consumed_at.is_none() =>
            {
                EventType::Undelivered
            }
            _ => return Ok(()),
        };
        let decisive = self.attempts.iter().rfind(|attempt| match state {
            MessageState::Delivered => attempt.has_arrived(),
            MessageState::Undelivered | MessageState::Blocked => attempt.has_not_arrived(),
            _ => true,
        });
        let message = EventMessage {
            id: self.message.id,
            channel: decisive.map_or(self.message.envelope.channel, |attempt| attempt.channel),
            provider: decisive.map(|attempt| attempt.provider.clone()),
            state,
        };
        service.publish_message(db, kind, self.otp, message, now)
    }
}

/// Returns the step that `find` finds. `find` also returns the channel that the step uses. If other processes use the
/// database too, the daily limit of this channel is locked and `find` is called again, so that the limit is not exceeded.
fn with_room<T>(
    service: &Service,
    db: &Db,
    now: Timestamp,
    find: impl Fn(Timestamp) -> Result<(T, Option<Channel>)>,
) -> Result<T> {
    let (mut now, mut locked) = (now, Vec::new());
    loop {
        let (step, counted) = find(now)?;
        match counted.filter(|channel| !locked.contains(channel)) {
            Some(channel) if lock_limit(db, channel)? => {
                locked.push(channel);
                now = service.now();
            }
            _ => return Ok(step),
        }
    }
}

/// The last attempt on the channel of a message that did not arrive. `None`: there is none, or the message has already
/// fallen back on this channel.
fn failed_attempt<'a>(message: &StoredMessage, attempts: &'a [Attempt]) -> Option<&'a Attempt> {
    let channel = message.envelope.channel;
    let failed = attempts.iter().rfind(|attempt| attempt.channel == channel && attempt.has_not_arrived());
    failed.filter(|_| message.fallback_channel != Some(channel))
}

/// Whether a message may still be sent: its code is usable and unchanged, and no newer message carries it.
fn is_wanted(db: &Db, message: &StoredMessage, otp: &Otp, now: Timestamp) -> Result<bool> {
    Ok(!message.is_closed && otp.is_allow(now) && !messages::has_successor(db, message.id, otp.id)?)
}

impl Service {
    /// Whether another provider may send a message again if it did not arrive: once per code, while the code is valid
    /// long enough and the daily limit of the channel is not reached.
    fn may_fall_back(&self, db: &Db, message: &StoredMessage, otp: &Otp, now: Timestamp) -> Result<bool> {
        let channel = message.envelope.channel;
        if message.fallback_channel.is_some() {
            return Ok(message.fallback_channel == Some(channel));
        }
        let margin = self.delivery.fallback_margin;
        Ok(margin.is_some_and(|margin| otp.valid_to >= now.plus(margin))
            && !next_channels::has_fallen_back(db, otp.id)?
            && self.limits.has_room(db, Limit::of_channel(channel), now)?)
    }

    /// Returns the first further channel that has a provider and has not reached its daily limit.
    fn next_channel(&self, db: &Db, message: &StoredMessage, now: Timestamp) -> Result<Option<Channel>> {
        for channel in &message.next_channels {
            if !self.delivery.chain(*channel).is_empty()
                && self.limits.has_room(db, Limit::of_channel(*channel), now)?
            {
                return Ok(Some(*channel));
            }
        }
        Ok(None)
    }
}

/// Counts a message that is sent again in the daily limit of the channel.
fn count_message(service: &Service, db: &Db, channel: Channel, now: Timestamp) -> Result<()> {
    // Later than the events that other processes stored before the lock.
    let now = if lock_limit(db, channel)? { service.now() } else { now };
    limit_events::insert(db, Limit::of_channel(channel).event(), "", now)
}

/// Locks the daily limit of a channel. Returns true if earlier reads may be outdated.
fn lock_limit(db: &Db, channel: Channel) -> Result<bool> {
    let event = Limit::of_channel(channel).event();
    db.hold_all(&[Subject::Limit { kind: event.as_str(), subject: "" }])
}

/// Logs the result of an attempt.
pub(super) fn log_outcome(message_id: i64, provider: &str, report: &Report) {
    let why = report.error.as_deref().unwrap_or_default();
    match report.outcome {
        Outcome::Sent => log::info!("message {message_id}: accepted by {provider}"),
        Outcome::Misconfigured => log::error!("message {message_id}: {provider} is misconfigured: {why}"),
        outcome => log::warn!("message {message_id}: {provider}: {}: {why}", outcome.as_str()),
    }
}
