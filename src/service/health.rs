//! What can be told of the machine from the database.

use crate::domain::timestamp::Timestamp;
use crate::store::{Store, otps};

/// Whether the clock can be right: codes were not made in the future.
///
/// # Errors
/// What to do.
pub async fn clock(store: &Store, now: Timestamp) -> Result<String, String> {
    let newest = store.read(otps::newest).await.map_err(|error| error.to_string())?;
    match newest {
        Some(newest) if newest > now => {
            Err(format!("it says {now}, and a code was made at {newest}; set it, and let NTP keep it"))
        }
        _ => Ok(format!("it says {now}")),
    }
}
