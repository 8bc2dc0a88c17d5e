//! The prepared statements of a connection.

use std::cell::RefCell;
use std::collections::HashMap;

use tokio_postgres::{Client, Error, Statement};

/// The most prepared statements of a connection. Lists have many forms.
const MOST: usize = 256;

/// The prepared statements of a connection, by their SQL.
#[derive(Default)]
pub(super) struct Statements(RefCell<HashMap<String, Statement>>);

impl Statements {
    /// Returns a prepared statement, which is prepared if it is not yet.
    pub(super) async fn get(&self, client: &Client, sql: &str) -> Result<Statement, Error> {
        if let Some(known) = self.0.borrow().get(sql) {
            return Ok(known.clone());
        }
        let statement = client.prepare(sql).await?;
        let mut statements = self.0.borrow_mut();
        if statements.len() >= MOST {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}
