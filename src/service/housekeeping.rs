//! Work beside the requests: rows are deleted when their retention is over, and the database is kept in good order.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::idempotency::IdempotencyKey;
use crate::domain::limit::Event;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::service::Service;
use crate::store::{Db, idempotency_keys, inbox, limit_events, otps, recipients};

/// Rows of one transaction: so few that a request behind it hardly waits.
const BATCH: i64 = 500;
const DAY: Duration = Duration::from_secs(24 * 3600);
const INBOX_KEPT: Duration = DAY;
/// How long a recipient's failures are kept after the last one.
const FAILURES_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// The same for a recipient that is locked out (`otp.max_consecutive_failures`).
const LOCKS_KEPT: Duration = Duration::from_secs(400 * 24 * 3600);

impl Service {
    /// The newest moment of a change that is stored; `None`: there is none, or it can't be read.
    pub async fn newest_moment(&self) -> Option<Timestamp> {
        self.store.read(|db| Ok(limit_events::newest(db)?.max(otps::newest_update(db)?))).await.ok().flatten()
    }

    /// Deletes rows that limits, lock-outs, repeated requests and the development inbox no longer need.
    pub async fn purge_traces(&self) -> Result<()> {
        let locked = self.policy.max_consecutive_failures.unwrap_or(u32::MAX);
        let delete = move |db: &Db, now: Timestamp| {
            Ok(limit_events::delete_before(db, now.minus(Event::KEPT), BATCH)?
                + idempotency_keys::delete_before(db, now.minus(IdempotencyKey::KEPT), BATCH)?
                + inbox::delete_before(db, now.minus(INBOX_KEPT), BATCH)?
                + recipients::delete_before(db, now.minus(FAILURES_KEPT), locked, BATCH)?
                + recipients::delete_before(db, now.minus(LOCKS_KEPT), u32::MAX, BATCH)?)
        };
        while self.purge(delete).await? > 0 {}
        Ok(())
    }

    /// Deletes what was stored for a moment later than now, and expires codes that were issued then. None of it is trusted
    /// anyway (`domain/clock.rs`), but it would count once that moment has come. Failures of recipients stay: they count
    /// whatever their time.
    pub async fn purge_untrusted(&self) -> Result<()> {
        let delete = |db: &Db, now: Timestamp| {
            Ok(limit_events::delete_after(db, now, BATCH)?
                + idempotency_keys::delete_after(db, now, BATCH)?
                + inbox::delete_after(db, now, BATCH)?
                + otps::expire_untrusted(db, now, BATCH)?)
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
