//! The meaning of the response to an event.

use std::time::Duration;

use chrono::DateTime;

use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::Answer;

/// Returns the answer for a status and a header `Retry-After`: 2xx means accepted, and 410 that the endpoint does not
/// want the event.
pub(super) fn answer_of(status: u16, retry_after: Option<&str>, now: Timestamp) -> Answer {
    match status {
        200..=299 => Answer::Accepted,
        410 => Answer::Gone,
        _ => Answer::Failed {
            error: format!("status {status}"),
            retry_after: retry_after.and_then(|text| wait(text, now)),
        },
    }
}

/// Parses a header `Retry-After`: seconds or a date (RFC 9110, 10.2.3).
fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    Some(Timestamp::from(date.to_utc()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2025-12-29T14:38:33Z").unwrap()
    }

    #[test]
    fn only_a_status_of_2xx_or_410_ends_an_event() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(answer_of(status, None, now()), Answer::Accepted, "{status}");
        }
        assert_eq!(answer_of(410, Some("5"), now()), Answer::Gone);
        for status in [199, 300, 301, 302, 304, 307, 400, 401, 404, 409, 429, 500, 502, 503] {
            let failed = Answer::Failed { error: format!("status {status}"), retry_after: None };
            assert_eq!(answer_of(status, None, now()), failed, "{status}");
        }
    }

    #[test]
    fn retry_after_is_a_number_of_seconds_or_a_date() {
        for (text, seconds) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("Mon, 29 Dec 2025 14:39:33 GMT", Some(60)),
            ("Mon, 29 Dec 2025 14:38:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("", None),
        ] {
            let Answer::Failed { retry_after, .. } = answer_of(503, Some(text), now()) else {
                panic!("503 is a failure");
            };
            assert_eq!(retry_after.map(|wait| wait.as_secs()), seconds, "{text}");
        }
    }
}
