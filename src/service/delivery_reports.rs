//! The delivery status of accepted messages, and what follows from it.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::attempt::DeliveryStatus;
use crate::domain::message::Channel;
use crate::domain::outbox::{MessageState, StoredMessage};
use crate::domain::status_schedule::next_status_request;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::service::message_plan::Plan;
use crate::service::{Service, recording};
use crate::store::delivery_reports::{self, Waiting};
use crate::store::{Db, is_damaged_row, messages, otps};

/// What the reports of a provider caused.
#[derive(Default)]
struct Effects {
    /// The channels that have a new message.
    queued: Vec<Channel>,
    /// The provider and the status of each message, and the time since the provider accepted it.
    finished: Vec<(String, DeliveryStatus, Duration)>,
}

impl Service {
    /// Stores what a provider reported about messages. Messages that it did not mention are still on their way.
    pub(super) async fn store_reports(
        &self,
        mut waiting: Vec<Waiting>,
        statuses: HashMap<String, DeliveryStatus>,
    ) -> Result<()> {
        // Locked in this order by all processes.
        waiting.sort_unstable_by_key(|message| message.message_id);
        let service = self.clone();
        let store = move |db: &Db| {
            let mut effects = Effects::default();
            for message in &waiting {
                let status = statuses.get(&message.provider_message_id).copied().unwrap_or(DeliveryStatus::Waiting);
                match service.store_report(db, message, status, &mut effects) {
                    Err(error) if is_damaged_row(&error) => {
                        log::error!("the status of message {} can't be stored: {error}", message.message_id);
                        delivery_reports::set_due(db, message.attempt_id, None)?;
                    }
                    stored => stored?,
                }
            }
            Ok(effects)
        };
        self.apply_effects(self.store.write(store).await?);
        Ok(())
    }

    /// Requires the secret of the path at which providers report deliveries.
    ///
    /// # Errors
    /// `NotFound` for another secret, or if none is configured.
    pub fn require_callback_secret(&self, given: &str) -> Result<()> {
        let is_right = self.delivery.callback_secret.as_ref().is_some_and(|secret| secret.is(given));
        if is_right { Ok(()) } else { Err(Error::new(Kind::NotFound, "Not found.")) }
    }

    /// Reads the fields of a report that a provider sent. `None`: there is no such provider, or the fields are not those
    /// of a report.
    pub fn read_callback(&self, provider: &str, fields: &[(String, String)]) -> Option<(String, DeliveryStatus)> {
        self.delivery.providers().find(|one| one.name() == provider)?.read_callback(fields)
    }

    /// Stores a report that a provider sent about one of its messages. Reports about other messages are ignored.
    pub async fn receive_report(&self, provider: &str, message_id: &str, status: DeliveryStatus) -> Result<()> {
        let (service, provider, message_id) = (self.clone(), provider.to_owned(), message_id.to_owned());
        let store = move |db: &Db| {
            let mut effects = Effects::default();
            if status != DeliveryStatus::Waiting {
                for message in delivery_reports::list_waiting(db, &provider, &message_id)? {
                    service.store_report(db, &message, status, &mut effects)?;
                }
            }
            Ok(effects)
        };
        self.apply_effects(self.store.write(store).await?);
        Ok(())
    }

    fn store_report(&self, db: &Db, message: &Waiting, status: DeliveryStatus, effects: &mut Effects) -> Result<()> {
        let now = self.now();
        if status == DeliveryStatus::Waiting {
            let next = next_status_request(message.accepted_at, message.valid_to, now);
            return delivery_reports::set_due(db, message.attempt_id, next);
        }
        // The message is locked before its attempt, as everywhere.
        let stored = messages::find_locked(db, message.message_id)?;
        if !delivery_reports::finish(db, message.attempt_id, status, now)? {
            return Ok(());
        }
        recording::count_report(db, &message.provider, status, now)?;
        effects.finished.push((message.provider.clone(), status, now.since(message.accepted_at)));
        effects.queued.extend(self.proceed(db, stored, now)?);
        Ok(())
    }

    /// Finds and stores the next step of a message after a report. Returns the channel that has a new message, if any.
    fn proceed(&self, db: &Db, message: Option<StoredMessage>, now: Timestamp) -> Result<Option<Channel>> {
        // The end of the attempt decides about a message that is being sent.
        let Some(message) = message.filter(|message| message.state != MessageState::Sending) else { return Ok(None) };
        let otp = match otps::find(db, message.otp_id) {
            Err(error) if is_damaged_row(&error) => return Ok(None),
            otp => otp?,
        };
        let route = self.delivery.chain(message.envelope.channel).route(self.delivery.on_unknown, now);
        Plan::new(self, db, &route, message, &otp, now)?.carry_out(self, db, now)
    }

    /// Wakes the workers and updates the metrics.
    fn apply_effects(&self, effects: Effects) {
        effects.queued.iter().for_each(|channel| self.queued.for_channel(*channel).notify_one());
        for (provider, status, after) in effects.finished {
            self.store.metrics().reported(&provider, status.as_str());
            if status == DeliveryStatus::Delivered {
                self.store.metrics().delivered(&provider, after);
            }
        }
    }
}
