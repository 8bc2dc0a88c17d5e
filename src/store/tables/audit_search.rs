//! Table `audit_search`, the index of the audit trail, and table `audit_blocks`, its parts.
//!
//! Events are added to the index in blocks by the periodic maintenance. A query reads the index, and then the newer
//! events one by one. PostgreSQL has usual indexes instead.

use crate::domain::audit::{Action, AuditFilter};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::{Db, Dialect};
use crate::store::row::Row;
use crate::store::tables::audit_counts;
use crate::store::tables::audit_events::Key;
use crate::values;

/// The number of events in a complete block. One transaction adds or deletes one block.
const BLOCK: i64 = 1000;

/// The last event in the index; 0 if it is empty.
pub(in crate::store) fn last_indexed(db: &Db) -> Result<i64> {
    if db.dialect() == Dialect::Postgres {
        return Ok(0);
    }
    let sql = "SELECT coalesce(max(last_id), 0) AS last_id FROM audit_blocks";
    db.one(sql, &[], |row| row.get("last_id"))
}

/// Adds the next block of events to the index, or on PostgreSQL to the number of events. Returns whether there may be
/// another block.
pub fn index_block(db: &Db) -> Result<bool> {
    if db.dialect() == Dialect::Postgres {
        return audit_counts::count_next(db);
    }
    let sql = "SELECT id, at, actor_name, action, otp_id, recipient_hash, former_recipient_hash
                 FROM audit_events
                WHERE id > $1
                ORDER BY id
                LIMIT $2";
    let of_row = |row: &Row<'_>| Ok((row.get("id")?, row.get("at")?, terms_of(row)?));
    let events: Vec<(i64, i64, String)> = db.rows(sql, &values![last_indexed(db)?, BLOCK], of_row)?;
    let mut block: Option<[i64; 5]> = None;
    for (id, at, terms) in events {
        db.change("INSERT INTO audit_search (rowid, terms) VALUES ($1, $2)", &values![id, terms])?;
        let [_, first, earliest, latest, count] = block.unwrap_or([id, id, at, at, 0]);
        block = Some([id, first, earliest.min(at), latest.max(at), count + 1]);
    }
    let Some([last, first, earliest, latest, count]) = block else { return Ok(false) };
    let sql = "INSERT INTO audit_blocks (last_id, first_id, earliest, latest, events) VALUES ($1, $2, $3, $4, $5)";
    db.change(sql, &values![last, first, earliest, latest, count])?;
    Ok(count == BLOCK)
}

const RETENTION: &str = "UPDATE audit_retention SET before = $1 WHERE id = 1 AND before < $1";

/// The terms of an event in the index.
fn terms_of(event: &Row<'_>) -> Result<String> {
    let integer = |column| event.get::<Option<i64>>(column);
    let terms = [
        Some(actor(&event.get::<String>("actor_name")?)),
        Some(action(&event.get::<String>("action")?)),
        integer("otp_id")?.map(otp),
        integer("recipient_hash")?.map(recipient),
        integer("former_recipient_hash")?.map(recipient),
    ];
    Ok(terms.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// Deletes the events of one block that are older than `until`, if there is such a block. Returns the number of deleted
/// events. Events that are not in the index yet are kept. A trigger refuses the deletion of events from `until` on.
pub fn delete_before(db: &Db, until: Timestamp) -> Result<usize> {
    let until = until.as_micros();
    if db.dialect() == Dialect::Postgres {
        db.change(RETENTION, &values![until])?;
        return audit_counts::delete_oldest(db, until, BLOCK);
    }
    let sql = "SELECT first_id, last_id FROM audit_blocks WHERE earliest < $1 ORDER BY last_id LIMIT 1";
    let block = db.row(sql, &values![until], |row| Ok((row.get("first_id")?, row.get("last_id")?)))?;
    let Some((first, last)): Option<(i64, i64)> = block else { return Ok(0) };
    db.change(RETENTION, &values![until])?;
    let sql = "DELETE FROM audit_search
                WHERE rowid IN (SELECT id FROM audit_events WHERE id BETWEEN $1 AND $2 AND at < $3)";
    db.change(sql, &values![first, last, until])?;
    let sql = "DELETE FROM audit_events WHERE id BETWEEN $1 AND $2 AND at < $3";
    let deleted = db.execute(sql, &values![first, last, until])?;
    let sql = "UPDATE audit_blocks
                  SET earliest = (SELECT coalesce(min(at), $1) FROM audit_events WHERE id BETWEEN $2 AND $3),
                      events = (SELECT count(*) FROM audit_events WHERE id BETWEEN $2 AND $3)
                WHERE last_id = $3";
    db.change(sql, &values![until, first, last])?;
    // The last block stays, even without events: it tells where the index ends.
    let sql = "DELETE FROM audit_blocks WHERE events = 0 AND last_id < (SELECT max(last_id) FROM audit_blocks)";
    db.change(sql, &[])?;
    Ok(deleted)
}

/// The terms of a filter, as a query of the index. `None`: the filter has none.
pub(in crate::store) fn terms(db: &Db, filter: &AuditFilter) -> Result<Option<String>> {
    let hash = |recipient| Ok::<_, crate::error::Error>(Key::read(db)?.hash(recipient));
    let hash = filter.recipient.as_ref().map(hash).transpose()?;
    let terms = [
        filter.actor.as_deref().map(actor),
        filter.action.map(|one| action(Action::as_str(one))),
        filter.otp.map(otp),
        hash.map(recipient),
    ];
    let terms: Vec<String> = terms.into_iter().flatten().collect();
    Ok((!terms.is_empty()).then(|| terms.join(" ")))
}

// A term has only letters and digits, so that the index does not split it.

fn actor(name: &str) -> String {
    let digits: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("u{digits}")
}

fn action(name: &str) -> String {
    format!("a{}", name.replace('.', ""))
}

fn otp(id: i64) -> String {
    format!("o{}", id.cast_unsigned())
}

fn recipient(hash: i64) -> String {
    format!("r{}", hash.cast_unsigned())
}
