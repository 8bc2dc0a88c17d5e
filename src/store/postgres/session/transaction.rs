//! The beginning and the end of a transaction.

use std::sync::atomic::Ordering;

use futures_util::future::join;
use tokio_postgres::SimpleQueryMessage;

use crate::error::Result;
use crate::store::postgres::session::Session;

impl Session {
    /// Begins a transaction. `sql` is sent together with the first statement, which saves a round trip. It ends with a
    /// query for the time of the server.
    pub(in crate::store::postgres) fn begin(&self, sql: &'static str) {
        self.beginning.set(Some(sql));
    }

    /// Ends the transaction. Nothing is sent if it has sent nothing.
    pub(in crate::store::postgres) fn roll_back(&self) -> Result<()> {
        if self.beginning.take().is_some() { Ok(()) } else { self.batch("ROLLBACK") }
    }

    /// Commits the transaction. An empty one is sent too: a check of the server relies on that.
    pub(in crate::store::postgres) fn commit(&self) -> Result<()> {
        // Only a warning about the commit counts.
        self.has_warning.store(false, Ordering::Release);
        match self.beginning.take() {
            Some(begin) => self.batch(&format!("{begin}; COMMIT")),
            None => self.batch("COMMIT"),
        }
    }

    /// The time of the server at the beginning of the transaction. Returned once.
    pub(in crate::store::postgres) fn began_at(&self) -> Option<i64> {
        self.began_at.take()
    }

    /// Sends the beginning of the transaction, if it was not sent, and then `work`, without a wait in between. The server
    /// processes them in this order; if the beginning fails, it refuses `work`.
    pub(super) async fn after_beginning<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, tokio_postgres::Error> {
        let Some(begin) = self.beginning.take() else { return work.await };
        let (begun, done) = join(self.client.simple_query(begin), work).await;
        let is_row = |message: SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        };
        self.began_at.set(begun?.into_iter().rev().find_map(is_row));
        done
    }
}
