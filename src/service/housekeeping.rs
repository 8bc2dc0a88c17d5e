//! What is done beside the requests: codes that expired long ago are deleted (`otp.retention`), for what is not there
//! can't leak, and the database is kept in good order.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::idempotency::IdempotencyKey;
use crate::domain::limit::Event;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::service::Service;
use crate::store::{Db, idempotency_keys, inbox, limit_events, otps};

/// Codes of one transaction: few enough that a request which waits behind it does not notice.
const BATCH: i64 = 500;
const INBOX_KEEPS: Duration = Duration::from_secs(24 * 3600);

impl Service {
    /// Deletes what limits and repeated requests need no more, and what has stood in the development inbox for a day.
    pub async fn purge_traces(&self) -> Result<()> {
        let delete = |db: &Db, now: Timestamp| {
            Ok(limit_events::delete_before(db, now.minus(Event::KEPT), BATCH)?
                + idempotency_keys::delete_before(db, now.minus(IdempotencyKey::KEPT), BATCH)?
                + inbox::delete_before(db, now.minus(INBOX_KEEPS), BATCH)?)
        };
        while self.purge(delete).await? > 0 {}
        Ok(())
    }

    /// Deletes the codes that expired longer than `retention` ago, in small transactions; how many there were.
    pub async fn purge_expired(&self, retention: Duration) -> Result<usize> {
        let mut purged = 0;
        loop {
            let batch = self.purge(move |db, now| otps::delete_expired(db, now.minus(retention), BATCH)).await?;
            purged += batch;
            self.store.metrics().purged.inc_by(batch as u64);
            if batch == 0 {
                return Ok(purged);
            }
        }
    }

    /// One transaction that deletes a batch; how many there were.
    async fn purge(&self, delete: impl Fn(&Db, Timestamp) -> Result<usize> + Send + 'static) -> Result<usize> {
        let clock = Arc::clone(&self.clock);
        self.store.write(move |db| delete(db, clock())).await
    }

    /// Brings statistics up to date and moves the WAL into the database, so that what was deleted is in
    /// neither. Gives the bytes that the WAL still has: some readers may have been in the way.
    pub async fn tidy(&self) -> Result<u64> {
        self.store.tidy().await?;
        Ok(self.store.wal_bytes())
    }
}
