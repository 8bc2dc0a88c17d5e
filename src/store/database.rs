//! Where a database is.

use std::path::{Path, PathBuf};

use crate::store::postgres::{PostgresUrl, WRITERS};

/// Where the configured database is.
#[derive(Clone, Debug)]
pub enum Database {
    /// An SQLite file.
    File(PathBuf),
    Postgres(PostgresUrl),
}

impl Database {
    /// The path, or the URL without its password.
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Postgres(url) => url.shown(),
        }
    }

    /// The maximum number of files that the database connections of `otpd serve` keep open.
    pub fn open_files(&self, event_loops: u32, readers: u32) -> u32 {
        match self {
            // Each connection has the database and its WAL. Each event loop has a connection, and the writer has a second
            // one for checkpoints.
            Self::File(_) => 2 * (event_loops + readers + 2),
            // Each connection has a socket, and the three files of its runtime.
            Self::Postgres(_) => 4 * (readers + WRITERS),
        }
    }

    /// The path of the SQLite file. `None`: the database is on a server.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}
