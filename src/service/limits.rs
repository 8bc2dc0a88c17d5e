//! Limits, counted in the store so that a restart forgets none, and what tells the operator that one bites.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::domain::limit::{Event, Limit, Limits, Subjects};
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::store::{Db, limit_events};

/// The limits of a running service.
pub(super) struct Guard {
    limits: Limits,
    metrics: Metrics,
    /// When each limit was last warned of, in microseconds.
    warned_at: [AtomicI64; Limit::ALL.len()],
}

impl Guard {
    pub(super) fn new(limits: Limits, metrics: Metrics) -> Self {
        Self { limits, metrics, warned_at: Limit::ALL.map(|_| AtomicI64::new(i64::MIN)) }
    }

    /// Refuses what one of the limits has no room for.
    pub(super) fn require_room(&self, db: &Db, limits: &[Limit], of: &Subjects<'_>, now: Timestamp) -> Result<()> {
        limits.iter().try_for_each(|limit| self.require_room_in(db, *limit, of, now))
    }

    fn require_room_in(&self, db: &Db, limit: Limit, of: &Subjects<'_>, now: Timestamp) -> Result<()> {
        let Some(allowed) = self.limits.allowed(limit) else { return Ok(()) };
        let event = limit.event();
        let oldest = limit_events::nth_newest(db, event, &of.of(event), allowed)?;
        let Some(wait) = oldest.and_then(|oldest| limit.wait(oldest, now)) else { return Ok(()) };
        self.tell(limit, now);
        Err(match limit {
            Limit::FailuresPerRecipientHour => Error::limited("too_many_attempts", super::TOO_MANY_ATTEMPTS, wait),
            _ => Error::limited("rate_limited", "Too many requests. Try again later.", wait),
        })
    }

    /// How many more failures a recipient may have at this moment; `None`: as many as it likes.
    pub(super) fn attempts_left(&self, db: &Db, of: &Subjects<'_>, now: Timestamp) -> Result<Option<u32>> {
        let limit = Limit::FailuresPerRecipientHour;
        let Some(allowed) = self.limits.allowed(limit) else { return Ok(None) };
        let event = limit.event();
        let failures = limit_events::count_since(db, event, &of.of(event), now.minus(limit.window()))?;
        Ok(Some(allowed.saturating_sub(failures)))
    }

    pub(super) fn count(db: &Db, events: &[Event], of: &Subjects<'_>, now: Timestamp) -> Result<()> {
        events.iter().try_for_each(|event| limit_events::insert(db, *event, &of.of(*event), now))
    }

    /// A measurement each time, and a warning once in the stretch of time that the limit looks at.
    fn tell(&self, limit: Limit, now: Timestamp) {
        self.metrics.limited(limit.setting());
        let last = &self.warned_at[limit as usize];
        let due = i64::try_from(limit.window().as_micros()).unwrap_or(i64::MAX);
        let before = last.load(Ordering::Relaxed);
        if now.as_micros().saturating_sub(before) >= due {
            last.store(now.as_micros(), Ordering::Relaxed);
            log::warn!("{} = {} refuses requests", limit.setting(), self.limits.allowed(limit).unwrap_or(0));
        }
    }
}
