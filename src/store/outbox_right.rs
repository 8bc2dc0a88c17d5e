//! The right to deliver messages. Only one process per database has it.

use crate::store::postgres::Postgres;
use crate::store::sqlite::outbox_lock::OutboxLock;

/// The right to deliver messages, until it is released or dropped.
pub struct OutboxRight(Holder);

enum Holder {
    /// A lock on a file beside the database.
    Sqlite(OutboxLock),
    /// A row that is renewed.
    Postgres(Postgres),
}

impl OutboxRight {
    pub(super) fn of_sqlite(lock: OutboxLock) -> Self {
        Self(Holder::Sqlite(lock))
    }

    /// `None`: another process has the right, or the database can't be changed.
    pub(super) async fn of_postgres(postgres: &Postgres) -> Option<Self> {
        let is_held = postgres.take_outbox().await.unwrap_or(false);
        is_held.then(|| Self(Holder::Postgres(postgres.clone())))
    }

    /// Whether this process still has the right. Renews it on PostgreSQL, so this is called once a second.
    pub async fn is_valid(&self) -> bool {
        match &self.0 {
            Holder::Sqlite(lock) => lock.is_valid(),
            Holder::Postgres(postgres) => postgres.renew_outbox().await.unwrap_or(false),
        }
    }

    /// Gives the right up, so that another process can take it at once.
    pub async fn release(self) {
        match self.0 {
            Holder::Sqlite(lock) => drop(lock),
            // If this fails, the right ends after ten seconds.
            Holder::Postgres(postgres) => drop(postgres.release_outbox().await),
        }
    }
}
