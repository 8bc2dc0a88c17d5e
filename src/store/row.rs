//! Rows, and the conversions of their columns. The schema's checks rule out invalid values, so every error here means a
//! damaged database.

use std::str::FromStr;

use rusqlite::types::ValueRef;

use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};
use crate::store::postgres::parameters;
use crate::store::value::Value;

/// A row of a result.
pub struct Row<'a>(pub(super) Source<'a>);

/// The engine's row.
pub(super) enum Source<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

/// A type that a column is read as.
pub trait Column: Sized {
    /// Converts the value. `None` if it is of another type or out of range.
    fn of_value(value: Value<'_>) -> Option<Self>;
}

impl Row<'_> {
    /// Reads a column by its name.
    ///
    /// # Errors
    /// Internal, if there is no such column, or if its value has another type.
    pub fn get<T: Column>(&self, column: &str) -> Result<T> {
        T::of_value(self.value(column)?).ok_or_else(|| Error::internal(format!("column {column} has another type")))
    }

    /// Whether a column has a value.
    pub(super) fn has(&self, column: &str) -> Result<bool> {
        Ok(self.value(column)? != Value::Null)
    }

    pub(super) fn value(&self, column: &str) -> Result<Value<'_>> {
        match &self.0 {
            Source::Sqlite(row) => of_sqlite(row.get_ref(column)?),
            Source::Postgres(row) => parameters::value(row, column),
        }
    }

    /// A timestamp that must be present.
    pub(super) fn timestamp(&self, column: &str) -> Result<Timestamp> {
        self.optional_timestamp(column)?
            .ok_or_else(|| Error::internal(format!("{column} is not a timestamp of years 1 to 9999")))
    }

    /// A timestamp that may be missing.
    pub(super) fn optional_timestamp(&self, column: &str) -> Result<Option<Timestamp>> {
        Ok(self.get::<Option<i64>>(column)?.and_then(Timestamp::from_micros))
    }

    /// A text that must parse as a value of `T`.
    pub(super) fn parsed<T: FromStr<Err = &'static str>>(&self, column: &str) -> Result<T> {
        self.get::<String>(column)?.parse().map_err(Error::internal)
    }

    /// The same for a column that may be NULL.
    pub(super) fn optional_parsed<T: FromStr<Err = &'static str>>(&self, column: &str) -> Result<Option<T>> {
        if self.has(column)? { self.parsed(column).map(Some) } else { Ok(None) }
    }
}

fn of_sqlite(value: ValueRef<'_>) -> Result<Value<'_>> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(text) => Value::Text(std::str::from_utf8(text).map_err(Error::internal)?.into()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.into()),
        ValueRef::Real(_) => return Err(Error::internal("a column holds a floating-point number")),
    })
}

impl Column for i64 {
    fn of_value(value: Value<'_>) -> Option<Self> {
        if let Value::Int(number) = value { Some(number) } else { None }
    }
}

impl Column for u64 {
    fn of_value(value: Value<'_>) -> Option<Self> {
        i64::of_value(value)?.try_into().ok()
    }
}

impl Column for u32 {
    fn of_value(value: Value<'_>) -> Option<Self> {
        i64::of_value(value)?.try_into().ok()
    }
}

impl Column for u16 {
    fn of_value(value: Value<'_>) -> Option<Self> {
        i64::of_value(value)?.try_into().ok()
    }
}

impl Column for bool {
    fn of_value(value: Value<'_>) -> Option<Self> {
        i64::of_value(value).map(|number| number != 0)
    }
}

impl Column for String {
    fn of_value(value: Value<'_>) -> Option<Self> {
        if let Value::Text(text) = value { Some(text.into_owned()) } else { None }
    }
}

impl Column for Vec<u8> {
    fn of_value(value: Value<'_>) -> Option<Self> {
        if let Value::Bytes(bytes) = value { Some(bytes.into_owned()) } else { None }
    }
}

impl<const N: usize> Column for [u8; N] {
    fn of_value(value: Value<'_>) -> Option<Self> {
        if let Value::Bytes(bytes) = value { bytes.as_ref().try_into().ok() } else { None }
    }
}

impl<T: Column> Column for Option<T> {
    fn of_value(value: Value<'_>) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::of_value(value).map(Some) }
    }
}
