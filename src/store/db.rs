//! The statements of a transaction, on either engine.

use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::error::{Error, Result};
use crate::store::row::{Row, Source};
use crate::store::value::Value;

/// A transaction, as the functions of the tables take it. A statement is literal SQL that both engines understand. Its
/// parameters `$1`, `$2` and so on must first appear in that order.
pub struct Db<'a>(Engine<'a>);

enum Engine<'a> {
    Sqlite(&'a Connection),
}

impl<'a> Db<'a> {
    /// The transaction of an SQLite connection.
    pub fn sqlite(connection: &'a Connection) -> Self {
        Self(Engine::Sqlite(connection))
    }

    /// The SQLite connection, for work of the SQLite engine itself.
    ///
    /// # Errors
    /// Internal, if the transaction is one of another engine.
    pub(super) fn connection(&self) -> Result<&Connection> {
        match &self.0 {
            Engine::Sqlite(connection) => Ok(connection),
        }
    }

    /// Runs a query and converts all of its rows.
    pub fn rows<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut of_row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match &self.0 {
            Engine::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                let rows =
                    statement.query_and_then(params_from_iter(values), |row| of_row(&Row(Source::Sqlite(row))))?;
                rows.collect()
            }
        }
    }

    /// Runs a query and converts its first row, if there is one.
    pub fn row<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        of_row: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        match &self.0 {
            Engine::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                let of_row = |row: &rusqlite::Row<'_>| Ok(of_row(&Row(Source::Sqlite(row))));
                statement.query_row(params_from_iter(values), of_row).optional()?.transpose()
            }
        }
    }

    /// Runs a query that always has a row, such as a count, and converts that row.
    pub fn one<T>(&self, sql: &str, values: &[Value<'_>], of_row: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        self.row(sql, values, of_row)?.ok_or_else(|| Error::internal("a row is missing"))
    }

    /// Whether a query has any row.
    pub fn exists(&self, sql: &str, values: &[Value<'_>]) -> Result<bool> {
        Ok(self.row(sql, values, |_| Ok(()))?.is_some())
    }

    /// Runs a change and returns the number of changed rows.
    pub fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize> {
        match &self.0 {
            Engine::Sqlite(connection) => Ok(connection.prepare_cached(sql)?.execute(params_from_iter(values))?),
        }
    }

    /// Inserts a row into a table with the column `id`, and returns the id that the row got.
    pub fn insert(&self, sql: &str, values: &[Value<'_>]) -> Result<i64> {
        match &self.0 {
            Engine::Sqlite(connection) => Ok(connection.prepare_cached(sql)?.insert(params_from_iter(values))?),
        }
    }
}
