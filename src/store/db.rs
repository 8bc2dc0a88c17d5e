//! The connection type of the store.

/// The connection that the functions of the table files take. For writes, it must be inside a transaction.
pub type Db = rusqlite::Connection;
