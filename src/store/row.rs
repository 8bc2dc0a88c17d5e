//! Conversions of column values that several tables share. The schema's checks rule out invalid values, so every error
//! here means a damaged file.

use std::str::FromStr;

use rusqlite::Row;

use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};

/// A timestamp that must be present.
pub(super) fn timestamp(row: &Row<'_>, column: &str) -> Result<Timestamp> {
    optional_timestamp(row, column)?
        .ok_or_else(|| Error::internal(format!("{column} is not a timestamp of years 1 to 9999")))
}

/// A timestamp that may be missing.
pub(super) fn optional_timestamp(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.and_then(Timestamp::from_micros))
}

/// A text that must parse as a value of `T`.
pub(super) fn parsed<T: FromStr<Err = &'static str>>(row: &Row<'_>, column: &str) -> Result<T> {
    row.get::<_, String>(column)?.parse().map_err(Error::internal)
}
