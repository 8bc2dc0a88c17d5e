//! Where a database is.

use std::path::{Path, PathBuf};

use crate::store::postgres::PostgresUrl;

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

    /// The path of the SQLite file. `None`: the database is on a server.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}
