//! Trust in stored times. A system clock can run ahead by days and be corrected later. Times stored in between are then
//! in the future. One rule applies everywhere: **a stored time that is later than now is not trusted**. A limit, a
//! cooldown or a code with such a start time counts as not started.

use std::time::Duration;

use crate::domain::timestamp::Timestamp;

/// Whether a stored time is trusted at `now`.
pub fn is_trusted(stored: Timestamp, now: Timestamp) -> bool {
    stored <= now
}

/// Returns the time left at `now` of a period of `length` that began at the stored time `began`. `None`: the period is
/// over, or `began` is not trusted. The result never exceeds `length`.
pub fn time_left(began: Timestamp, length: Duration, now: Timestamp) -> Option<Duration> {
    let end = began.plus(length);
    (is_trusted(began, now) && now < end).then(|| end.since(now))
}

/// How long the clock must have been steady before a purge deletes rows with a time later than now. A clock that is
/// behind at boot is usually corrected sooner, so no data is lost.
pub const STEADY: Duration = Duration::from_secs(3600);
/// A larger difference between the system clock and a monotonic clock is a jump.
const JUMP: Duration = Duration::from_secs(60);

/// Whether the system clock jumped: it advanced from `from` to `to` while a monotonic clock measured `elapsed`.
pub fn has_jumped(from: Timestamp, to: Timestamp, elapsed: Duration) -> bool {
    let expected = from.plus(elapsed);
    to.since(expected).max(expected.since(to)) > JUMP
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    #[test]
    fn a_time_later_than_now_is_not_trusted() {
        assert!(is_trusted(at(5), at(5)));
        assert!(is_trusted(at(4), at(5)));
        assert!(!is_trusted(Timestamp::from_micros(5_000_001).unwrap(), at(5)));
    }

    #[test]
    fn the_time_left_never_exceeds_the_length() {
        assert_eq!(time_left(at(0), HOUR, at(0)), Some(HOUR));
        assert_eq!(time_left(at(0), HOUR, at(3599)), Some(Duration::from_secs(1)));
        assert_eq!(time_left(at(0), HOUR, at(3600)), None);
        for began_later in [1, 3600, 400 * 24 * 3600] {
            assert_eq!(time_left(at(began_later), HOUR, at(0)), None, "{began_later}");
        }
    }

    #[test]
    fn a_jump_is_a_difference_of_more_than_a_minute_in_either_direction() {
        assert!(!has_jumped(at(1000), at(1060), HOUR / 60));
        assert!(!has_jumped(at(1000), at(1120), HOUR / 60));
        assert!(!has_jumped(at(1000), at(1000), HOUR / 60));
        assert!(has_jumped(at(1000), at(1121), HOUR / 60));
        assert!(has_jumped(at(1000), at(999), HOUR / 60));
    }
}
