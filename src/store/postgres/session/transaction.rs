//! The beginning and the end of a transaction, and statements that are sent together. Each wait for the server costs two
//! switches between processes, which take longer than most statements.

use std::borrow::Cow;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use futures_util::future::{join, join_all, join3};
use tokio::sync::Notify;
use tokio_postgres::{SimpleQueryMessage, Statement};

use crate::error::{Error, Result};
use crate::store::postgres::clock::server_now;
use crate::store::postgres::error::Remedy;
use crate::store::postgres::parameters::parameters;
use crate::store::postgres::session::deferred::Deferred;
use crate::store::postgres::session::{COMPARED, Session};
use crate::store::value::Value;

/// The most changes that are sent together. `join_all` polls up to 30 futures in their order, so that many changes are
/// sent in order. With more futures, the order would not be certain.
const MOST_DEFERRED: usize = 24;

type Outcome<T> = Result<T, tokio_postgres::Error>;

impl Session {
    /// Begins a transaction. `sql` is sent together with the first statement.
    pub(in crate::store::postgres) fn begin(&self, sql: &'static str) {
        self.beginning.set(Some(sql));
        self.began_at.set(None);
    }

    /// Sends a change with the next statement of the transaction, or with its COMMIT. If it fails, that statement fails,
    /// or the transaction is not committed.
    pub(in crate::store) fn defer(&self, sql: &str, values: &[Value<'_>]) -> Result<()> {
        let values = values.iter().map(|value| value.clone().into_owned()).collect();
        self.deferred.borrow_mut().push(Deferred { sql: sql.to_owned(), values });
        if self.deferred.borrow().len() < MOST_DEFERRED { Ok(()) } else { self.run(self.after_deferred(ready(Ok(())))) }
    }

    /// Wakes a task after the COMMIT.
    pub(in crate::store) fn wake_after_commit(&self, task: &Arc<Notify>) {
        self.woken.borrow_mut().push(Arc::clone(task));
    }

    /// Requires that nothing was changed and that no change waits to be sent, at the end of work that only reads.
    pub(in crate::store::postgres) fn require_no_changes(&self) -> Result<()> {
        let is_unchanged = self.deferred.borrow().is_empty() && !self.has_changes();
        if is_unchanged { Ok(()) } else { Err(Error::internal("a read tried to change rows")) }
    }

    /// Ends the transaction. Nothing is sent if it has sent nothing.
    pub(in crate::store::postgres) fn roll_back(&self) -> Result<()> {
        self.deferred.borrow_mut().clear();
        if self.beginning.take().is_some() { Ok(()) } else { self.batch("ROLLBACK") }
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// If [`Session::is_rolled_back`], the server refused a deferred change. Otherwise the outcome is unknown.
    pub(in crate::store::postgres) fn commit(&self) -> Result<()> {
        // Warnings about earlier statements do not count. Those about changes that are sent with COMMIT do, because they
        // can't be distinguished from the warning that COMMIT did not wait for its standby.
        self.has_warning.store(false, Ordering::Release);
        self.is_rolled_back.set(false);
        // `statement_timeout` does not end the wait for a standby.
        self.run_or(Remedy::Reconnect, self.after_deferred(self.client.batch_execute("COMMIT")))?;
        self.woken.take().iter().for_each(|task| task.notify_one());
        Ok(())
    }

    /// Whether the last COMMIT ended a transaction that had already failed.
    pub(in crate::store::postgres) fn is_rolled_back(&self) -> bool {
        self.is_rolled_back.get()
    }

    /// The time of the server at the beginning of the transaction, and when it arrived. Returned once.
    pub(in crate::store::postgres) fn began_at(&self) -> Option<(i64, Instant)> {
        self.began_at.take()
    }

    /// Sends the beginning of the transaction, if it was not sent, the deferred changes and then `work`, without a wait in
    /// between. The server processes them in this order, and after a failure it refuses the others.
    pub(super) async fn after_deferred<T>(&self, work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
        let deferred = self.deferred.take();
        let mut statements: Vec<Statement> = Vec::with_capacity(deferred.len());
        for one in &deferred {
            let prepared = self.prepared(&one.sql).await;
            // Nothing was sent yet, so a COMMIT was not sent either.
            statements.push(prepared.inspect_err(|_| self.is_rolled_back.set(true))?);
        }
        let values: Vec<_> = deferred.iter().map(|one| parameters(&one.values)).collect();
        let changes = statements.iter().zip(&values).map(|(statement, values)| self.client.execute(statement, values));
        let changes = async { join_all(changes).await.into_iter().collect::<Outcome<Vec<u64>>>() };
        let (begun, changed, done) = match self.beginning.take() {
            Some(begin) => {
                let begin = async { (self.client.simple_query(&self.with_time(begin)).await, Instant::now()) };
                let ((begun, at), changed, done) = join3(begin, changes, work).await;
                let begun = begun.map(|messages| {
                    self.began_at.set(messages.into_iter().rev().find_map(number).map(|server| (server, at)));
                });
                (begun, changed, done)
            }
            None => {
                let (changed, done) = join(changes, work).await;
                (Ok(()), changed, done)
            }
        };
        // If the server refused a change, COMMIT can't have succeeded. After any other failure, such as a lost connection,
        // it may have.
        self.is_rolled_back.set(changed.as_ref().is_err_and(|cause| cause.as_db_error().is_some()));
        self.note_changes(changed.as_ref().is_ok_and(|counts| counts.iter().any(|count| *count > 0)));
        begun.and(changed).and(done)
    }

    /// Adds a query for the time of the server to a beginning, once per second.
    fn with_time(&self, begin: &'static str) -> Cow<'static, str> {
        if self.asked_time_at.get().is_some_and(|at| at.elapsed() < COMPARED) {
            return begin.into();
        }
        self.asked_time_at.set(Some(Instant::now()));
        format!("{begin}; SELECT {}", server_now!()).into()
    }
}

/// The number in the first column of a row.
fn number(message: SimpleQueryMessage) -> Option<i64> {
    if let SimpleQueryMessage::Row(row) = message { row.get(0)?.parse().ok() } else { None }
}
