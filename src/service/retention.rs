//! Codes that expired long ago are deleted (`otp.retention`): what is not there can't leak.

use std::time::Duration;

use crate::error::Result;
use crate::service::Service;
use crate::store::otps;

/// Codes of one transaction: few enough that a request which waits behind it does not notice.
const BATCH: i64 = 500;

impl Service {
    /// Deletes the codes that expired longer than `retention` ago, in small transactions; how many there were.
    pub async fn purge_expired(&self, retention: Duration) -> Result<usize> {
        let mut purged = 0;
        loop {
            let batch = self.write(move |db, now| otps::delete_expired(db, now.minus(retention), BATCH)).await?;
            purged += batch;
            if batch == 0 {
                return Ok(purged);
            }
        }
    }
}
