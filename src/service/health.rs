//! Checks the system clock against the timestamps in the database.

use crate::domain::clock::is_trusted;
use crate::domain::timestamp::Timestamp;
use crate::store::{Store, otps};

/// Checks whether the clock can be right and returns a description of it. `known_past` is a time that has certainly
/// passed, such as the installation of otpd. Codes created later than `now` do not prove that the clock is wrong: it
/// may have been wrong when they were created.
///
/// # Errors
/// A description of the problem with advice for the operator.
pub async fn clock(store: &Store, now: Timestamp, known_past: Timestamp) -> Result<String, String> {
    let created = store.read(otps::creation_times).await.map_err(|error| error.to_string())?;
    if !is_trusted(known_past, now) {
        return Err(format!("{now} is before the installation of otpd ({known_past}); correct the clock and use NTP"));
    }
    match created {
        Some([newest, latest]) if !is_trusted(latest, now) => {
            let hint =
                if is_trusted(newest, now) { "" } else { "; if the clock is behind now, correct it and use NTP" };
            Ok(format!(
                "{now}. The clock was ahead before: a code was created at {latest}, and data stored then is not \
                 trusted{hint}"
            ))
        }
        _ => Ok(now.to_string()),
    }
}
