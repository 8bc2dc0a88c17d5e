//! Rate limits. Events are counted in the store, so the counts survive a restart. A warning is logged when a limit
//! rejects requests.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

use crate::domain::clock::time_left;
use crate::domain::limit::{Limit, Limits, Subjects};
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Limitation, Reason, Result};
use crate::metrics::Metrics;
use crate::store::{Db, limit_events};

/// The minimum interval between warnings about one limit.
const WARN_INTERVAL: Duration = Duration::from_secs(3600);

/// The setting for the number of consecutive failures after which a recipient is locked out.
pub(super) const MAX_CONSECUTIVE_FAILURES: &str = "otp.max_consecutive_failures";

/// The limits of a running service.
pub(super) struct Guard {
    limits: Limits,
    metrics: Metrics,
    /// Time of the last warning about each limit, by setting.
    warned: Mutex<HashMap<&'static str, Timestamp>>,
}

impl Guard {
    pub(super) fn new(limits: Limits, metrics: Metrics) -> Self {
        Self { limits, metrics, warned: Mutex::default() }
    }

    /// Requires that none of the limits is reached.
    ///
    /// # Errors
    /// A limit is reached. The error contains the time until the next request is allowed.
    pub(super) fn require_within_limits(
        &self,
        db: &Db,
        limits: &[Limit],
        of: &Subjects<'_>,
        now: Timestamp,
    ) -> Result<()> {
        limits.iter().try_for_each(|limit| self.require_within_limit(db, *limit, of, now))
    }

    fn require_within_limit(&self, db: &Db, limit: Limit, of: &Subjects<'_>, now: Timestamp) -> Result<()> {
        let Some(allowed) = self.limits.allowed(limit) else { return Ok(()) };
        let Some(subject) = of.key(limit.event()) else { return Ok(()) };
        let Some(wait) = self.wait(db, limit, &subject, now)? else { return Ok(()) };
        let reason = match limit {
            Limit::FailuresPerRecipientHour => Reason::TooManyAttempts,
            _ => Reason::RateLimited,
        };
        Err(Error::limited(reason, wait).limited_by((limit.setting(), allowed)))
    }

    /// Returns how long until a limit allows the next event of a subject. `None`: it is allowed now.
    fn wait(&self, db: &Db, limit: Limit, subject: &str, now: Timestamp) -> Result<Option<Duration>> {
        let Some(allowed) = self.limits.allowed(limit) else { return Ok(None) };
        let oldest = limit_events::nth_newest(db, limit.event(), subject, allowed, now)?;
        Ok(oldest.and_then(|oldest| limit.wait(oldest, now)))
    }

    /// Returns when a limit that a subject has reached allows the next event. `None`: it is allowed now.
    pub(super) fn reached_until(
        &self,
        db: &Db,
        limit: Limit,
        subject: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        Ok(self.wait(db, limit, subject, now)?.map(|wait| now.plus(wait)))
    }

    /// Whether a limit over all recipients allows another event.
    pub(super) fn has_room(&self, db: &Db, limit: Limit, now: Timestamp) -> Result<bool> {
        Ok(self.wait(db, limit, "", now)?.is_none())
    }

    /// The number of events that a limit allows. `None`: the limit is disabled.
    pub(super) fn allowed(&self, limit: Limit) -> Option<u32> {
        self.limits.allowed(limit)
    }

    /// Returns the number of attempts that a recipient has left. `None`: there is no limit.
    pub(super) fn attempts_left(&self, db: &Db, of: &Subjects<'_>, now: Timestamp) -> Result<Option<u32>> {
        let limit = Limit::FailuresPerRecipientHour;
        let Some(allowed) = self.limits.allowed(limit) else { return Ok(None) };
        let (event, since) = (limit.event(), now.minus(limit.window()));
        let Some(subject) = of.key(event) else { return Ok(None) };
        let failures = limit_events::count_since(db, event, &subject, allowed, since, now)?;
        Ok(Some(allowed.saturating_sub(failures)))
    }

    /// Counts a rejected request in the metrics. Logs a warning about the limit at most once per `WARN_INTERVAL`.
    pub(super) fn warn_once(&self, (setting, allowed): Limitation, now: Timestamp) {
        self.metrics.limited(setting);
        let mut warned = self.warned.lock();
        if warned.get(setting).is_none_or(|last| time_left(*last, WARN_INTERVAL, now).is_none()) {
            warned.insert(setting, now);
            log::warn!("requests are refused: {setting} = {allowed} is reached");
        }
    }
}
