//! Recipients that are locked out or paused by a limit.

use std::collections::HashSet;

use crate::domain::limit::Limit;
use crate::domain::recipient::Recipient;
use crate::domain::recipient_state::{LockedRecipients, Pause, RecipientState, Usage};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::service::Service;
use crate::store::{Db, limit_events, recipients};

/// The most recipients in a list.
const SHOWN: usize = 200;
/// The most events of a limit that a list examines.
const EXAMINED: i64 = 1000;
/// The most events that are counted if there is no limit.
const COUNTED: u32 = 1000;
/// Locked recipients are counted up to this number.
const LOCKED: i64 = 10_001;

const OF_RECIPIENT: [Limit; 3] =
    [Limit::SendsPerRecipientHour, Limit::SendsPerRecipientDay, Limit::FailuresPerRecipientHour];

impl Service {
    /// Returns the recipients that are locked out (`otp.max_consecutive_failures`), then those that a limit on the
    /// sends or failures of a recipient pauses, the newest first. There are at most 200.
    pub async fn list_locked(&self) -> Result<LockedRecipients> {
        let (service, now) = (self.clone(), self.now());
        self.store.read(move |db| service.locked(db, now)).await
    }

    /// Returns the state of a recipient in lock-outs and limits.
    pub async fn recipient_state(&self, recipient: Recipient) -> Result<RecipientState> {
        let (service, now) = (self.clone(), self.now());
        self.store.look_up(move |db| service.state_of(db, recipient.clone(), now)).await
    }

    /// Returns the number of locked-out recipients, counted up to 10,001.
    pub(super) fn count_locked(&self, db: &Db) -> Result<i64> {
        self.policy.max_consecutive_failures.map_or(Ok(0), |most| recipients::count_locked(db, most, LOCKED))
    }

    fn locked(&self, db: &Db, now: Timestamp) -> Result<LockedRecipients> {
        let most = self.policy.max_consecutive_failures;
        let mut found = most.map_or_else(|| Ok(Vec::new()), |most| recipients::list_locked(db, most, SHOWN + 1))?;
        let mut has_more = false;
        for limit in OF_RECIPIENT {
            let Some(allowed) = self.limits.allowed(limit) else { continue };
            let since = now.minus(limit.window());
            let frequent = limit_events::list_frequent(db, limit.event(), allowed, since, now, EXAMINED)?;
            has_more |= i64::try_from(frequent.len()).is_ok_and(|examined| examined >= EXAMINED);
            found.extend(frequent.into_iter().map(Recipient::from_key));
        }
        let mut seen = HashSet::new();
        found.retain(|recipient| seen.insert(recipient.key()));
        let mut limited = Vec::new();
        for recipient in found {
            let state = self.state_of(db, recipient, now)?;
            if state.is_limited() && limited.len() == SHOWN {
                has_more = true;
                break;
            }
            limited.extend(Some(state).filter(RecipientState::is_limited));
        }
        Ok(LockedRecipients { recipients: limited, has_more })
    }

    fn state_of(&self, db: &Db, recipient: Recipient, now: Timestamp) -> Result<RecipientState> {
        let key = recipient.key();
        let failures = recipients::consecutive_failures(db, &recipient)?;
        let mut pauses = Vec::new();
        for limit in OF_RECIPIENT {
            let until = self.limits.reached_until(db, limit, &key, now)?;
            pauses.extend(until.map(|until| Pause { limit: limit.setting(), until }));
        }
        let usage = |limit| self.usage(db, limit, &key, now);
        Ok(RecipientState {
            consecutive_failures: failures,
            is_locked: self.policy.max_consecutive_failures.is_some_and(|most| failures >= most),
            pauses,
            sends_per_hour: usage(Limit::SendsPerRecipientHour)?,
            sends_per_day: usage(Limit::SendsPerRecipientDay)?,
            failures_per_hour: usage(Limit::FailuresPerRecipientHour)?,
            recipient,
        })
    }

    fn usage(&self, db: &Db, limit: Limit, subject: &str, now: Timestamp) -> Result<Usage> {
        let allowed = self.limits.allowed(limit);
        let (event, since) = (limit.event(), now.minus(limit.window()));
        let used = limit_events::count_since(db, event, subject, allowed.unwrap_or(COUNTED), since, now)?;
        Ok(Usage { used, allowed })
    }
}
