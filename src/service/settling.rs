//! The end of an attempt: its result, and the next step of the message.

use std::time::Duration;

use crate::delivery::Provider;
use crate::domain::attempt::{Outcome, Report};
use crate::domain::message::Channel;
use crate::domain::otp::Otp;
use crate::domain::outbox::MessageState;
use crate::domain::status_schedule::next_status_request;
use crate::domain::webhook::{EventMessage, EventType};
use crate::error::Result;
use crate::service::dispatch::Dispatch;
use crate::service::message_plan::Plan;
use crate::service::{Service, recording};
use crate::store::{Db, message_attempts, messages, next_channels, otps};

/// How long a provider may take to answer a status request before the next channel is used.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// A finished attempt.
#[derive(Clone)]
struct Finished {
    channel: Channel,
    attempt_id: i64,
    message_id: i64,
    provider: String,
    report: Report,
    took: Duration,
    /// Whether the provider reports the delivery of the message.
    reports_status: bool,
}

impl Service {
    /// Stores the report of an attempt with a provider and the next step of the message.
    pub(super) async fn settle(
        &self,
        channel: Channel,
        dispatch: &Dispatch,
        report: &Report,
        provider: &dyn Provider,
        took: Duration,
    ) -> Result<()> {
        let finished = Finished {
            channel,
            attempt_id: dispatch.attempt_id,
            message_id: dispatch.message_id,
            provider: provider.name().to_owned(),
            report: report.clone(),
            took,
            reports_status: provider.status_batch() > 0 && report.provider_message_id.is_some(),
        };
        let (service, sent) = (self.clone(), dispatch.otp.clone());
        let store = move |db: &Db| {
            // The code may have been used or changed during the attempt. A deleted one has no message.
            let otp = otps::find(db, sent.id).unwrap_or(sent.clone());
            service.store_attempt(db, &finished, &otp)
        };
        if let Some(channel) = self.store.write(store).await? {
            self.queued.for_channel(channel).notify_one();
        }
        Ok(())
    }

    /// Returns the channel that has a new message, if any. An attempt that has a result is not changed: this may be a
    /// repetition after an unclear outcome of the first transaction.
    fn store_attempt(&self, db: &Db, finished: &Finished, otp: &Otp) -> Result<Option<Channel>> {
        let Finished { channel, attempt_id, message_id, provider, report, took, reports_status } = finished;
        let now = self.now();
        // The message is locked before its attempt, as everywhere.
        let message = messages::find_locked(db, *message_id)?;
        let status_due_at = reports_status.then(|| next_status_request(now, otp.valid_to, now)).flatten();
        if !message_attempts::finish(db, *attempt_id, report, status_due_at, now)? {
            return Ok(None);
        }
        recording::count_attempt(db, provider, report.outcome, *took, now)?;
        let Some(message) = message else { return Ok(None) };
        if status_due_at.is_some() {
            // The next channel waits until the last status request before it can be answered.
            let escalate_after = self.delivery.escalate_after.saturating_add(ANSWER_TIME);
            next_channels::postpone(db, *message_id, now.plus(escalate_after).min(otp.valid_to))?;
        }
        recording::count_accepted(db, otp.id, provider, report.outcome)?;
        if report.outcome == Outcome::Sent {
            let (id, provider, state) = (*message_id, Some(provider.clone()), MessageState::Sent);
            let sent = EventMessage { id, channel: *channel, provider, state };
            self.publish_message(db, EventType::Sent, otp, sent, now)?;
        }
        let route = self.delivery.chain(*channel).route(self.delivery.on_unknown, now);
        Plan::new(self, db, &route, message, otp, now)?.carry_out(self, db, now)
    }
}
