//! The clock of the server. All processes of a database use it, because the rules compare times that different processes
//! stored.
//!
//! Each connection compares the server's clock with a monotonic one once per second while it is used, so that a jump of
//! the local clock has no effect. The server's time is already past when its message arrives, so each comparison
//! underestimates the difference by the delay of the network. The greatest recent one is the most exact.

use std::time::{Duration, Instant};

use chrono::Utc;
use parking_lot::Mutex;
use prometheus::Gauge;

/// The time of the server in microseconds, as an expression of SQL.
macro_rules! server_now {
    () => {
        "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"
    };
}
pub(in crate::store) use server_now;

/// How long a comparison counts, at least. Clocks drift by less than a millisecond meanwhile.
const PERIOD: Duration = Duration::from_secs(10);

/// The clock of the server, as known from the last comparisons.
pub(super) struct ServerClock {
    /// The zero of the monotonic clock.
    start: Instant,
    differences: Mutex<Differences>,
    gauge: Gauge,
}

/// Microseconds by which the server's clock is ahead of the monotonic one.
struct Differences {
    began: Instant,
    /// The greatest difference of the present period.
    present: Option<i64>,
    /// That of the period before.
    last: Option<i64>,
}

impl ServerClock {
    pub(super) fn new(gauge: Gauge) -> Self {
        let start = Instant::now();
        let differences = Differences { began: start, present: None, last: None };
        Self { start, differences: Mutex::new(differences), gauge }
    }

    /// Notes a time of the server, in microseconds since 1970, that arrived at `at`.
    pub(super) fn compare(&self, server: i64, at: Instant) {
        self.note(server.saturating_sub(self.monotonic(at)), at);
        self.gauge.set(self.offset() as f64 / 1e6);
    }

    /// The same for a time of another server than before. Earlier comparisons no longer count.
    pub(super) fn restart(&self, server: i64) {
        let now = Instant::now();
        let present = Some(server.saturating_sub(self.monotonic(now)));
        *self.differences.lock() = Differences { began: now, present, last: None };
    }

    fn monotonic(&self, now: Instant) -> i64 {
        i64::try_from(now.saturating_duration_since(self.start).as_micros()).unwrap_or(i64::MAX)
    }

    fn note(&self, difference: i64, now: Instant) {
        let mut differences = self.differences.lock();
        if now.saturating_duration_since(differences.began) >= PERIOD {
            differences.began = now;
            differences.last = differences.present.take();
        }
        differences.present = differences.present.max(Some(difference));
    }

    /// The time of the server, in microseconds since 1970. The local time before the first comparison.
    pub(super) fn now(&self) -> i64 {
        let now = Instant::now();
        self.difference().map_or_else(|| Utc::now().timestamp_micros(), |difference| difference + self.monotonic(now))
    }

    /// The microseconds by which the server's clock is ahead of the local one.
    pub(super) fn offset(&self) -> i64 {
        self.now() - Utc::now().timestamp_micros()
    }

    fn difference(&self) -> Option<i64> {
        let differences = self.differences.lock();
        differences.present.max(differences.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_that_of_the_present_server() {
        let clock = ServerClock::new(Gauge::new("offset", "offset").unwrap());
        let server = || Utc::now().timestamp_micros() + 60_000_000;
        clock.compare(server(), Instant::now());
        assert!((clock.now() - server()).abs() < 50_000);
        assert!((clock.offset() - 60_000_000).abs() < 50_000);
        let other_server = || Utc::now().timestamp_micros() - 60_000_000;
        clock.restart(other_server());
        assert!((clock.now() - other_server()).abs() < 50_000);
    }

    #[test]
    fn the_greatest_difference_of_two_periods_counts() {
        let clock = ServerClock::new(Gauge::new("offset", "offset").unwrap());
        let start = Instant::now();
        let after = |seconds, difference| {
            clock.note(difference, start + Duration::from_secs(seconds));
            clock.difference()
        };
        assert_eq!(clock.difference(), None);
        assert_eq!(after(1, -500), Some(-500));
        assert_eq!(after(2, -900), Some(-500));
        assert_eq!(after(3, -400), Some(-400));
        // A new period: the last one still counts.
        assert_eq!(after(11, -800), Some(-400));
        // The clocks have drifted, and the first period no longer counts.
        assert_eq!(after(22, -700), Some(-700));
    }
}
