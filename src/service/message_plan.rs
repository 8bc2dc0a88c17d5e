//! The next step of a message, and how it is stored.

use rand::TryRng;
use rand::rngs::SysRng;

use crate::domain::attempt::{Attempt, DeliveryStatus, Outcome, Report};
use crate::domain::limit::Limit;
use crate::domain::message::Channel;
use crate::domain::otp::Otp;
use crate::domain::outbox::{MessageState, Route, Step, StoredMessage};
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{EventType, SentMessage};
use crate::error::Result;
use crate::service::{Service, recording};
use crate::store::{Db, limit_events, message_attempts, messages};

/// The next step of a message.
pub(super) struct Plan<'a> {
    pub(super) step: Step,
    otp: &'a Otp,
    message: StoredMessage,
    /// All attempts, including those of other channels.
    attempts: Vec<Attempt>,
    /// Whether the step sends the message again because it did not arrive.
    begins_fallback: bool,
}

impl<'a> Plan<'a> {
    /// Finds the next step of a message. `route` contains the providers of its channel. A message is cancelled if its
    /// code is no longer usable or if a newer message carries the code.
    pub(super) fn new(
        service: &Service,
        db: &Db,
        route: &Route<'_>,
        message: StoredMessage,
        otp: &'a Otp,
        now: Timestamp,
    ) -> Result<Self> {
        let attempts = message_attempts::list(db, message.id)?;
        let channel = message.envelope.channel;
        let of_channel: Vec<Attempt> = attempts.iter().filter(|attempt| attempt.channel == channel).cloned().collect();
        let mut plan =
            Self { step: Step::End(MessageState::Delivered), otp, message, attempts, begins_fallback: false };
        if plan.attempts.iter().any(|attempt| attempt.status == Some(DeliveryStatus::Delivered)) {
            return Ok(plan);
        }
        plan.step = route.next_step(&of_channel, otp.valid_to, now, jitter());
        if matches!(plan.step, Step::Try { .. }) {
            let is_fallback = of_channel.iter().any(Attempt::has_not_arrived) && !plan.message.has_fallen_back;
            plan.begins_fallback = is_fallback && service.may_fall_back(db, otp, channel, now)?;
            let is_superseded = || messages::has_successor(db, plan.message.id, otp.id);
            if !otp.is_allow(now) || is_fallback && !plan.begins_fallback || is_superseded()? {
                (plan.step, plan.begins_fallback) = (Route::cancel(&of_channel), false);
            }
        }
        plan.use_next_channel_if_unreached(service, db, now)?;
        Ok(plan)
    }

    /// Returns the step of a message that was not delivered in time: its next channel. `None`: there is none.
    pub(super) fn escalate(
        service: &Service,
        db: &Db,
        message: StoredMessage,
        otp: &'a Otp,
        now: Timestamp,
    ) -> Result<Option<Self>> {
        if !otp.is_allow(now) || messages::has_successor(db, message.id, otp.id)? {
            return Ok(None);
        }
        let Some(next) = service.next_channel(db, &message, now)? else { return Ok(None) };
        let attempts = message_attempts::list(db, message.id)?;
        Ok(Some(Self { step: Step::NextChannel(next), otp, message, attempts, begins_fallback: false }))
    }

    /// Changes the step to the next channel if this one can't reach the recipient, or did not.
    fn use_next_channel_if_unreached(&mut self, service: &Service, db: &Db, now: Timestamp) -> Result<()> {
        let is_unreached = match self.step {
            Step::End(MessageState::Failed | MessageState::Undelivered | MessageState::Blocked) => true,
            Step::Try { .. } => self.begins_fallback,
            Step::End(_) | Step::NextChannel(_) => false,
        };
        if is_unreached
            && self.otp.is_allow(now)
            && let Some(channel) = service.next_channel(db, &self.message, now)?
        {
            (self.step, self.begins_fallback) = (Step::NextChannel(channel), false);
        }
        Ok(())
    }

    /// Stores the step, and counts the message if it has ended. Returns the channel that has a new message, if any.
    pub(super) fn carry_out(&self, service: &Service, db: &Db, now: Timestamp) -> Result<Option<Channel>> {
        let id = self.message.id;
        let (state, due_at) = match self.step {
            Step::NextChannel(channel) => {
                let rest = self.message.next_channels.iter().skip_while(|next| **next != channel).skip(1);
                let rest: Vec<Channel> = rest.copied().collect();
                let escalate_at = (!rest.is_empty()).then(|| now.plus(service.delivery.escalate_after));
                messages::use_channel(db, id, channel, &rest, escalate_at, now)?;
                count_message(db, channel, now)?;
                log::info!("message {id}: goes to the channel {}", channel.as_str());
                return Ok(Some(channel));
            }
            Step::Try { at, .. } => (MessageState::Queued, at),
            Step::End(state) => (state, now),
        };
        let channel = self.message.envelope.channel;
        if self.begins_fallback {
            messages::begin_fallback(db, id)?;
            count_message(db, channel, now)?;
            log::info!("message {id}: goes to another provider because it did not arrive");
        }
        if !is_expected(state) {
            log::warn!("message {id} was not delivered: {}", state.as_str());
        }
        // A message that does not take the state was cancelled while it was being sent.
        let is_updated = messages::update(db, id, state, due_at, now)?;
        if !is_updated {
            recording::count_ended(db, MessageState::Cancelled, &self.attempts, now)?;
        } else if self.is_first_end(state) {
            recording::count_ended(db, state, &self.attempts, now)?;
        }
        if is_updated && state != self.message.state {
            self.publish_end(service, db, state, now)?;
        }
        Ok((state == MessageState::Queued).then_some(channel))
    }

    /// Stores the event of a message that has arrived, or has not.
    fn publish_end(&self, service: &Service, db: &Db, state: MessageState, now: Timestamp) -> Result<()> {
        let kind = match state {
            MessageState::Delivered => EventType::Delivered,
            MessageState::Undelivered | MessageState::Blocked => EventType::Undelivered,
            _ => return Ok(()),
        };
        let has_arrived = kind == EventType::Delivered;
        let decisive = |attempt: &&Attempt| {
            if has_arrived { attempt.status == Some(DeliveryStatus::Delivered) } else { attempt.has_not_arrived() }
        };
        let Some(Attempt { channel, provider, .. }) = self.attempts.iter().rfind(decisive) else { return Ok(()) };
        let message = SentMessage { id: self.message.id, channel: *channel, provider: provider.clone() };
        service.publish_message(db, kind, self.otp, message, now)
    }

    /// Whether the message has ended for the first time. A message that is sent again after a provider accepted it was
    /// counted before, and so was one whose delivery is reported.
    fn is_first_end(&self, state: MessageState) -> bool {
        let earlier = self.attempts.split_last().map_or(&[][..], |(_, earlier)| earlier);
        let was_accepted = earlier.iter().any(|attempt| attempt.outcome == Some(Outcome::Sent));
        let is_end = matches!(
            state,
            MessageState::Sent
                | MessageState::Unknown
                | MessageState::Failed
                | MessageState::Expired
                | MessageState::Cancelled
        );
        is_end && !was_accepted
    }
}

impl Service {
    /// Whether a message that did not arrive may be sent again: once per code, while the code is valid long enough.
    fn may_fall_back(&self, db: &Db, otp: &Otp, channel: Channel, now: Timestamp) -> Result<bool> {
        let margin = self.delivery.fallback_margin;
        Ok(margin.is_some_and(|margin| otp.valid_to >= now.plus(margin))
            && !messages::has_fallen_back(db, otp.id)?
            && self.limits.has_room(db, Limit::of_channel(channel), now)?)
    }

    /// Returns the next channel of a message that has a provider and whose daily limit is not reached.
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
fn count_message(db: &Db, channel: Channel, now: Timestamp) -> Result<()> {
    limit_events::insert(db, Limit::of_channel(channel).event(), "", now)
}

fn is_expected(state: MessageState) -> bool {
    matches!(state, MessageState::Queued | MessageState::Sent | MessageState::Delivered | MessageState::Cancelled)
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

/// Returns a random number from 0 to 1.
pub(super) fn jitter() -> f64 {
    // A failure of the random number generator only means that retries are not spread.
    f64::from(SysRng.try_next_u32().unwrap_or(0)) / f64::from(u32::MAX)
}
