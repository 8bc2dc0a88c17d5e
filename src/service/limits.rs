//! Limits, counted in the store so that a restart forgets none, and what tells the operator that one bites.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::limit::{Event, Limit, Limits, Subjects};
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Limitation, Reason, Result};
use crate::metrics::Metrics;
use crate::store::{Db, limit_events};

/// How long a limit that bites is not told of again.
const TOLD_ONCE_IN: Duration = Duration::from_secs(3600);

/// The limits of a running service.
pub(super) struct Guard {
    limits: Limits,
    metrics: Metrics,
    /// When each limit was last told of, by its setting.
    told: Mutex<HashMap<&'static str, Timestamp>>,
}

impl Guard {
    pub(super) fn new(limits: Limits, metrics: Metrics) -> Self {
        Self { limits, metrics, told: Mutex::default() }
    }

    /// Refuses what one of the limits has no room for.
    pub(super) fn require_room(&self, db: &Db, limits: &[Limit], of: &Subjects<'_>, now: Timestamp) -> Result<()> {
        limits.iter().try_for_each(|limit| self.require_room_in(db, *limit, of, now))
    }

    fn require_room_in(&self, db: &Db, limit: Limit, of: &Subjects<'_>, now: Timestamp) -> Result<()> {
        let Some(allowed) = self.limits.allowed(limit) else { return Ok(()) };
        let event = limit.event();
        let oldest = limit_events::nth_newest(db, event, &of.key(event), allowed)?;
        let Some(wait) = oldest.and_then(|oldest| limit.wait(oldest, now)) else { return Ok(()) };
        let reason = match limit {
            Limit::FailuresPerRecipientHour => Reason::TooManyAttempts,
            _ => Reason::RateLimited,
        };
        Err(Error::limited(reason, wait).limited_by((limit.setting(), allowed)))
    }

    /// How many more failures a recipient may have at this moment; `None`: as many as it likes.
    pub(super) fn attempts_left(&self, db: &Db, of: &Subjects<'_>, now: Timestamp) -> Result<Option<u32>> {
        let limit = Limit::FailuresPerRecipientHour;
        let Some(allowed) = self.limits.allowed(limit) else { return Ok(None) };
        let event = limit.event();
        let failures = limit_events::count_since(db, event, &of.key(event), allowed, now.minus(limit.window()))?;
        Ok(Some(allowed.saturating_sub(failures)))
    }

    pub(super) fn count(db: &Db, events: &[Event], of: &Subjects<'_>, now: Timestamp) -> Result<()> {
        events.iter().try_for_each(|event| limit_events::insert(db, *event, &of.key(*event), now))
    }

    /// Counts a refusal, and warns of its limit once in a while.
    pub(super) fn tell(&self, (setting, allowed): Limitation, now: Timestamp) {
        self.metrics.limited(setting);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.get(setting).is_none_or(|last| now < *last || last.plus(TOLD_ONCE_IN) <= now) {
            told.insert(setting, now);
            log::warn!("{setting} = {allowed} refuses requests");
        }
    }
}
