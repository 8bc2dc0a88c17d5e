//! Values as parameters and columns of PostgreSQL.

use std::error::Error as StdError;

use bytes::BytesMut;
use tokio_postgres::Row;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::error::{Error, Result};
use crate::store::value::Value;

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) if *ty == Type::INT4 => i32::try_from(*number)?.to_sql(ty, out),
            Self::Int(number) => number.to_sql(ty, out),
            // PostgreSQL stores no NUL. Only texts of providers and searches can contain one.
            Self::Text(text) if text.contains('\0') => text.replace('\0', "\u{fffd}").to_sql(ty, out),
            Self::Text(text) => text.as_ref().to_sql(ty, out),
            Self::Bytes(bytes) => bytes.as_ref().to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::TEXT, Type::VARCHAR, Type::BYTEA].contains(ty)
    }

    to_sql_checked!();
}

/// The values as parameters of a statement.
pub(super) fn parameters<'a>(values: &'a [Value<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// Reads a column by its name.
///
/// # Errors
/// Internal, if there is no such column, or if it has another type than the columns of otpd.
pub(in crate::store) fn value<'a>(row: &'a Row, column: &str) -> Result<Value<'a>> {
    let index = row.columns().iter().position(|one| one.name() == column);
    let index = index.ok_or_else(|| Error::internal(format!("there is no column {column}")))?;
    let ty = row.columns().get(index).map(|one| one.type_().clone());
    Ok(match ty {
        Some(Type::INT8) => row.try_get::<_, Option<i64>>(index)?.into(),
        Some(Type::INT4) => row.try_get::<_, Option<i32>>(index)?.map(i64::from).into(),
        Some(Type::BOOL) => row.try_get::<_, Option<bool>>(index)?.into(),
        Some(Type::TEXT | Type::VARCHAR | Type::NAME) => row.try_get::<_, Option<&str>>(index)?.into(),
        Some(Type::BYTEA) => row.try_get::<_, Option<&[u8]>>(index)?.into(),
        _ => return Err(Error::internal(format!("column {column} has a type that otpd does not read"))),
    })
}
