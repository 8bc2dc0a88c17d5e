//! The store. Only this module contains SQL. [`Store::read`] and [`Store::write`] are its two entry points.
//!
//! - `tables/`: the functions of the tables, one file each. Their SQL is accepted by both engines.
//! - `sqlite/`: the SQLite engine, and everything that only SQLite has.
//! - `postgres/`: the PostgreSQL engine, and everything that only PostgreSQL has.
//!
//! Code outside this module does not depend on the engine. The only exceptions are outputs that name files.

mod database;
mod db;
mod error;
mod finding;
mod last_transaction;
mod list_permits;
mod moving;
mod open_error;
mod options;
mod outbox_right;
mod postgres;
mod probe;
mod row;
mod sizes;
mod sqlite;
mod tables;
mod token_look_up;
mod value;

use std::path::Path;

pub use crate::store::database::Database;
pub use crate::store::db::Db;
pub use crate::store::error::is_damaged_row;
pub use crate::store::finding::Finding;
pub use crate::store::moving::{MoveProgress, back_up_server, move_database};
pub use crate::store::open_error::OpenError;
pub use crate::store::options::Options;
pub use crate::store::outbox_right::OutboxRight;
pub use crate::store::postgres::{PostgresUrl, Subject};
pub use crate::store::row::{Column, Row};
pub use crate::store::sqlite::backup::{Contents, Replace, backup};
pub use crate::store::sqlite::create::Create;
pub use crate::store::sqlite::files::{admin_token_of, findings, give_to_owner_of};
pub use crate::store::sqlite::otp_search::SearchIndex;
pub use crate::store::sqlite::path::{folder_of, rename_new};
pub use crate::store::sqlite::restore::{Restored, restore};
pub use crate::store::sqlite::returning::{RestoredAccess, Returning, ReturningToken, ReturningUser};
pub use crate::store::tables::{
    acceptance, audit_events, audit_list, audit_pages, audit_search, code_list, delivery_reports, event_deliveries,
    hourly_figures, idempotency_keys, inbox, limit_events, message_attempts, message_list, messages, next_channels,
    otp_list, otps, recipients, sent_forms, sessions, sign_in_links, tokens, users,
};
pub use crate::store::value::Value;

use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::metrics::Metrics;
use crate::store::postgres::Postgres;
use crate::store::sqlite::Sqlite;

/// An open database. Clones share its connections.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    metrics: Metrics,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

impl Store {
    /// Opens a database and brings its schema up to date.
    ///
    /// # Errors
    /// One sentence for the operator: which database, what is wrong, and what to do.
    pub fn open_database(database: &Database, options: &Options) -> Result<Self, OpenError> {
        match database {
            Database::File(path) => Self::open(path, options),
            Database::Postgres(url) => {
                let engine = Postgres::open(url, options).map_err(OpenError::sentence)?;
                Ok(Self { engine: Engine::Postgres(Box::new(engine)), metrics: options.metrics.clone() })
            }
        }
    }

    /// Opens the SQLite database at `path` and brings its schema up to date.
    ///
    /// # Errors
    /// One sentence for the operator: which file, what is wrong, and what to do.
    pub fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        Ok(Self { engine: Engine::Sqlite(Sqlite::open(path, options)?), metrics: options.metrics.clone() })
    }

    /// Runs a short `work` off the event loop and returns its result. It reads one snapshot: everything committed before
    /// it began. Fails as unavailable if it waits or works too long.
    pub async fn read<T: Send + 'static>(&self, work: impl FnOnce(&Db) -> Result<T> + Send + 'static) -> Result<T> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.read(work).await,
            Engine::Postgres(postgres) => postgres.read(work).await,
        }
    }

    /// The same for `work` that reads a few rows by their keys. It may run several times. SQLite runs it on the event loop
    /// if the disk is quick. On PostgreSQL each of its statements sees a snapshot of its own.
    pub async fn look_up<T: Send + 'static>(&self, work: impl Fn(&Db) -> Result<T> + Send + 'static) -> Result<T> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.look_up(work).await,
            Engine::Postgres(postgres) => postgres.look_up(work).await,
        }
    }

    /// The same as [`Store::read`] for `work` that may take long. It delays neither a [`Store::read`] nor the lists of
    /// other tokens.
    pub async fn read_list<T: Send + 'static>(
        &self,
        token_id: i64,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.read_list(token_id, work).await,
            Engine::Postgres(postgres) => postgres.read_list(token_id, work).await,
        }
    }

    /// Returns a clone for one event loop. Its look-ups in SQLite run on that event loop. If more than
    /// `Options::event_loops` are requested, the look-ups of the others run on threads.
    #[must_use]
    pub fn for_event_loop(&self) -> Self {
        match &self.engine {
            Engine::Sqlite(sqlite) => {
                Self { engine: Engine::Sqlite(sqlite.for_event_loop()), metrics: self.metrics.clone() }
            }
            Engine::Postgres(_) => self.clone(),
        }
    }

    /// Runs `work` inside a write transaction and returns its result once it is on the disk. An `Err` rolls back only
    /// the changes of this `work`. `work` may run several times, so it must keep no state of its own.
    pub async fn write<T: Send + 'static>(&self, work: impl Fn(&Db) -> Result<T> + Send + 'static) -> Result<T> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.write(work).await,
            Engine::Postgres(postgres) => postgres.write(work).await,
        }
    }

    /// The same for a change that only the process with the right to deliver messages may make.
    ///
    /// # Errors
    /// Also unavailable, if another process of a PostgreSQL database may have that right.
    pub async fn write_as_deliverer<T: Send + 'static>(
        &self,
        work: impl Fn(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.write(work).await,
            Engine::Postgres(postgres) => postgres.write_as_deliverer(work).await,
        }
    }

    /// Checks that the database can be read and written, and that its schema is known.
    pub async fn check(&self) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.check().await,
            Engine::Postgres(postgres) => postgres.check().await,
        }
    }

    /// Tries to take the right to deliver messages. `None` while another process holds it, or while the database is not
    /// in order. The cause is logged once, and `/readyz` answers 503.
    pub async fn try_take_outbox(&self) -> Option<OutboxRight> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.try_own_outbox().map(OutboxRight::of_sqlite),
            Engine::Postgres(postgres) => OutboxRight::of_postgres(postgres).await,
        }
    }

    /// Refuses a message that no process could deliver.
    ///
    /// # Errors
    /// Unavailable, while the outbox lock of an SQLite database is not in order. The cause has been logged.
    pub fn require_outbox(&self) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.require_outbox(),
            Engine::Postgres(_) => Ok(()),
        }
    }

    /// Whether other processes usually work on the database at the same time.
    pub fn is_shared(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// The time on the clock of a PostgreSQL server, which all processes of a database use. `None` for SQLite, where that
    /// is the local clock.
    pub fn server_time(&self) -> Option<Timestamp> {
        match &self.engine {
            Engine::Sqlite(_) => None,
            Engine::Postgres(postgres) => postgres.server_time(),
        }
    }

    /// What an operator should know about the open database or its server.
    pub async fn findings(&self) -> Vec<(String, Finding)> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.findings().await,
            Engine::Postgres(postgres) => postgres.findings().await,
        }
    }

    /// Updates the statistics of SQLite and makes a checkpoint. PostgreSQL does both itself.
    pub async fn optimize_and_checkpoint(&self) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.optimize_and_checkpoint().await,
            Engine::Postgres(_) => Ok(()),
        }
    }

    /// The metrics counted while the program runs.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The path of an SQLite database, with symbolic links resolved. `None`: the database is on a server.
    pub fn file(&self) -> Option<&Path> {
        match &self.engine {
            Engine::Sqlite(sqlite) => Some(sqlite.database()),
            Engine::Postgres(_) => None,
        }
    }

    /// Waits until the writer has stopped because the disk failed. The process should then end and be restarted.
    pub async fn failed(&self) {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.failed().await,
            Engine::Postgres(_) => std::future::pending().await,
        }
    }

    /// Finishes the queued changes and closes the database. Later writes are refused.
    pub fn close(&self) {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.close(),
            Engine::Postgres(postgres) => postgres.close(),
        }
    }
}
