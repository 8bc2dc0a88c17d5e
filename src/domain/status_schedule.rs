//! When a provider is asked for the delivery status of a message.

use std::time::Duration;

use crate::domain::timestamp::Timestamp;

/// The first requests, as the time since the provider accepted the message.
const FIRST: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(30)];
const MINUTE_MICROS: i64 = 60_000_000;

/// Returns when the status of a message is due next: 5, 15 and 30 seconds after the provider accepted it, and then every
/// minute while its code is valid. The last request is made when the code expires.
///
/// From 30 seconds on, all messages are due at the same moments, full minutes. One request then asks for as many
/// messages as the provider allows.
pub fn next_status_request(accepted_at: Timestamp, valid_to: Timestamp, now: Timestamp) -> Option<Timestamp> {
    // A message was accepted in the future if the clock was wrong.
    let first = FIRST.iter().map(|after| accepted_at.plus(*after)).find(|at| *at > now && accepted_at <= now);
    let next = first.unwrap_or_else(|| {
        let minutes = (now.plus(FIRST[2]).as_micros() - 1).div_euclid(MINUTE_MICROS) + 1;
        let until = minutes * MINUTE_MICROS - now.as_micros();
        now.plus(Duration::from_micros(u64::try_from(until).unwrap_or_default()))
    });
    (now < valid_to).then(|| next.min(valid_to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    #[test]
    fn a_status_is_due_after_5_15_and_30_seconds_and_then_at_full_minutes_until_the_code_expires() {
        let mut requests = Vec::new();
        let mut now = at(600);
        while let Some(next) = next_status_request(at(600), at(900), now) {
            requests.push((next.as_micros() - at(600).as_micros()) / 1_000_000);
            now = next;
        }
        assert_eq!(requests, [5, 15, 30, 60, 120, 180, 240, 300]);
    }

    #[test]
    fn all_messages_are_due_at_the_same_full_minutes() {
        for accepted in 0..60 {
            let next = next_status_request(at(accepted), at(900), at(accepted + 30)).unwrap();
            assert_eq!(next, at(if accepted == 0 { 60 } else { 120 }), "accepted at {accepted}");
        }
    }

    #[test]
    fn a_message_that_was_accepted_while_the_clock_was_wrong_is_due_at_the_next_full_minute() {
        assert_eq!(next_status_request(at(9000), at(900), at(10)), Some(at(60)));
    }

    #[test]
    fn a_message_with_an_expired_code_is_never_due() {
        assert_eq!(next_status_request(at(0), at(100), at(99)), Some(at(100)));
        assert_eq!(next_status_request(at(0), at(100), at(100)), None);
        assert_eq!(next_status_request(at(0), at(3), at(0)), Some(at(3)));
    }
}
