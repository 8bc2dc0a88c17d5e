//! Maps the errors of PostgreSQL to the program's kinds of error, and decides what to do after them.

use tokio_postgres::error::SqlState;

use crate::error::Error;

/// The code of a statement that took too long.
pub(super) const TIMEOUT: &str = "timeout";

/// What a failed statement means for its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// The transaction may run again, on the same connection.
    RunAgain,
    /// The connection is of no use any more. The transaction may run again on another one.
    Reconnect,
    /// The server does not accept changes, or is gone. All connections to it are of no use.
    ReconnectAll,
    /// Another attempt would fail too.
    GiveUp,
}

/// A failed statement.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) remedy: Remedy,
    /// The SQLSTATE, or a word for a failure without one. For the metrics.
    pub(super) code: String,
}

impl Failure {
    pub(super) fn new(remedy: Remedy, code: &str) -> Self {
        Self { remedy, code: code.to_owned() }
    }

    pub(super) fn of(cause: &tokio_postgres::Error) -> Self {
        match cause.code() {
            Some(code) => Self::new(remedy(code), code.code()),
            None if is_lost(cause) => Self::new(Remedy::ReconnectAll, "connection"),
            None => Self::new(Remedy::Reconnect, "protocol"),
        }
    }
}

fn is_lost(cause: &tokio_postgres::Error) -> bool {
    cause.is_closed() || std::error::Error::source(cause).is_some_and(|source| source.is::<std::io::Error>())
}

fn remedy(code: &SqlState) -> Remedy {
    let shutdown = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW];
    if shutdown.contains(code) || *code == SqlState::READ_ONLY_SQL_TRANSACTION || code.code().starts_with("08") {
        return Remedy::ReconnectAll;
    }
    // A row with the same key was inserted meanwhile, or a row that is referred to was deleted.
    let violations = [SqlState::UNIQUE_VIOLATION, SqlState::FOREIGN_KEY_VIOLATION];
    let conflicts = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
    // A prepared statement became invalid, because the schema changed or a pooler gave this client another connection.
    let outdated =
        [SqlState::FEATURE_NOT_SUPPORTED, SqlState::INVALID_SQL_STATEMENT_NAME, SqlState::UNDEFINED_PSTATEMENT];
    if conflicts.contains(code) || violations.contains(code) {
        Remedy::RunAgain
    } else if outdated.contains(code) || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT {
        Remedy::Reconnect
    } else {
        Remedy::GiveUp
    }
}

impl From<tokio_postgres::Error> for Error {
    /// A violated constraint is an internal error. Everything else is "unavailable": otpd's statements are tested
    /// literals, so other errors come from the server, its settings or the network.
    fn from(cause: tokio_postgres::Error) -> Self {
        let is_violation = cause.code().is_some_and(|code| code.code().starts_with("23"));
        let words = words(&cause);
        if is_violation { Self::internal(words) } else { Self::unavailable(words) }
    }
}

/// The error as one line. The detail of a server's error is left out, because it may contain the values of a row.
pub(super) fn words(cause: &tokio_postgres::Error) -> String {
    match cause.as_db_error() {
        Some(error) => format!("PostgreSQL: {} (SQLSTATE {})", error.message(), error.code().code()),
        None => {
            let source = std::error::Error::source(cause).map_or_else(String::new, |source| format!(": {source}"));
            format!("PostgreSQL: {cause}{source}").replace('\n', " ")
        }
    }
}
