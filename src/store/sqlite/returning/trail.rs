//! The audit trail of the present database. A restore keeps the events that the copy lacks, so that it hides no change.

use rusqlite::Connection;

use rusqlite::params_from_iter;
use rusqlite::types::Value;

/// Events of the present database, and the key of their hashes.
pub(super) struct Trail {
    key: Vec<u8>,
    /// The values of the columns, in their order.
    events: Vec<Vec<Value>>,
}

/// All columns of an event.
macro_rules! columns {
    () => {
        "id,
         at,
         actor_kind,
         actor_name,
         token_prefix,
         action,
         otp_id,
         recipient,
         recipient_hash,
         former_recipient_hash,
         changes,
         request_id,
         address"
    };
}

const COLUMNS: usize = 13;

/// The last event of a database; 0 if it has none.
pub(super) fn last_event(db: &Connection) -> rusqlite::Result<i64> {
    if !has_trail(db)? {
        return Ok(0);
    }
    db.query_row("SELECT coalesce(max(id), 0) FROM audit_events", [], |row| row.get(0))
}

fn has_trail(db: &Connection) -> rusqlite::Result<bool> {
    db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'audit_events'")?.exists([])
}

fn key(db: &Connection) -> rusqlite::Result<Vec<u8>> {
    db.query_row("SELECT value FROM audit_key WHERE id = 1", [], |row| row.get(0))
}

impl Trail {
    /// Reads the events after the id `after`. `None`: the database is from before the audit trail.
    pub(super) fn read(db: &Connection, after: i64) -> rusqlite::Result<Option<Self>> {
        if !has_trail(db)? {
            return Ok(None);
        }
        let sql = concat!("SELECT ", columns!(), " FROM audit_events WHERE id > $1 ORDER BY id");
        let mut events = db.prepare(sql)?;
        let events = events.query_map([after], |row| (0..COLUMNS).map(|column| row.get(column)).collect())?;
        Ok(Some(Self { key: key(db)?, events: events.collect::<Result<_, _>>()? }))
    }

    /// Adds the events that the copy lacks. Does nothing if the copy comes from another database, because the hashes of
    /// its events have another key.
    pub(super) fn append(&self, copy: &Connection) -> rusqlite::Result<()> {
        let last = last_event(copy)?;
        if last == 0 {
            copy.execute("UPDATE audit_key SET value = $1 WHERE id = 1", [&self.key])?;
        } else if key(copy)? != self.key {
            return Ok(());
        }
        let sql = concat!(
            "INSERT INTO audit_events (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        );
        let mut insert = copy.prepare(sql)?;
        let is_missing = |event: &&Vec<Value>| matches!(event.first(), Some(Value::Integer(id)) if *id > last);
        for event in self.events.iter().filter(is_missing) {
            insert.execute(params_from_iter(event))?;
        }
        Ok(())
    }
}
