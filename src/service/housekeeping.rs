//! Background maintenance: deletes rows whose retention period is over and maintains the database.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::audit::{Action, NewEvent, Origin};
use crate::domain::figures::{self, hour_of};
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::limit::Event;
use crate::domain::otp::OtpId;
use crate::domain::recipient::Recipient;
use crate::domain::session::{IDLE, LINK_LIVES};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::service::Service;
use crate::store::{
    Db, audit_events, audit_search, hourly_figures, idempotency_keys, inbox, limit_events, otps, recipients, sessions,
    sign_in_links,
};

/// Maximum number of rows that one transaction deletes. Small transactions keep the wait of requests short.
const BATCH: i64 = 500;
/// On a shared database, rows are stored while untrusted ones are deleted, and the clocks of the processes differ by some
/// milliseconds. Rows that are at most this much later than now are kept.
const MARGIN: Duration = Duration::from_millis(500);
const DAY: Duration = Duration::from_secs(24 * 3600);
const INBOX_KEPT: Duration = DAY;
/// How long the failures of a recipient are kept after the last one.
const FAILURES_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long the failures of a locked-out recipient are kept after the last one (`otp.max_consecutive_failures`).
const LOCKS_KEPT: Duration = Duration::from_secs(400 * 24 * 3600);

/// Deletes or expires one batch of rows whose times are later than `after`. The clock was wrong when they were stored.
/// Returns the number of rows.
type Deletion = fn(&Db, after: Timestamp, now: Timestamp) -> Result<usize>;

impl Service {
    /// Returns the time of the newest stored change. `None`: there is no change, or the database can't be read.
    pub async fn newest_timestamp(&self) -> Option<Timestamp> {
        self.store.read(|db| Ok(limit_events::newest(db)?.max(otps::newest_update(db)?))).await.ok().flatten()
    }

    /// Deletes expired rows of limits, lock-outs, idempotency keys, figures, sessions, sign-in links, undelivered events
    /// and the development inbox. A session that is too old has no activity either, so its last activity decides.
    pub async fn purge_counters(&self) -> Result<()> {
        let locked = self.policy.max_consecutive_failures.unwrap_or(u32::MAX);
        let delete = move |db: &Db, now: Timestamp| {
            Ok(limit_events::delete_before(db, now.minus(Event::KEPT), BATCH)?
                + idempotency_keys::delete_before(db, now.minus(IdempotencyKey::KEPT), BATCH)?
                + inbox::delete_before(db, now.minus(INBOX_KEPT), BATCH)?
                + sessions::delete_before(db, now.minus(IDLE), BATCH)?
                + sign_in_links::delete_before(db, now.minus(LINK_LIVES), BATCH)?
                + recipients::delete_before(db, now.minus(FAILURES_KEPT), locked, BATCH)?
                + recipients::delete_before(db, now.minus(LOCKS_KEPT), u32::MAX, BATCH)?
                + hourly_figures::delete_before(db, hour_of(now.minus(figures::KEPT)), BATCH)?)
        };
        while self.purge(delete).await? > 0 {}
        self.purge_events().await
    }

    /// Deletes rows with a time in the future and expires codes with an issue time in the future. Such rows are not
    /// trusted (`domain/clock.rs`), but would take effect once that time has come. Failures of recipients are kept
    /// because they count regardless of their time.
    pub async fn purge_untrusted(&self) -> Result<()> {
        let margin = if self.store.is_shared() { MARGIN } else { Duration::ZERO };
        // Each in a transaction of its own, so that the clock is read immediately before the statement.
        let deletions: [Deletion; 7] = [
            |db, after, _| limit_events::delete_after(db, after, BATCH),
            |db, after, _| idempotency_keys::delete_after(db, after, BATCH),
            |db, after, _| inbox::delete_after(db, after, BATCH),
            |db, after, _| sessions::delete_after(db, after, BATCH),
            |db, after, _| sign_in_links::delete_after(db, after, BATCH),
            |db, after, _| hourly_figures::delete_after(db, hour_of(after), BATCH),
            expire_untrusted,
        ];
        for delete in deletions {
            while self.purge(move |db, now| delete(db, now.plus(margin), now)).await? > 0 {}
        }
        Ok(())
    }

    /// Deletes the codes that expired longer than `retention` ago, in small transactions. Returns the number of deleted
    /// codes.
    pub async fn purge_expired(&self, retention: Duration) -> Result<usize> {
        let mut purged = 0;
        loop {
            let batch = self.purge(move |db, now| delete_expired(db, now.minus(retention), now)).await?;
            purged += batch;
            self.store.metrics().purged.inc_by(batch as u64);
            if batch == 0 {
                return Ok(purged);
            }
        }
    }

    /// Deletes the events of the audit trail that are older than `retention`, in small transactions. Returns the number
    /// of deleted events.
    pub async fn purge_audit(&self, retention: Duration) -> Result<usize> {
        let mut purged = 0;
        loop {
            let batch = self.purge(move |db, now| audit_search::delete_before(db, now.minus(retention))).await?;
            purged += batch;
            if batch == 0 {
                return Ok(purged);
            }
        }
    }

    /// Deletes one batch in a transaction. Returns the number of deleted rows.
    async fn purge(&self, delete: impl Fn(&Db, Timestamp) -> Result<usize> + Send + 'static) -> Result<usize> {
        let clock = Arc::clone(&self.clock);
        self.store.write(move |db| delete(db, clock())).await
    }

    /// Updates the statistics of the query planner and checkpoints the WAL, so that deleted data remains in neither the
    /// database nor the WAL. Returns the size of the WAL in bytes, which is not 0 if readers blocked the checkpoint.
    pub async fn optimize_and_checkpoint(&self) -> Result<u64> {
        self.store.optimize_and_checkpoint().await?;
        Ok(self.store.wal_bytes())
    }
}

/// Deletes one batch of the codes that expired before `until`, and records each deletion.
fn delete_expired(db: &Db, until: Timestamp, now: Timestamp) -> Result<usize> {
    let deleted = otps::delete_expired(db, until, BATCH)?;
    record(db, Action::OtpDelete, &deleted, now)
}

/// Expires one batch of codes with an issue time later than `after`, and records each update.
fn expire_untrusted(db: &Db, after: Timestamp, now: Timestamp) -> Result<usize> {
    let expired = otps::expire_untrusted(db, after, now, BATCH)?;
    record(db, Action::OtpUpdate, &expired, now)
}

/// Records one event of otpd itself for each code. Returns their number.
fn record(db: &Db, action: Action, otps: &[(OtpId, Option<Recipient>)], now: Timestamp) -> Result<usize> {
    let origin = Origin::system();
    for (id, recipient) in otps {
        let event = NewEvent { otp: Some(*id), recipient: recipient.clone(), ..NewEvent::new(action) };
        audit_events::insert(db, &origin, &event, now)?;
    }
    Ok(otps.len())
}
