//! How far a stored moment is trusted. The clock of a machine can run ahead by days and be corrected later; what was stored
//! meanwhile then lies in the future. One rule holds everywhere: **a stored moment that is later than now is not trusted**.
//! A limit, a cooldown or a code that began at such a moment counts as if it had never begun.

use std::time::Duration;

use crate::domain::timestamp::Timestamp;

/// Whether a stored moment can be true at `now`.
pub fn is_trusted(stored: Timestamp, now: Timestamp) -> bool {
    stored <= now
}

/// How much is left at `now` of a period that began at a stored moment and lasts for `length`. `None`: the period is over,
/// or its beginning is not trusted. The result is never more than `length`.
pub fn time_left(began: Timestamp, length: Duration, now: Timestamp) -> Option<Duration> {
    let end = began.plus(length);
    (is_trusted(began, now) && now < end).then(|| end.since(now))
}

/// The moments whose rows a purge keeps, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Kept {
    /// Rows are kept for `retention`. A row that lies further than that in the future is deleted too: it was stored while
    /// the clock was wrong, and would otherwise stay until that moment has come.
    pub fn at(now: Timestamp, retention: Duration) -> Self {
        Self { from: now.minus(retention), to: now.plus(retention) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    #[test]
    fn a_moment_later_than_now_is_not_trusted() {
        assert!(is_trusted(at(5), at(5)));
        assert!(is_trusted(at(4), at(5)));
        assert!(!is_trusted(Timestamp::from_micros(5_000_001).unwrap(), at(5)));
    }

    #[test]
    fn a_period_never_lasts_longer_than_its_own_length() {
        assert_eq!(time_left(at(0), HOUR, at(0)), Some(HOUR));
        assert_eq!(time_left(at(0), HOUR, at(3599)), Some(Duration::from_secs(1)));
        assert_eq!(time_left(at(0), HOUR, at(3600)), None);
        for began_later in [1, 3600, 400 * 24 * 3600] {
            assert_eq!(time_left(at(began_later), HOUR, at(0)), None, "{began_later}");
        }
    }

    #[test]
    fn a_purge_keeps_as_much_of_the_future_as_of_the_past() {
        assert_eq!(Kept::at(at(10_000), HOUR), Kept { from: at(6400), to: at(13_600) });
    }
}
