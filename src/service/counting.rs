//! Counts the events of a request within its limits.

use crate::domain::limit::{Event, Limit, Subjects};
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::service::Service;
use crate::store::{Db, Subject, limit_events};

impl Service {
    /// Counts the events that apply to the subjects. The transaction has locked the recipient and checked the limits.
    ///
    /// If other processes use the database too, the other subjects are locked and their limits checked again, so that no
    /// limit is exceeded. This comes late in a transaction, because all requests wait for the lock of a limit over all
    /// recipients.
    ///
    /// Returns the refusal if a limit was reached meanwhile. The events are counted nevertheless.
    pub(super) fn count_within_limits(
        &self,
        db: &Db,
        (events, limits): (&[Event], &[Limit]),
        of: &Subjects<'_>,
        now: Timestamp,
    ) -> Result<Option<Error>> {
        let counted = events.iter().filter_map(|event| Some((*event, of.key(*event)?)));
        let (own, shared): (Vec<(Event, String)>, Vec<_>) =
            counted.partition(|(event, _)| Event::OF_RECIPIENT.contains(event));
        own.iter().try_for_each(|(event, subject)| limit_events::insert(db, *event, subject, now))?;
        let locks: Vec<Subject<'_>> =
            shared.iter().map(|(event, subject)| Subject::Limit { kind: event.as_str(), subject }).collect();
        if !db.hold_all(&locks)? {
            shared.iter().try_for_each(|(event, subject)| limit_events::insert(db, *event, subject, now))?;
            return Ok(None);
        }
        let now = self.now();
        let is_shared = |limit: &&Limit| !Event::OF_RECIPIENT.contains(&limit.event());
        let limits: Vec<Limit> = limits.iter().filter(is_shared).copied().collect();
        let refusal = match self.limits.require_within_limits(db, &limits, of, now) {
            Err(error) if error.kind() == Kind::Throttled => Some(error),
            checked => checked.map(|()| None)?,
        };
        limit_events::insert_all(db, &shared, now)?;
        Ok(refusal)
    }
}
