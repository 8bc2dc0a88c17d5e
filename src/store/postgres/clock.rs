//! The clock of the server. All processes of a database use it, because the rules compare times that different processes
//! stored.
//!
//! Each transaction begins with a comparison of the clocks. The server's time is already past when its message arrives,
//! so a comparison shows the least difference that the clocks can have. The greatest of the last comparisons is the most
//! exact one.

use std::time::{Duration, Instant};

use chrono::Utc;
use parking_lot::Mutex;
use prometheus::Gauge;

/// How long a comparison counts, at least. Clocks drift by less than a millisecond meanwhile.
const PERIOD: Duration = Duration::from_secs(10);

/// The difference between the clock of the server and the local one.
pub(super) struct ServerClock {
    differences: Mutex<Differences>,
    gauge: Gauge,
}

/// Microseconds by which the server's clock is ahead.
struct Differences {
    began: Instant,
    /// The greatest difference of the present period.
    present: Option<i64>,
    /// That of the period before.
    last: Option<i64>,
}

impl ServerClock {
    pub(super) fn new(gauge: Gauge) -> Self {
        let differences = Differences { began: Instant::now(), present: None, last: None };
        Self { differences: Mutex::new(differences), gauge }
    }

    /// Notes a time of the server that has just arrived, in microseconds since 1970.
    pub(super) fn compare(&self, server: i64) {
        self.note(server.saturating_sub(Utc::now().timestamp_micros()), Instant::now());
    }

    fn note(&self, difference: i64, now: Instant) {
        let mut differences = self.differences.lock();
        if now.saturating_duration_since(differences.began) >= PERIOD {
            differences.began = now;
            differences.last = differences.present.take();
        }
        differences.present = differences.present.max(Some(difference));
        self.gauge.set(differences.offset() as f64 / 1e6);
    }

    /// The microseconds by which the server's clock is ahead of the local one. 0 before the first comparison.
    pub(super) fn offset(&self) -> i64 {
        self.differences.lock().offset()
    }
}

impl Differences {
    fn offset(&self) -> i64 {
        self.present.max(self.last).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_difference_of_two_periods_counts() {
        let clock = ServerClock::new(Gauge::new("offset", "offset").unwrap());
        let start = Instant::now();
        let after = |seconds, difference| {
            clock.note(difference, start + Duration::from_secs(seconds));
            clock.offset()
        };
        assert_eq!(clock.offset(), 0);
        assert_eq!(after(1, -500), -500);
        assert_eq!(after(2, -900), -500);
        assert_eq!(after(3, -400), -400);
        // A new period: the last one still counts.
        assert_eq!(after(11, -800), -400);
        // The clocks have drifted, and the first period no longer counts.
        assert_eq!(after(22, -700), -700);
    }
}
