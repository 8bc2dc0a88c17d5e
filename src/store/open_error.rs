//! Errors of opening, copying and restoring a database.

use std::fmt;
use std::path::Path;

use rusqlite::ErrorCode;

/// Why a database or a backup can't be used, as one line for the operator.
#[derive(Debug)]
pub struct OpenError {
    subject: Subject,
    path: String,
    reason: String,
    /// What to do about a file that is not a sound database of otpd, if it is the configured database.
    advice: Option<&'static str>,
    is_missing: bool,
}

/// What the path of an error stands for.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Database,
    Backup,
    /// The reason is a complete sentence.
    None,
    /// Another file. The reason continues the sentence that begins with its path.
    File,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, reason, .. } = self;
        match self.subject {
            Subject::Database => write!(f, "database {path}: {reason}")?,
            Subject::Backup => write!(f, "backup {path}: {reason}")?,
            Subject::None => f.write_str(reason)?,
            Subject::File => write!(f, "{path} {reason}")?,
        }
        self.advice.map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}

impl std::error::Error for OpenError {}

impl OpenError {
    /// An error about a database.
    pub(in crate::store) fn new(path: &Path, reason: impl Into<String>) -> Self {
        // SQLite's messages quote a damaged schema with its line breaks; the message must be one line.
        let words: Vec<String> = reason.into().split_whitespace().map(str::to_owned).collect();
        let path = path.display().to_string();
        Self { subject: Subject::Database, path, reason: words.join(" "), advice: None, is_missing: false }
    }

    /// An error about a file that is not a sound database of otpd. `advice` applies if it is the configured database.
    pub(in crate::store) fn unsound(path: &Path, reason: impl Into<String>, advice: &'static str) -> Self {
        Self { advice: Some(advice), ..Self::new(path, reason) }
    }

    /// An error about a file that is neither a database nor a backup. `reason` continues the sentence that begins with
    /// its path.
    pub(in crate::store) fn of_file(path: &Path, reason: impl Into<String>) -> Self {
        Self { subject: Subject::File, ..Self::new(path, reason) }
    }

    /// An error as one sentence that names what it is about.
    pub(in crate::store) fn sentence(reason: String) -> Self {
        Self { subject: Subject::None, ..Self::new(Path::new(""), reason) }
    }

    /// The same error, about a backup instead of a database.
    pub(in crate::store) fn of_backup(self) -> Self {
        match self.subject {
            Subject::Database => Self { subject: Subject::Backup, ..self },
            Subject::Backup | Subject::None | Subject::File => self,
        }
    }

    /// The same error, about the file that `restore` got as a backup. A file that is damaged or belongs to another
    /// program is not a backup.
    pub(in crate::store) fn of_given_backup(self) -> Self {
        if self.advice.is_none() {
            return self.of_backup();
        }
        let reason = format!("is not an otpd backup: it {}", self.reason);
        Self { subject: Subject::File, reason, advice: Some("give the path of a backup"), ..self }
    }

    pub(in crate::store) fn missing(path: &Path, reason: impl Into<String>) -> Self {
        Self { is_missing: true, ..Self::new(path, reason) }
    }

    /// Whether the database is missing.
    pub fn is_missing(&self) -> bool {
        self.is_missing
    }

    pub(in crate::store) fn sqlite(path: &Path, cause: &rusqlite::Error) -> Self {
        let reason = match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another process holds its write lock; stop that process, then start again".to_owned()
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                let reason = format!("is damaged or not a SQLite database ({cause})");
                return Self::unsound(path, reason, "restore a backup, or name another file in database.path");
            }
            Some(ErrorCode::ReadOnly) => {
                "is read-only; make the file and its directory writable for this user".to_owned()
            }
            _ => cause.to_string(),
        };
        Self::new(path, reason)
    }
}
