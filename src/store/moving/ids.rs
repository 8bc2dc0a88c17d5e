//! The last ids that a database has assigned. No id is assigned twice, not even after a deletion.

use crate::error::Result;
use crate::store::db::{Db, Dialect};
use crate::store::moving::tables::Table;
use crate::values;

/// The greatest id that was ever assigned in a table. 0: none.
pub(super) fn last(db: &Db, table: &Table) -> Result<i64> {
    let name = table.name;
    let greatest = format!("SELECT coalesce(max(id), 0) AS last FROM {name}");
    let greatest: i64 = db.one(&greatest, &[], |row| row.get("last"))?;
    let assigned = match db.dialect() {
        Dialect::Sqlite => {
            let sql = "SELECT seq FROM sqlite_sequence WHERE name = $1";
            db.row(sql, &values![name], |row| row.get::<i64>("seq"))?.unwrap_or(0)
        }
        Dialect::Postgres => {
            let sql = "SELECT pg_get_serial_sequence($1, 'id') AS name";
            let sequence: String = db.one(sql, &values![name], |row| row.get("name"))?;
            let sql = format!("SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS last FROM {sequence}");
            db.one(&sql, &[], |row| row.get("last"))?
        }
    };
    Ok(greatest.max(assigned))
}

/// Ensures that a table assigns only ids above `last`. On PostgreSQL, this change is not part of the transaction. If
/// the transaction fails, an empty table then begins with a greater id.
pub(super) fn raise(db: &Db, table: &Table, last: i64) -> Result<()> {
    let last = last.max(self::last(db, table)?);
    if last == 0 {
        return Ok(());
    }
    match db.dialect() {
        Dialect::Sqlite => {
            let raised =
                db.execute("UPDATE sqlite_sequence SET seq = $1 WHERE name = $2", &values![last, table.name])?;
            if raised == 0 {
                let sql = "INSERT INTO sqlite_sequence (seq, name) VALUES ($1, $2)";
                db.execute(sql, &values![last, table.name])?;
            }
            Ok(())
        }
        Dialect::Postgres => {
            let sql = "SELECT setval(CAST(pg_get_serial_sequence($1, 'id') AS regclass), $2) AS last";
            db.one(sql, &values![table.name, last], |_| Ok(()))
        }
    }
}
