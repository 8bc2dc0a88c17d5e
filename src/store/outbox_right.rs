//! The right to deliver messages. Only one process per database has it.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::error::Error;
use crate::store::postgres::Postgres;
use crate::store::sqlite::outbox_lock::OutboxLock;

/// How long after a renewal this process relies on its right. The server ends the right two seconds later.
const CERTAIN: Duration = Duration::from_secs(8);

/// The right to deliver messages, until it is released or dropped.
pub struct OutboxRight(Holder);

enum Holder {
    /// A lock on a file beside the database.
    Sqlite(OutboxLock),
    /// A row that is renewed, and when it was renewed last.
    Postgres(Box<Postgres>, Mutex<Instant>),
}

impl OutboxRight {
    pub(super) fn of_sqlite(lock: OutboxLock) -> Self {
        Self(Holder::Sqlite(lock))
    }

    /// `None`: another process has the right, or the database can't be changed.
    pub(super) async fn of_postgres(postgres: &Postgres) -> Option<Self> {
        let asked = Instant::now();
        if !postgres.take_outbox().await.unwrap_or(false) {
            return None;
        }
        log::info!("this process delivers the messages and events of the database");
        Some(Self(Holder::Postgres(Box::new(postgres.clone()), Mutex::new(asked))))
    }

    /// Whether this process still has the right. Renews it on PostgreSQL, so this is called once a second.
    pub async fn is_valid(&self) -> bool {
        let (postgres, renewed) = match &self.0 {
            Holder::Sqlite(lock) => return lock.is_valid(),
            Holder::Postgres(postgres, renewed) => (postgres, renewed),
        };
        let asked = Instant::now();
        let left = CERTAIN.saturating_sub(renewed.lock().elapsed());
        let late = |_| Err(Error::unavailable("the database did not answer in time"));
        match tokio::time::timeout(left, postgres.renew_outbox()).await.unwrap_or_else(late) {
            Ok(true) => *renewed.lock() = asked,
            Ok(false) => {
                log::warn!("another process delivers the messages and events now");
                return false;
            }
            Err(error) if renewed.lock().elapsed() >= CERTAIN => {
                log::warn!("the right to deliver messages could not be renewed: {error}");
                return false;
            }
            // The next renewal may succeed in time.
            Err(_) => {}
        }
        true
    }

    /// Gives the right up, so that another process can take it at once.
    pub async fn release(self) {
        match self.0 {
            Holder::Sqlite(lock) => drop(lock),
            // If this fails, the right ends after ten seconds.
            Holder::Postgres(postgres, _) => drop(postgres.release_outbox().await),
        }
    }
}
