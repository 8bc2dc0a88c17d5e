//! How much a database holds. A backup replaces an older one only if it does not hold far less.

use std::fmt;

use crate::domain::count::counted;
use crate::domain::timestamp::Timestamp;
use crate::store::open_error::OpenError;
use crate::store::path::Location;
use crate::store::{Db, open};

/// Distinguishes a copy of a full database from a copy of a newly created one.
struct Extent {
    codes: i64,
    users: i64,
    tokens: i64,
    /// The greatest code id ever assigned.
    last_id: i64,
    /// Unique to each database; copies share it.
    seed: i64,
}

impl Extent {
    fn read(db: &Db, kept_since: Option<Timestamp>) -> rusqlite::Result<Self> {
        let sql = "SELECT (SELECT count(*) FROM otp_codes WHERE valid_to >= $1),
                          (SELECT count(*) FROM users),
                          (SELECT count(*) FROM api_tokens),
                          coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'otp_codes'), 0),
                          (SELECT value FROM checksum_seed)";
        db.query_row(sql, [kept_since.map_or(i64::MIN, Timestamp::as_micros)], |row| {
            let number = |column| row.get(column);
            Ok(Self { codes: number(0)?, users: number(1)?, tokens: number(2)?, last_id: number(3)?, seed: number(4)? })
        })
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

/// Refuses to replace a copy of another database, or a copy that holds far more.
pub(super) fn require_not_far_less(
    target: &Location,
    copy: &Db,
    kept_since: Option<Timestamp>,
) -> Result<(), OpenError> {
    let sqlite = |cause| OpenError::sqlite(target.given(), &cause).of_backup();
    let Some(old) = open::open_for_inspection(target.file()).and_then(|db| Extent::read(&db, kept_since).ok()) else {
        return Ok(());
    };
    let new = Extent::read(copy, kept_since).map_err(sqlite)?;
    let advice = "check database.path, or delete this file first if it is no longer needed";
    if new.is_far_less_than(&old) {
        let reason = format!("contains far more data than the new copy ({old}; the new copy has {new}); {advice}");
        return Err(OpenError::new(target.given(), reason).of_backup());
    }
    if new.seed != old.seed {
        return Err(OpenError::new(target.given(), format!("is a backup of another database; {advice}")).of_backup());
    }
    Ok(())
}
