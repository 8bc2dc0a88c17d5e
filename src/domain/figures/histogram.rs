//! Durations counted in buckets, from which percentiles are estimated.

use std::time::Duration;

/// The number of buckets of a histogram.
pub const BUCKETS: usize = 12;

/// Counts of durations in buckets. A bucket contains the durations up to its upper bound, without those of the bucket
/// before. The last one also contains all longer durations.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Upper bounds of the buckets in seconds.
    pub bounds: &'static [f64; BUCKETS],
    pub counts: [u64; BUCKETS],
}

impl Histogram {
    /// From the first sending of a code to its verification. A sent code is valid for at most ten minutes.
    pub const VERIFICATION: Self =
        Self::empty(&[5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0]);
    /// An attempt to deliver a message. The longest configurable timeout is two minutes.
    pub const ATTEMPT: Self = Self::empty(&[0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 120.0]);

    const fn empty(bounds: &'static [f64; BUCKETS]) -> Self {
        Self { bounds, counts: [0; BUCKETS] }
    }

    /// The index of the bucket of a duration.
    pub fn bucket(&self, duration: Duration) -> usize {
        let seconds = duration.as_secs_f64();
        self.bounds.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS - 1)
    }

    /// Adds `count` durations to a bucket. An index out of range is ignored.
    pub fn add(&mut self, bucket: usize, count: u64) {
        if let Some(counted) = self.counts.get_mut(bucket) {
            *counted += count;
        }
    }

    /// The number of durations.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Estimates the duration in seconds that the share `of` (from 0 to 1) of all durations does not exceed. The
    /// durations of a bucket are taken as evenly spread. `None`: there are no durations.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn percentile(&self, of: f64) -> Option<f64> {
        let rank = of * self.total() as f64;
        let (mut below, mut lower) = (0.0, 0.0);
        let mut estimate = None;
        for (count, upper) in self.counts.iter().zip(self.bounds) {
            let count = *count as f64;
            if count > 0.0 {
                let part = ((rank - below) / count).clamp(0.0, 1.0);
                estimate = Some(lower + part * (upper - lower));
                if below + count >= rank {
                    return estimate;
                }
            }
            (below, lower) = (below + count, *upper);
        }
        estimate
    }
}
