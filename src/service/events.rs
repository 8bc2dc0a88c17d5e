//! Events for the endpoints of the operator. An event is stored in the transaction of the change that it reports.

use std::collections::BTreeMap;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use crate::domain::count::counted;
use crate::domain::otp::{Otp, OtpId};
use crate::domain::purpose::Purpose;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{self, Event, EventMessage, EventType, generate_webhook_id};
use crate::error::Result;
use crate::service::Service;
use crate::service::endpoints::Destination;
use crate::service::series::GIVEN_UP;
use crate::store::event_deliveries::EndpointKey;
use crate::store::{Db, event_deliveries, recipients};

/// Maximum number of events that one transaction deletes.
const BATCH: i64 = 500;

impl Service {
    /// Stores an event for each endpoint that gets events of its type, in the transaction of the change that it reports.
    /// Without such an endpoint, it does nothing. Only the commit of the transaction publishes the event.
    pub(super) fn publish(&self, db: &Db, event: &Event) -> Result<()> {
        let mut webhook_id = None;
        for destination in &self.endpoints.list {
            let Destination { endpoint, stored } = destination.as_ref();
            if !endpoint.wants(event.kind) {
                continue;
            }
            let id = webhook_id.get_or_insert_with(|| generate_webhook_id(&mut UnwrapErr(SysRng)));
            let body = event.body(endpoint.includes_recipient());
            event_deliveries::insert(db, &endpoint.key(), id, event.kind, &body, event.at)?;
            db.wake_after_commit(stored);
        }
        Ok(())
    }

    /// Stores an event about a message with a code: [`EventType::Sent`], [`EventType::Delivered`] or
    /// [`EventType::Undelivered`].
    pub(super) fn publish_message(
        &self,
        db: &Db,
        kind: EventType,
        otp: &Otp,
        message: EventMessage,
        now: Timestamp,
    ) -> Result<()> {
        if !self.endpoints.want(kind) {
            return Ok(());
        }
        self.publish(
            db,
            &Event { message: Some(message), ..about(kind, Some(otp.id), (&otp.recipient, &otp.purpose), now) },
        )
    }

    /// Stores an event about the verification of a code, in the transaction of the verification.
    pub(super) fn publish_verified(
        &self,
        db: &Db,
        otp: OtpId,
        (recipient, purpose): (&Recipient, &Purpose),
        now: Timestamp,
    ) -> Result<()> {
        if !self.endpoints.want(EventType::Verified) {
            return Ok(());
        }
        self.publish(db, &about(EventType::Verified, Some(otp), (recipient, purpose), now))
    }

    /// Stores an event if the failure that was counted in this transaction has locked the recipient out. A locked-out
    /// recipient has no further failures, so there is one event for each lock-out. `otp` is the code of the failed attempt.
    pub(super) fn publish_lock_out(
        &self,
        db: &Db,
        otp: Option<OtpId>,
        (recipient, purpose): (&Recipient, &Purpose),
        now: Timestamp,
    ) -> Result<()> {
        let wanted = self.policy.max_consecutive_failures.filter(|_| self.endpoints.want(EventType::LockedOut));
        let Some(most) = wanted else { return Ok(()) };
        if recipients::consecutive_failures(db, recipient)? < most {
            return Ok(());
        }
        self.publish(db, &about(EventType::LockedOut, otp, (recipient, purpose), now))
    }

    /// Deletes the events that their endpoints have not accepted within a day. Logs their number for each endpoint.
    pub(super) async fn purge_events(&self) -> Result<()> {
        let mut given_up: BTreeMap<EndpointKey, u32> = BTreeMap::new();
        let outcome = loop {
            let service = self.clone();
            let delete = move |db: &Db| event_deliveries::delete_before(db, service.now().minus(webhook::KEPT), BATCH);
            match self.store.write(delete).await {
                Ok(deleted) if deleted.is_empty() => break Ok(()),
                Ok(deleted) => {
                    for (endpoint, kind) in deleted {
                        self.store.metrics().event(&kind, GIVEN_UP);
                        *given_up.entry(endpoint).or_default() += 1;
                    }
                }
                Err(error) => break Err(error),
            }
        };
        for (key, count) in given_up {
            let known = self.endpoints.list.iter().find(|it| it.endpoint.key() == key);
            let name = known.map_or("an endpoint that is no longer configured", |known| known.endpoint.name());
            log::warn!("gave up {} that could not be delivered to {name} within a day", counted(count, "event"));
        }
        outcome
    }

    /// Deletes the events of endpoints that are no longer configured.
    pub(super) async fn delete_events_of_removed_endpoints(&self) -> Result<()> {
        let keys: Vec<EndpointKey> = self.endpoints.list.iter().map(|it| it.endpoint.key()).collect();
        let mut deleted: u32 = 0;
        loop {
            let keys = keys.clone();
            let delete = move |db: &Db| event_deliveries::delete_of_others(db, &keys, BATCH);
            match self.store.write(delete).await? {
                0 => break,
                some => deleted = deleted.saturating_add(u32::try_from(some).unwrap_or(u32::MAX)),
            }
        }
        if deleted > 0 {
            log::warn!("deleted {} for endpoints that are no longer configured", counted(deleted, "event"));
        }
        Ok(())
    }
}

fn about(kind: EventType, otp: Option<OtpId>, (recipient, purpose): (&Recipient, &Purpose), at: Timestamp) -> Event {
    Event { kind, at, otp, recipient: recipient.clone(), purpose: purpose.clone(), message: None }
}

#[cfg(test)]
mod tests;
