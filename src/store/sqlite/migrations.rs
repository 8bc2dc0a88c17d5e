//! The versions of the schema, embedded from `migrations/`.

use std::collections::BTreeMap;

use chrono::DateTime;
use refinery::embed_migrations;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, TransactionBehavior};

use crate::domain::recipient::EmailAddress;
use crate::error::{Error, Result};

embed_migrations!("migrations/sqlite");

/// What each migration does, for the log.
const DESCRIPTIONS: [(i64, &str); 14] = [
    (1, "creates the tables of codes, users, permissions and API tokens"),
    (2, "adds the indexes, counters and full-text search of the list"),
    (3, "adds a checksum to each code, which detects damage on the disk"),
    (4, "adds what sending and verifying codes needs: attempts, limits, the outbox and the development inbox"),
    (
        5,
        "stores e-mail domains in ASCII form, merges the failures and limits of addresses that become equal, and dates \
         failures so that they can be deleted",
    ),
    (6, "updates the full-text search once per commit instead of once per change"),
    (7, "adds the audit trail"),
    (8, "adds the sessions of the console and the links that start them"),
    (9, "adds names and expiry to API tokens"),
    (10, "adds the hourly figures of the console, and indexes for its lists of messages and recipients"),
    (11, "adds the channels call and bale, the delivery status of messages, and fallbacks"),
    (12, "adds the outbox of the webhooks"),
    (13, "adds the forms of the console that took effect, so that none takes effect twice"),
    (14, "merges the full-text index in small steps, which delay changes less"),
];

/// Other processes may be migrating the same file at this moment. Each try sees what they have finished.
const TRIES: usize = 3;

/// The versions known to this program, in ascending order. `refinery` sorts them by file name, where 10 precedes 2.
fn versions() -> Vec<i64> {
    let runner = migrations::runner();
    let mut versions: Vec<i64> =
        runner.get_migrations().iter().map(|migration| i64::from(migration.version())).collect();
    versions.sort_unstable();
    versions
}

/// The newest version known to this program.
pub(super) fn latest() -> i64 {
    versions().last().copied().unwrap_or(0)
}

/// The migrations that the database lacks, in order: version and description.
pub(super) fn pending(db: &Connection) -> rusqlite::Result<Vec<(i64, &'static str)>> {
    let current = current(db)?;
    let describe = |version: i64| {
        let known = DESCRIPTIONS.into_iter().find(|(described, _)| *described == version);
        (version, known.map_or("changes the schema", |(_, description)| description))
    };
    Ok(versions().into_iter().filter(|version| *version > current).map(describe).collect())
}

/// The version of the database's schema; 0 if it has none yet.
pub(super) fn current(db: &Connection) -> rusqlite::Result<i64> {
    if !has_history(db)? {
        return Ok(0);
    }
    db.query_row("SELECT coalesce(max(version), 0) FROM refinery_schema_history", [], |row| row.get(0))
}

/// Whether refinery can read its schema history. It would panic on a damaged one.
pub(super) fn history_is_sound(db: &Connection) -> rusqlite::Result<bool> {
    if !has_history(db)? {
        return Ok(true);
    }
    let mut notes = db.prepare("SELECT applied_on, checksum FROM refinery_schema_history")?;
    let mut rows = notes.query([])?;
    while let Some(row) = rows.next()? {
        let (applied_on, checksum): (String, String) = (row.get(0)?, row.get(1)?);
        if DateTime::parse_from_rfc3339(&applied_on).is_err() || checksum.parse::<u64>().is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn has_history(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'refinery_schema_history'",
        [],
        |row| Ok(row.get::<_, i64>(0)? > 0),
    )
}

/// The tables, indexes and triggers made by the migrations, without those that SQLite or refinery define themselves.
const SCHEMA: &str = "
    SELECT name,
           sql
      FROM sqlite_schema
     WHERE sql IS NOT NULL
       AND name NOT LIKE 'sqlite_%'
       AND name <> 'refinery_schema_history'
       AND name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow')";

/// Returns the name of the first table, index or trigger that differs from the migrations, in a database of the latest
/// version. Objects that were added are ignored.
pub(super) fn first_difference(db: &Connection) -> std::result::Result<Option<String>, Box<dyn std::error::Error>> {
    let schema = |db: &Connection| -> rusqlite::Result<BTreeMap<String, String>> {
        db.prepare(SCHEMA)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    let mut sound = Connection::open_in_memory()?;
    apply(&mut sound)?;
    let found = schema(db)?;
    Ok(schema(&sound)?.into_iter().find(|(name, sql)| found.get(name) != Some(sql)).map(|(name, _)| name))
}

/// Refuses a database whose schema is not the latest.
pub(super) fn require_current(db: &Connection) -> Result<()> {
    match (current(db)?, latest()) {
        (found, known) if found == known => Ok(()),
        (found, known) => {
            Err(Error::unavailable(format!("the schema has version {found}, this program knows {known}")))
        }
    }
}

/// Applies the pending migrations in one transaction.
pub(super) fn apply(db: &mut Connection) -> Result<(), Box<dyn std::error::Error>> {
    add_functions(db)?;
    db.set_transaction_behavior(TransactionBehavior::Immediate);
    let mut outcome = Ok(());
    for _ in 0..TRIES {
        outcome = migrations::runner().set_grouped(true).run(db).map(drop);
        if outcome.is_ok() {
            break;
        }
    }
    Ok(outcome?)
}

/// Registers the SQL functions that the migrations call. `canonical_email(text)` returns the address in its stored
/// form, or the text itself if it is not an address.
fn add_functions(db: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    db.create_scalar_function("canonical_email", 1, flags, |arguments| {
        let text: String = arguments.get(0)?;
        Ok(EmailAddress::parse(&text).map_or(text, |address| address.as_str().to_owned()))
    })
}

/// Migrates an empty database up to an older version, for tests.
#[cfg(test)]
pub(super) fn apply_up_to(db: &mut Connection, version: i32) {
    add_functions(db).unwrap();
    let runner = migrations::runner().set_target(refinery::Target::Version(version));
    runner.run(db).unwrap();
}

#[cfg(test)]
mod tests;
