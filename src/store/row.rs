//! Columns that several tables have, as the values they stand for. The schema's checks make every refusal here a sign of a
//! damaged file.

use std::str::FromStr;

use rusqlite::Row;

use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};

/// A moment that is always there.
pub(super) fn moment(row: &Row<'_>, column: &str) -> Result<Timestamp> {
    moment_if_any(row, column)?.ok_or_else(|| Error::internal(format!("{column} is no moment of the years 1 to 9999")))
}

/// A moment that may be missing.
pub(super) fn moment_if_any(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.and_then(Timestamp::from_micros))
}

/// One of the words of a closed list.
pub(super) fn parsed<T: FromStr<Err = &'static str>>(row: &Row<'_>, column: &str) -> Result<T> {
    row.get::<_, String>(column)?.parse().map_err(Error::internal)
}
