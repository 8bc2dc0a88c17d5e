//! Refused requests, which are counted in memory until they are stored.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::domain::figures::{Counter, MAX_SUBJECTS};

/// The counts that are not stored yet, by hour and counter.
pub(super) type Counts = HashMap<(i64, Counter), u64>;

/// Refused requests since the last [`Refusals::take`].
#[derive(Default)]
pub(super) struct Refusals(Mutex<Counts>);

impl Refusals {
    /// Adds to each of the counters of an hour. The number of counters is bounded; further ones are counted as others.
    pub(super) fn add(&self, hour: i64, counters: Vec<Counter>, count: u64) {
        let mut counts = self.0.lock();
        for counter in counters {
            let is_full = counts.len() >= 4 * MAX_SUBJECTS && !counts.contains_key(&(hour, counter.clone()));
            let counter = if is_full { counter.for_other_subjects() } else { counter };
            *counts.entry((hour, counter)).or_default() += count;
        }
    }

    /// Returns the counts and forgets them.
    pub(super) fn take(&self) -> Counts {
        std::mem::take(&mut *self.0.lock())
    }

    /// Adds counts that could not be stored.
    pub(super) fn put_back(&self, counts: Counts) {
        for ((hour, counter), count) in counts {
            self.add(hour, vec![counter], count);
        }
    }
}
