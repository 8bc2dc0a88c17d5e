//! What is done beside the requests: codes that expired long ago are deleted (`otp.retention`), for what is not there
//! can't leak, and the database is kept in good order.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::idempotency::IdempotencyKey;
use crate::domain::limit::Event;
use crate::error::Result;
use crate::service::Service;
use crate::store::{idempotency_keys, inbox, limit_events, otps};

/// Codes of one transaction: few enough that a request which waits behind it does not notice.
const BATCH: i64 = 500;
const INBOX_KEEPS: Duration = Duration::from_secs(24 * 3600);

impl Service {
    /// Deletes what limits and repeated requests need no more, and what has stood in the development inbox for a day.
    pub async fn purge_traces(&self) -> Result<()> {
        while self
            .store
            .write({
                let clock = Arc::clone(&self.clock);
                move |db| {
                    let now = clock();
                    Ok(limit_events::delete_before(db, now.minus(Event::KEPT), BATCH)?
                        + idempotency_keys::delete_before(db, now.minus(IdempotencyKey::KEPT), BATCH)?
                        + inbox::delete_before(db, now.minus(INBOX_KEEPS), BATCH)?)
                }
            })
            .await?
            > 0
        {}
        Ok(())
    }

    /// Deletes the codes that expired longer than `retention` ago, in small transactions; how many there were.
    pub async fn purge_expired(&self, retention: Duration) -> Result<usize> {
        let mut purged = 0;
        loop {
            let clock = Arc::clone(&self.clock);
            let batch = self.store.write(move |db| otps::delete_expired(db, clock().minus(retention), BATCH)).await?;
            purged += batch;
            self.store.metrics().purged.inc_by(batch as u64);
            if batch == 0 {
                return Ok(purged);
            }
        }
    }

    /// Brings statistics up to date and moves the write-ahead log into the database, so that what was deleted is in
    /// neither. Gives the bytes that the log still has: some readers may have been in the way.
    pub async fn tidy(&self) -> Result<u64> {
        self.store.tidy().await?;
        Ok(self.store.wal_bytes())
    }
}
