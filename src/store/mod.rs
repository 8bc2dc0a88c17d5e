//! The store. Only this module contains SQL. [`Store::read`] and [`Store::write`] are its two entry points.
//!
//! - `tables/`: the functions of the tables, one file each.
//! - `sqlite/`: the SQLite engine, and everything that only SQLite has.

mod db;
mod error;
mod row;
mod sqlite;
mod tables;
mod value;

use std::path::Path;

pub use crate::store::db::Db;
pub use crate::store::error::is_damaged_row;
pub use crate::store::row::{Column, Row};
pub use crate::store::sqlite::backup::{Contents, Replace, backup};
pub use crate::store::sqlite::create::Create;
pub use crate::store::sqlite::files::{admin_token_of, findings, give_to_owner_of};
pub use crate::store::sqlite::open_error::OpenError;
pub use crate::store::sqlite::options::Options;
pub use crate::store::sqlite::otp_search;
pub use crate::store::sqlite::outbox_lock::OutboxLock;
pub use crate::store::sqlite::path::{folder_of, rename_new};
pub use crate::store::sqlite::restore::{Restored, restore};
pub use crate::store::sqlite::returning::{RestoredAccess, Returning, ReturningToken, ReturningUser};
pub use crate::store::tables::{
    acceptance, audit_events, audit_list, audit_pages, audit_search, code_list, delivery_reports, event_deliveries,
    hourly_figures, idempotency_keys, inbox, limit_events, message_attempts, message_list, messages, next_channels,
    otp_list, otps, recipients, sent_forms, sessions, sign_in_links, tokens, users,
};
pub use crate::store::value::Value;

use crate::error::Result;
use crate::metrics::Metrics;
use crate::store::sqlite::Sqlite;

/// An open database. Clones share its connections.
#[derive(Clone)]
pub struct Store {
    sqlite: Sqlite,
    metrics: Metrics,
}

impl Store {
    /// Opens the SQLite database at `path` and brings its schema up to date.
    ///
    /// # Errors
    /// One sentence for the operator: which file, what is wrong, and what to do.
    pub fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        Ok(Self { sqlite: Sqlite::open(path, options)?, metrics: options.metrics.clone() })
    }

    /// Runs a short `work` on a reader, off the event loop, and returns its result. It reads one snapshot: everything
    /// committed before it began. Fails as unavailable after two seconds of waiting or two seconds of work.
    pub async fn read<T: Send + 'static>(&self, work: impl FnOnce(&Db) -> Result<T> + Send + 'static) -> Result<T> {
        self.sqlite.read(work).await
    }

    /// The same for `work` that reads a few rows by their keys. It runs on the event loop if the disk is quick, and may
    /// run again if the database was locked.
    pub async fn look_up<T: Send + 'static>(&self, work: impl Fn(&Db) -> Result<T> + Send + 'static) -> Result<T> {
        self.sqlite.look_up(work).await
    }

    /// The same for `work` that may take long. It delays neither a [`Store::read`] nor the lists of other tokens.
    pub async fn read_list<T: Send + 'static>(
        &self,
        token_id: i64,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.sqlite.read_list(token_id, work).await
    }

    /// Returns a clone for one event loop. Its look-ups run on that event loop. If more than `Options::event_loops` are
    /// requested, the look-ups of the others run on threads.
    #[must_use]
    pub fn for_event_loop(&self) -> Self {
        Self { sqlite: self.sqlite.for_event_loop(), ..self.clone() }
    }

    /// Runs `work` inside a write transaction and returns its result once it is on the disk. An `Err` rolls back only
    /// the changes of this `work`. `work` may run again if another change of the same transaction failed, so it must keep
    /// no state of its own.
    pub async fn write<T: Send + 'static>(&self, work: impl Fn(&Db) -> Result<T> + Send + 'static) -> Result<T> {
        self.sqlite.write(work).await
    }

    /// Checks that the database can be read and written, and that its schema is the latest.
    pub async fn check(&self) -> Result<()> {
        self.sqlite.check().await
    }

    /// Tries to take the right to deliver messages. `None` while another process holds it, or while the lock file or the
    /// database is not in order. The cause is logged once, and `/readyz` answers 503.
    pub fn try_own_outbox(&self) -> Option<OutboxLock> {
        self.sqlite.try_own_outbox()
    }

    /// Refuses a message that no process could deliver.
    ///
    /// # Errors
    /// Unavailable, while the outbox lock is not in order. The cause has been logged.
    pub fn require_outbox(&self) -> Result<()> {
        self.sqlite.require_outbox()
    }

    /// Updates the statistics and makes a checkpoint.
    pub async fn optimize_and_checkpoint(&self) -> Result<()> {
        self.sqlite.optimize_and_checkpoint().await
    }

    /// The metrics counted while the program runs.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The metrics, with the current sizes.
    pub async fn measure(&self) -> Result<&Metrics> {
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.metrics.database_bytes.set(bytes(self.sqlite.database_bytes()));
        self.metrics.wal_bytes.set(bytes(self.wal_bytes()));
        let count = |db: &Db| Ok((otp_list::total(db)?, messages::count_open(db)?, event_deliveries::count(db)?));
        let (codes, open, events) = self.read(count).await?;
        self.metrics.codes.set(codes);
        self.metrics.outbox.set(open);
        self.metrics.waiting_events.set(events);
        Ok(&self.metrics)
    }

    /// The size of the WAL, in bytes.
    pub fn wal_bytes(&self) -> u64 {
        self.sqlite.wal_bytes()
    }

    /// The path of the database, with symbolic links resolved.
    pub fn database(&self) -> &Path {
        self.sqlite.database()
    }

    /// Waits until the writer has stopped because the disk failed. The process should then end and be restarted.
    pub async fn failed(&self) {
        self.sqlite.failed().await;
    }

    /// Finishes the queued changes, makes a checkpoint and ends the writer. Later writes are refused.
    pub fn close(&self) {
        self.sqlite.close();
    }
}
