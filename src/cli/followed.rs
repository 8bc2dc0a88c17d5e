//! The rows of a table that a command follows.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

/// Longer than any transaction of PostgreSQL lasts. Rows get their ids before they are committed, so a row with
/// a lower id can appear this much later.
const LATE: Duration = Duration::from_secs(15);

/// What was read, by ids. Rows are read again until no row with a lower id can appear.
pub(super) struct Followed {
    /// All rows up to this id were read.
    floor: i64,
    /// How long rows are read again.
    late: Duration,
    /// The ids above the floor, and when each was read first.
    read: BTreeMap<i64, Instant>,
}

impl Followed {
    /// Begins after the id `after`. In SQLite (`in_order`) the rows appear in the order of their ids.
    pub(super) fn new(after: i64, in_order: bool) -> Self {
        Self { floor: after, late: if in_order { Duration::ZERO } else { LATE }, read: BTreeMap::new() }
    }

    /// The id after which the table is read next.
    pub(super) fn floor(&self) -> i64 {
        self.floor
    }

    /// Notes the ids that were read at `now`, and returns those that were not read before.
    pub(super) fn note(&mut self, ids: impl Iterator<Item = i64>, now: Instant) -> HashSet<i64> {
        let mut new = HashSet::new();
        for id in ids {
            self.read.entry(id).or_insert_with(|| {
                new.insert(id);
                now
            });
        }
        let is_settled = |read: &Instant| now.saturating_duration_since(*read) >= self.late;
        while let Some(entry) = self.read.first_entry().filter(|entry| is_settled(entry.get())) {
            self.floor = *entry.key();
            entry.remove();
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(followed: &mut Followed, ids: &[i64], now: Instant) -> Vec<i64> {
        let mut new: Vec<i64> = followed.note(ids.iter().copied(), now).into_iter().collect();
        new.sort_unstable();
        new
    }

    #[test]
    fn rows_in_order_are_read_once() {
        let (mut followed, now) = (Followed::new(3, true), Instant::now());
        assert_eq!(noted(&mut followed, &[4, 5], now), [4, 5]);
        assert_eq!(followed.floor(), 5);
    }

    #[test]
    fn a_row_that_appears_late_is_not_missed_and_none_is_returned_twice() {
        let (mut followed, start) = (Followed::new(0, false), Instant::now());
        assert_eq!(noted(&mut followed, &[1, 3], start), [1, 3]);
        assert_eq!(followed.floor(), 0);
        assert_eq!(noted(&mut followed, &[1, 2, 3], start + LATE / 2), [2]);
        // Rows 1 and 3 are settled, but row 2 between them is not.
        assert_eq!(noted(&mut followed, &[1, 2, 3, 4], start + LATE), [4]);
        assert_eq!(followed.floor(), 1);
        assert!(noted(&mut followed, &[2, 3, 4], start + LATE * 3 / 2).is_empty());
        assert_eq!(followed.floor(), 3);
    }
}
