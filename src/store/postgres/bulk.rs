//! Long transactions, for `otpd move` and `otpd backup`. They have connections and limits of their own. Not for use on
//! an event loop.

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::metrics::Metrics;
use crate::store::db::Db;
use crate::store::open_error::OpenError;
use crate::store::postgres::pool::Pool;
use crate::store::postgres::session::Session;
use crate::store::postgres::url::PostgresUrl;
use crate::store::postgres::{lease, migrations};
use crate::store::sqlite::create::Create;

/// The longest wait for one statement.
const STATEMENT: Duration = Duration::from_secs(60);
/// Longer than any transaction. Only its statements are limited.
const WHOLE: Duration = Duration::from_secs(30 * 24 * 3600);
const CONNECT_WITHIN: Duration = Duration::from_secs(20);

/// As in `transaction.rs`, with longer limits. The idle timeout is long, because the transaction is idle while the other
/// database works.
const BEGIN_WRITE: &str = "
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SET LOCAL statement_timeout = '60s';
    SET LOCAL lock_timeout = '5s';
    SET LOCAL idle_in_transaction_session_timeout = '10min';
    SET LOCAL client_min_messages = 'warning';
    SELECT set_config('synchronous_commit', 'on', true)
     WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')";
/// Contains no query, so that the snapshot is taken by the first statement, after its locks.
const BEGIN_READ: &str = "
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL statement_timeout = '60s';
    SET LOCAL lock_timeout = '5s';
    SET LOCAL idle_in_transaction_session_timeout = '10min'";

/// A PostgreSQL database that is copied as a whole.
pub(in crate::store) struct Bulk {
    pool: Pool,
}

impl Bulk {
    /// A database that has the schema. It is not changed.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(in crate::store) fn existing(url: &PostgresUrl) -> Result<Self, OpenError> {
        let bulk = Self { pool: Pool::new(url, Metrics::new()).map_err(OpenError::sentence)? };
        bulk.read(|db| {
            let exists = "SELECT 1 AS found WHERE to_regclass('schema_compatibility') IS NOT NULL";
            if !db.exists(exists, &[]).map_err(|error| bulk.failed(&error))? {
                return Err(bulk.refused("has no tables of otpd"));
            }
            migrations::require_known(db).map_err(|error| bulk.failed(&error))
        })?;
        Ok(bulk)
    }

    /// The same for a database that gets the schema.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(in crate::store) fn with_schema(url: &PostgresUrl) -> Result<Self, OpenError> {
        let pool = Pool::new(url, Metrics::new()).map_err(OpenError::sentence)?;
        migrations::bring_up_to_date(&pool, Create::IfNew).map_err(OpenError::sentence)?;
        Ok(Self { pool })
    }

    /// Runs `work` in a read transaction, which sees one snapshot.
    pub(in crate::store) fn read<T>(&self, work: impl FnOnce(&Db) -> Result<T, OpenError>) -> Result<T, OpenError> {
        let session = self.begin(BEGIN_READ)?;
        work(&Db::postgres(&session))
    }

    /// Runs `work` once in a write transaction. Unless it succeeds, nothing is changed.
    ///
    /// # Errors
    /// Those of `work`, or the outcome of the commit is unknown.
    pub(in crate::store) fn write<T>(&self, work: impl FnOnce(&Db) -> Result<T, OpenError>) -> Result<T, OpenError> {
        let session = self.begin(BEGIN_WRITE)?;
        // If it fails, the end of the connection rolls back.
        let done = work(&Db::postgres(&session))?;
        if session.failure().is_some() {
            return Err(self.refused("a statement failed, so nothing was kept"));
        }
        let outcome = session.commit();
        if session.is_rolled_back() {
            return Err(self.refused("a statement failed, so nothing was kept"));
        }
        if outcome.is_err() || session.has_warning() {
            self.pool.note_unknown_commit(&session);
            let cause =
                outcome.err().map_or_else(|| "no synchronous standby has it".to_owned(), |error| error.to_string());
            return Err(self.refused(&format!(
                "the outcome of the commit is unknown ({cause}); the database is empty or complete, and a second \
                 attempt is refused if it is not empty"
            )));
        }
        Ok(done)
    }

    /// Whether a server uses the database.
    pub(in crate::store) fn is_served(&self) -> Result<bool, OpenError> {
        self.read(|db| lease::is_held(db).map_err(|error| self.failed(&error)))
    }

    fn begin(&self, sql: &str) -> Result<Session, OpenError> {
        let session = self.pool.connect(Instant::now() + CONNECT_WITHIN).map_err(|error| self.failed(&error))?;
        session.start(Instant::now() + WHOLE, STATEMENT);
        session.batch(sql).map_err(|error| self.failed(&error))?;
        Ok(session)
    }

    fn failed(&self, error: &Error) -> OpenError {
        self.refused(&error.to_string())
    }

    fn refused(&self, reason: &str) -> OpenError {
        OpenError::sentence(format!("database {}: {reason}", self.pool.url().shown()))
    }
}
