//! A connection to PostgreSQL, driven by the thread that uses it. Every statement has a deadline: a server that was
//! suspended, or a network that drops packets, would otherwise never answer.

mod deferred;
mod messages;
mod statements;
mod transaction;
mod waiting;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio_postgres::{CancelToken, Client, Connection, Row, Statement};

use crate::error::{Error, Result};
use crate::store::postgres::error::Failure;
use crate::store::postgres::parameters::parameters;
use crate::store::postgres::session::deferred::Deferred;
use crate::store::postgres::session::messages::drive;
use crate::store::postgres::session::statements::Statements;
use crate::store::value::Value;

/// How long after an answer a connection is assumed to work.
const ASSUMED: Duration = Duration::from_secs(1);
/// The longest wait for an answer that shows whether a connection works.
const ANSWER: Duration = Duration::from_secs(1);
/// How often the clock of the server is compared, at least, while the connection is used.
const COMPARED: Duration = Duration::from_secs(1);
/// The number of rows among which connections spread counters (`migrations/postgres/V1__otpd.sql`).
const SLOTS: u64 = 16;

/// A connection, with the state of its present transaction.
pub(in crate::store) struct Session {
    /// `None` while it is dropped.
    runtime: Option<Runtime>,
    client: Client,
    statements: Statements,
    /// When the present transaction has to be over.
    deadline: Cell<Instant>,
    /// The longest wait for one statement.
    limit: Cell<Duration>,
    /// When the server last answered.
    used_at: Cell<Instant>,
    /// The statements that begin the present transaction, until they are sent with its first statement.
    beginning: Cell<Option<&'static str>>,
    /// Changes that are sent with the next statement.
    deferred: RefCell<Vec<Deferred>>,
    /// Whether the present transaction has changed any row.
    has_changes: Cell<bool>,
    /// The tasks that are woken after the present transaction is committed.
    woken: RefCell<Vec<Arc<Notify>>>,
    /// Whether the last COMMIT ended a transaction that had already failed.
    is_rolled_back: Cell<bool>,
    /// When the time of the server was last asked for.
    asked_time_at: Cell<Option<Instant>>,
    /// The time of the server at the beginning of the last transaction and when it arrived, until it is read.
    began_at: Cell<Option<(i64, Instant)>>,
    /// Rows that never change, by their query.
    constants: RefCell<HashMap<&'static str, Value<'static>>>,
    /// The first failure of the present transaction.
    failure: RefCell<Option<Failure>>,
    /// Whether the server has sent a warning since the flag was cleared.
    has_warning: Arc<AtomicBool>,
    /// Whether the server had `synchronous_commit = remote_apply` when the connection was opened.
    pub(super) waits_for_apply: Cell<bool>,
    /// The row of spread counters that this connection changes.
    slot: i64,
    /// The generation of the pool when it was opened.
    pub(super) generation: u64,
}

impl Session {
    /// Takes over a new connection. `runtime` has opened it.
    pub(super) fn new<S, T>(
        runtime: Runtime,
        client: Client,
        connection: Connection<S, T>,
        generation: u64,
        opened: u64,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let has_warning = Arc::new(AtomicBool::new(false));
        runtime.spawn(drive(connection, Arc::clone(&has_warning)));
        Self {
            runtime: Some(runtime),
            client,
            statements: Statements::default(),
            deadline: Cell::new(Instant::now() + ANSWER),
            limit: Cell::new(ANSWER),
            used_at: Cell::new(Instant::now()),
            beginning: Cell::new(None),
            deferred: RefCell::default(),
            has_changes: Cell::new(false),
            woken: RefCell::default(),
            is_rolled_back: Cell::new(false),
            asked_time_at: Cell::new(None),
            began_at: Cell::new(None),
            constants: RefCell::default(),
            failure: RefCell::default(),
            has_warning,
            waits_for_apply: Cell::new(false),
            slot: i64::try_from(opened % SLOTS).unwrap_or(0) + 1,
            generation,
        }
    }

    /// The row of spread counters that this connection changes.
    pub(in crate::store) fn slot(&self) -> i64 {
        self.slot
    }

    /// Sets the deadline of the following statements, and the longest wait for each of them. Forgets the failure of earlier
    /// ones.
    pub(super) fn start(&self, deadline: Instant, limit: Duration) {
        self.deadline.set(deadline);
        self.limit.set(limit);
        self.beginning.set(None);
        self.deferred.borrow_mut().clear();
        self.woken.borrow_mut().clear();
        self.has_changes.set(false);
        *self.failure.borrow_mut() = None;
        self.has_warning.store(false, Ordering::Release);
    }

    /// Whether the connection works. It is assumed to if it was used a moment ago; else the server is asked.
    pub(super) fn works(&self, deadline: Instant) -> bool {
        // A request that has little time left does not wait for the answer.
        if self.used_at.get().elapsed() < ASSUMED || deadline < Instant::now() + ANSWER {
            return true;
        }
        self.start(deadline, ANSWER);
        self.batch("").is_ok()
    }

    /// Returns the value of a row that never changes. It is queried once per connection.
    pub(in crate::store) fn constant(
        &self,
        sql: &'static str,
        query: impl FnOnce() -> Result<Value<'static>>,
    ) -> Result<Value<'static>> {
        if let Some(known) = self.constants.borrow().get(sql) {
            return Ok(known.clone());
        }
        let value = query()?;
        self.constants.borrow_mut().insert(sql, value.clone());
        Ok(value)
    }

    /// The first failed statement since the start.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.borrow().clone()
    }

    /// Whether the server has sent a warning since the start.
    pub(super) fn has_warning(&self) -> bool {
        self.has_warning.load(Ordering::Acquire)
    }

    /// Runs statements without parameters and results, in one message.
    pub(super) fn batch(&self, sql: &str) -> Result<()> {
        self.run(self.client.batch_execute(sql))
    }

    /// Runs a statement and returns its rows.
    pub(in crate::store) fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>> {
        let rows = self.run(async {
            let statement = self.prepared(sql).await?;
            self.after_deferred(self.client.query(&statement, &parameters(values))).await
        })?;
        // Such as `INSERT … RETURNING id`.
        self.note_changes(!rows.is_empty() && !sql.trim_start().starts_with("SELECT"));
        Ok(rows)
    }

    /// Runs a statement and returns the number of changed rows.
    pub(in crate::store) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize> {
        let changed = self.run(async {
            let statement = self.prepared(sql).await?;
            self.after_deferred(self.client.execute(&statement, &parameters(values))).await
        })?;
        self.note_changes(changed > 0);
        usize::try_from(changed).map_err(Error::internal)
    }

    /// Runs work that uses the client itself, such as migrations, within `limit`.
    pub(super) fn with_client<T, E>(
        &mut self,
        limit: Duration,
        work: impl AsyncFnOnce(&mut Client) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        let client = &mut self.client;
        let work = async { tokio::time::timeout(limit, work(client)).await.ok() };
        self.runtime.as_ref().and_then(|runtime| runtime.block_on(work))
    }

    /// What a request to cancel the running statement needs.
    pub(super) fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }

    /// Whether the present transaction has changed any row.
    pub(super) fn has_changes(&self) -> bool {
        self.has_changes.get()
    }

    fn note_changes(&self, are_any: bool) {
        self.has_changes.set(self.has_changes.get() || are_any);
    }

    async fn prepared(&self, sql: &str) -> Result<Statement, tokio_postgres::Error> {
        self.statements.get(&self.client, sql).await
    }
}

impl Drop for Session {
    /// A runtime that waits for its tasks must not be dropped on an event loop.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
