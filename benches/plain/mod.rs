//! The upper bound without group commit: one connection that commits and syncs each update.

#![expect(clippy::unwrap_used, reason = "a measurement stops where something fails")]

use std::path::Path;
use std::time::{Duration, Instant};

use otpd::store::SearchIndex;
use rusqlite::Connection;

use crate::common::spread;

/// Updates per second of the same work on three tables.
pub struct Plain {
    /// A table with an index on the number and one on the address.
    pub two_indexes: f64,
    /// The schema of otpd: all indexes, triggers and the search index.
    pub schema: f64,
    /// A table without indexes.
    pub bare: f64,
}

/// Creates the tables beside those of otpd.
pub fn prepare(database: &Path) -> Connection {
    let db = Connection::open(database).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8192;
         CREATE TABLE bare (id INTEGER PRIMARY KEY, code INTEGER, mobile_number TEXT, email TEXT, updated_at INTEGER);
         INSERT INTO bare SELECT id, code, mobile_number, email, updated_at FROM otp_codes;
         CREATE TABLE two_indexes (id INTEGER PRIMARY KEY, code INTEGER, mobile_number TEXT, email TEXT, updated_at INTEGER);
         INSERT INTO two_indexes SELECT * FROM bare;
         CREATE INDEX two_indexes_mobile_number ON two_indexes (mobile_number);
         CREATE INDEX two_indexes_email ON two_indexes (email);",
    )
    .unwrap();
    db
}

/// Updates random rows out of `rows`, for a third of `lasting` in each table.
pub fn measure(db: &Connection, rows: u64, lasting: Duration) -> Plain {
    let rate = |table: &str, also: &str, indexes_search: bool| {
        let sql = format!(
            "UPDATE {table} SET mobile_number = NULL, email = $1, updated_at = updated_at + 1{also} WHERE id = $2"
        );
        let mut update = db.prepare(&sql).unwrap();
        let index = SearchIndex::default();
        let (begun, mut done) = (Instant::now(), 0u32);
        while begun.elapsed() < lasting / 3 {
            let (n, id) = (spread(done.into()), 1 + spread(!u64::from(done)) % rows);
            let email = format!("user{}@example{}.com", n % 10_000_000, n % 1000);
            let transaction = db.unchecked_transaction().unwrap();
            update.execute(rusqlite::params![email, i64::try_from(id).unwrap()]).unwrap();
            if indexes_search {
                index.update(&transaction).unwrap();
            }
            transaction.commit().unwrap();
            done += 1;
        }
        f64::from(done) / begun.elapsed().as_secs_f64()
    };
    Plain {
        two_indexes: rate("two_indexes", "", false),
        // The checksum is set, as otpd does. Otherwise a trigger clears the old one.
        schema: rate("otp_codes", ", checksum = abs(random())", true),
        bare: rate("bare", "", false),
    }
}
