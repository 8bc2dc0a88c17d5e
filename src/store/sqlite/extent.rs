//! How much a database holds. A backup replaces only an older backup of the same database that does not hold far more.

use std::fmt;

use rusqlite::{Connection, ErrorCode};

use crate::domain::count::counted;
use crate::domain::timestamp::Timestamp;
use crate::store::open_error::OpenError;
use crate::store::sqlite::path::Location;
use crate::store::sqlite::{migrations, open};

/// The first version of the schema with a seed.
const FIRST_WITH_SEED: i64 = 3;

/// Distinguishes a copy of a full database from a copy of a newly created one.
struct Extent {
    codes: i64,
    users: i64,
    tokens: i64,
    /// The greatest code id ever assigned.
    last_id: i64,
    /// Unique to each database; copies share it. `None` if the schema is older than the seed.
    seed: Option<i64>,
}

impl Extent {
    fn read(db: &Connection, kept_since: Option<Timestamp>) -> rusqlite::Result<Self> {
        let sql = "SELECT (SELECT count(*) FROM otp_codes WHERE valid_to >= $1),
                          (SELECT count(*) FROM users),
                          (SELECT count(*) FROM api_tokens),
                          coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'otp_codes'), 0)";
        let has_seed = migrations::current(db)? >= FIRST_WITH_SEED;
        let seed = has_seed.then(|| db.query_row("SELECT value FROM checksum_seed", [], |row| row.get(0)));
        let seed = seed.transpose()?;
        db.query_row(sql, [kept_since.map_or(i64::MIN, Timestamp::as_micros)], |row| {
            let number = |column| row.get(column);
            Ok(Self { codes: number(0)?, users: number(1)?, tokens: number(2)?, last_id: number(3)?, seed })
        })
    }

    fn may_be_of_same_database(&self, other: &Self) -> bool {
        self.seed.is_none() || other.seed.is_none() || self.seed == other.seed
    }

    fn is_far_less_than(&self, other: &Self) -> bool {
        self.codes * 2 < other.codes
            || self.users * 2 < other.users
            || self.tokens * 2 < other.tokens
            || self.last_id < other.last_id
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (codes, users) = (counted(self.codes, "code"), counted(self.users, "user"));
        write!(f, "{codes} with ids up to {} and {users}", self.last_id)
    }
}

/// Refuses to replace a file that is not a readable copy of the same database, or a copy that holds far more.
pub(super) fn require_not_far_less(
    target: &Location,
    copy: &Connection,
    kept_since: Option<Timestamp>,
) -> Result<(), OpenError> {
    let sqlite = |cause| OpenError::sqlite(target.given(), &cause).of_backup();
    let foreign =
        || OpenError::of_file(target.given(), "is not a backup of this database; delete it, or choose another path");
    let old = open::open_for_inspection(target.file()).map_err(sqlite)?.ok_or_else(foreign)?;
    let old = Extent::read(&old, kept_since).map_err(|cause| match cause.sqlite_error_code() {
        // A table or a row is missing.
        None | Some(ErrorCode::Unknown) => foreign(),
        Some(_) if open::is_of_other_format(&cause) => foreign(),
        Some(_) => sqlite(cause),
    })?;
    let new = Extent::read(copy, kept_since).map_err(sqlite)?;
    let advice = "check database.path, or delete this file first if it is no longer needed";
    if new.is_far_less_than(&old) {
        let reason = format!("contains far more data than the new copy ({old}; the new copy has {new}); {advice}");
        return Err(OpenError::new(target.given(), reason).of_backup());
    }
    if !new.may_be_of_same_database(&old) {
        return Err(OpenError::new(target.given(), format!("is a backup of another database; {advice}")).of_backup());
    }
    Ok(())
}
