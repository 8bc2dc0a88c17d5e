//! The sizes of a database.

use crate::error::Result;
use crate::metrics::Metrics;
use crate::store::{Db, Engine, Store, event_deliveries, messages, otp_list};

impl Store {
    /// The metrics, with the current sizes.
    pub async fn measure(&self) -> Result<&Metrics> {
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let size = match &self.engine {
            Engine::Sqlite(sqlite) => bytes(sqlite.database_bytes()),
            Engine::Postgres(postgres) => postgres.database_bytes().await?,
        };
        self.metrics.database_bytes.set(size);
        self.metrics.wal_bytes.set(bytes(self.wal_bytes()));
        let count = |db: &Db| Ok((otp_list::total(db)?, messages::count_open(db)?, event_deliveries::count(db)?));
        let (codes, open, events) = self.read(count).await?;
        self.metrics.codes.set(codes);
        self.metrics.outbox.set(open);
        self.metrics.waiting_events.set(events);
        Ok(&self.metrics)
    }

    /// The size of the WAL of an SQLite database, in bytes. For PostgreSQL, 0.
    pub fn wal_bytes(&self) -> u64 {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.wal_bytes(),
            Engine::Postgres(_) => 0,
        }
    }
}
