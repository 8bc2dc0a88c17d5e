//! Copies the rows of a table, and compares them.

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::store::db::{Db, Dialect};
use crate::store::moving::tables::{CHUNK, ROWS_PER_INSERT, Stored, Table};
use crate::store::sqlite::otp_search;
use crate::store::value::Value;

/// The number of rows of a table, and a hash of all their values.
#[derive(Clone, Default)]
pub(super) struct Summary {
    pub(super) rows: u64,
    hash: Sha256,
}

impl Summary {
    fn add(&mut self, rows: &[Vec<Stored>]) {
        for row in rows {
            self.rows += 1;
            row.iter().for_each(|value| self.add_value(value));
        }
    }

    /// Adds the type of a value, its length and the value itself, so that different values never have the same bytes.
    fn add_value(&mut self, value: &Stored) {
        let (kind, number, bytes): (u8, i64, &[u8]) = match value {
            Value::Null => (0, 0, &[]),
            Value::Int(number) => (1, *number, &[]),
            Value::Text(text) => (2, length(text.as_bytes()), text.as_bytes()),
            Value::Bytes(bytes) => (3, length(bytes), bytes.as_ref()),
        };
        self.hash.update([kind]);
        self.hash.update(number.to_le_bytes());
        self.hash.update(bytes);
    }

    /// Whether both are of the same rows.
    pub(super) fn equals(self, other: Self) -> bool {
        self.rows == other.rows && self.hash.finalize() == other.hash.finalize()
    }
}

fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

/// Copies a table and summarizes what was read. `copied` is called with the number of rows of each chunk.
pub(super) fn copy(from: &Db, to: &Db, table: &Table, mut copied: impl FnMut(u64)) -> Result<Summary> {
    let mut summary = Summary::default();
    each_chunk(from, table, |rows| {
        summary.add(rows);
        for part in rows.chunks(ROWS_PER_INSERT) {
            insert(to, table, part)?;
        }
        if table.name == "otp_codes" && to.dialect() == Dialect::Sqlite {
            otp_search::update(to.connection()?)?;
        }
        copied(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        Ok(())
    })?;
    Ok(summary)
}

/// Reads and summarizes a table. `read` is called after each chunk.
pub(super) fn summarize(db: &Db, table: &Table, read: impl Fn()) -> Result<Summary> {
    let mut summary = Summary::default();
    each_chunk(db, table, |rows| {
        summary.add(rows);
        read();
        Ok(())
    })?;
    Ok(summary)
}

fn insert(to: &Db, table: &Table, rows: &[Vec<Stored>]) -> Result<()> {
    let values: Vec<Stored> = rows.iter().flatten().cloned().collect();
    let inserted = to.execute(&table.insert(rows.len()), &values)?;
    if inserted != rows.len() {
        return Err(Error::internal(format!("{inserted} rows instead of {} were added to {}", rows.len(), table.name)));
    }
    Ok(())
}

/// Reads a table in chunks, in the order of its key.
fn each_chunk(db: &Db, table: &Table, mut work: impl FnMut(&[Vec<Stored>]) -> Result<()>) -> Result<()> {
    let mut last: Vec<Stored> = Vec::new();
    loop {
        let mut rows = db.rows(&table.select(!last.is_empty()), &last, |row| table.read(row))?;
        let Some(end) = rows.last() else { return Ok(()) };
        last = end.iter().take(table.key.len()).cloned().collect();
        rows.iter_mut().flatten().for_each(replace_nul);
        work(&rows)?;
        if rows.len() < CHUNK {
            return Ok(());
        }
    }
}

/// Replaces NUL characters, as all parameters of PostgreSQL: it does not store them. Only texts of providers and
/// searches may contain them.
fn replace_nul(value: &mut Stored) {
    if let Value::Text(text) = value
        && text.contains('\0')
    {
        *text = text.replace('\0', "\u{fffd}").into();
    }
}
