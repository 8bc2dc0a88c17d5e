//! The statements of a transaction, on either engine.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params_from_iter};
use tokio::sync::Notify;

use crate::error::{Error, Result};
use crate::store::postgres::lock::{self, Subject};
use crate::store::postgres::session::Session;
use crate::store::row::{Column, Row, Source};
use crate::store::value::Value;

/// A transaction, as the functions of the tables take it. A statement is literal SQL that both engines understand. Its
/// parameters are numbered in the order of their first appearance.
pub struct Db<'a>(Engine<'a>);

enum Engine<'a> {
    Sqlite(&'a Connection),
    Postgres(&'a Session),
}

/// The engine of a transaction, for the few statements that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl<'a> Db<'a> {
    /// The transaction of an SQLite connection.
    pub fn sqlite(connection: &'a Connection) -> Self {
        Self(Engine::Sqlite(connection))
    }

    /// The transaction of a PostgreSQL connection.
    pub(super) fn postgres(session: &'a Session) -> Self {
        Self(Engine::Postgres(session))
    }

    pub(super) fn dialect(&self) -> Dialect {
        match &self.0 {
            Engine::Sqlite(_) => Dialect::Sqlite,
            Engine::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The SQLite connection, for work of the SQLite engine itself.
    ///
    /// # Errors
    /// Internal, if the transaction is one of another engine.
    pub(super) fn connection(&self) -> Result<&Connection> {
        match &self.0 {
            Engine::Sqlite(connection) => Ok(connection),
            Engine::Postgres(_) => Err(Error::internal("this is not a transaction of SQLite")),
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
            Engine::Postgres(session) => {
                session.query(sql, values)?.iter().map(|row| of_row(&Row(Source::Postgres(row)))).collect()
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
            Engine::Postgres(session) => {
                session.query(sql, values)?.first().map(|row| of_row(&Row(Source::Postgres(row)))).transpose()
            }
        }
    }

    /// The same as [`Db::rows`] for rows that this transaction is going to change. No other transaction changes them
    /// meanwhile.
    pub(super) fn rows_locked<T>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        of_row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self.dialect() {
            Dialect::Sqlite => self.rows(sql, values, of_row),
            Dialect::Postgres => self.rows(&lock::rows_of(sql), values, of_row),
        }
    }

    /// The same as [`Db::row`] for a row that this transaction is going to change.
    pub(super) fn row_locked<T>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        of_row: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        match self.dialect() {
            Dialect::Sqlite => self.row(sql, values, of_row),
            Dialect::Postgres => self.row(&lock::rows_of(sql), values, of_row),
        }
    }

    /// Runs a query that always has a row, such as a count, and converts that row.
    pub fn one<T>(&self, sql: &str, values: &[Value<'_>], of_row: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        self.row(sql, values, of_row)?.ok_or_else(|| Error::internal("a row is missing"))
    }

    /// Reads the column `value` of a row that always exists and never changes. On PostgreSQL, each connection reads it
    /// once.
    pub(super) fn constant<T: Column>(&self, sql: &'static str) -> Result<T> {
        let query = || self.one(sql, &[], |row| Ok(row.value("value")?.into_owned()));
        let value = match &self.0 {
            Engine::Sqlite(_) => query()?,
            Engine::Postgres(session) => session.constant(sql, query)?,
        };
        T::of_value(value).ok_or_else(|| Error::internal("a constant has another type"))
    }

    /// Whether a query has any row.
    pub fn exists(&self, sql: &str, values: &[Value<'_>]) -> Result<bool> {
        Ok(self.row(sql, values, |_| Ok(()))?.is_some())
    }

    /// Runs a change and returns the number of changed rows.
    pub fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize> {
        match &self.0 {
            Engine::Sqlite(connection) => Ok(connection.prepare_cached(sql)?.execute(params_from_iter(values))?),
            Engine::Postgres(session) => session.execute(sql, values),
        }
    }

    /// Runs a change and does not return how many rows it changed. On PostgreSQL, the change is sent with the next statement
    /// or with COMMIT. If it fails, that statement or the COMMIT returns the error.
    pub(super) fn change(&self, sql: &str, values: &[Value<'_>]) -> Result<()> {
        match &self.0 {
            Engine::Sqlite(_) => self.execute(sql, values).map(drop),
            Engine::Postgres(session) => session.defer(sql, values),
        }
    }

    /// The same for a change of one row, which this transaction has locked. SQLite checks that the row exists.
    pub(super) fn change_locked(&self, sql: &str, values: &[Value<'_>]) -> Result<()> {
        match &self.0 {
            Engine::Sqlite(_) if self.execute(sql, values)? != 1 => Err(Error::internal("a locked row is missing")),
            Engine::Sqlite(_) => Ok(()),
            Engine::Postgres(session) => session.defer(sql, values),
        }
    }

    /// Wakes a task that reads what this transaction has stored, if the transaction is committed. On SQLite, the task must
    /// read in a transaction of the writer, which begins after the end of this one.
    pub fn wake_after_commit(&self, task: &Arc<Notify>) {
        match &self.0 {
            Engine::Sqlite(_) => task.notify_one(),
            Engine::Postgres(session) => session.wake_after_commit(task),
        }
    }

    /// Inserts a row into a table with the column `id`, and returns the id that the row got.
    pub fn insert(&self, sql: &str, values: &[Value<'_>]) -> Result<i64> {
        match &self.0 {
            Engine::Sqlite(connection) => Ok(connection.prepare_cached(sql)?.insert(params_from_iter(values))?),
            Engine::Postgres(_) => self.one(&format!("{sql} RETURNING id"), values, |row| row.get("id")),
        }
    }

    /// Locks a subject until the end of the transaction, so that transactions of other processes that lock it wait. On
    /// SQLite there is nothing to do: changes are made one after the other.
    pub fn hold(&self, subject: Subject<'_>) -> Result<()> {
        match self.dialect() {
            Dialect::Sqlite => Ok(()),
            Dialect::Postgres => self.one(lock::SUBJECT, &[subject.row().into()], |_| Ok(())),
        }
    }

    /// The same for several subjects of one kind, in one statement. Returns true if earlier reads may be outdated and
    /// must be repeated.
    pub fn hold_all(&self, subjects: &[Subject<'_>]) -> Result<bool> {
        match self.dialect() {
            Dialect::Sqlite => Ok(false),
            Dialect::Postgres => {
                let (sql, rows) = lock::subjects(subjects);
                self.rows(&sql, &rows, |_| Ok(())).map(|_| true)
            }
        }
    }

    /// The row, among those that a counter is spread over, that this transaction changes.
    pub(super) fn slot(&self) -> i64 {
        match &self.0 {
            Engine::Sqlite(_) => 1,
            Engine::Postgres(session) => session.slot(),
        }
    }
}
