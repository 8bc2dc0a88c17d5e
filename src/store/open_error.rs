//! Errors of opening, copying and restoring a database.

use std::path::Path;

use rusqlite::ErrorCode;

/// Why a database can't be used, as one line for the operator.
#[derive(Debug, thiserror::Error)]
#[error("database {path}: {reason}")]
pub struct OpenError {
    path: String,
    reason: String,
    is_missing: bool,
}

impl OpenError {
    pub(super) fn new(path: &Path, reason: impl Into<String>) -> Self {
        // SQLite's messages quote a damaged schema with its line breaks; the message must be one line.
        let words: Vec<String> = reason.into().split_whitespace().map(str::to_owned).collect();
        Self { path: path.display().to_string(), reason: words.join(" "), is_missing: false }
    }

    pub(super) fn missing(path: &Path, reason: impl Into<String>) -> Self {
        Self { is_missing: true, ..Self::new(path, reason) }
    }

    /// Whether the database is missing.
    pub fn is_missing(&self) -> bool {
        self.is_missing
    }

    pub(super) fn sqlite(path: &Path, cause: &rusqlite::Error) -> Self {
        let reason = match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another process holds its write lock; stop that process, then start again".to_owned()
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                format!(
                    "is damaged or not a SQLite database ({cause}); restore a backup, or name another file in \
                     database.path"
                )
            }
            Some(ErrorCode::ReadOnly) => {
                "is read-only; make the file and its directory writable for this user".to_owned()
            }
            _ => cause.to_string(),
        };
        Self::new(path, reason)
    }
}
