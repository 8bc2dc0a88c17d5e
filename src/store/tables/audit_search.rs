//! Table `audit_search`, the index of the audit trail, and table `audit_blocks`, its parts.
//!
//! Events are added to the index in blocks by the periodic maintenance. A query reads the index, and then the newer
//! events one by one.

use rusqlite::{OptionalExtension, params};

use crate::domain::audit::{Action, AuditFilter};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::tables::audit_events::Key;

/// The number of events in a complete block. One transaction adds or deletes one block.
pub const BLOCK: i64 = 1000;

/// The last event in the index; 0 if it is empty.
pub(in crate::store) fn last_indexed(db: &Db) -> Result<i64> {
    let sql = "SELECT coalesce(max(last_id), 0) FROM audit_blocks";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Adds the next block of events to the index. Returns the number of events.
pub fn index_block(db: &Db) -> Result<i64> {
    let sql = "SELECT id, at, actor_name, action, otp_id, recipient_hash, former_recipient_hash
                 FROM audit_events
                WHERE id > $1
                ORDER BY id
                LIMIT $2";
    let mut events = db.prepare_cached(sql)?;
    let mut events = events.query([last_indexed(db)?, BLOCK])?;
    let mut insert = db.prepare_cached("INSERT INTO audit_search (rowid, terms) VALUES ($1, $2)")?;
    let mut block: Option<[i64; 5]> = None;
    while let Some(event) = events.next()? {
        let (id, at): (i64, i64) = (event.get("id")?, event.get("at")?);
        let integer = |column| event.get::<_, Option<i64>>(column);
        let terms = [
            Some(actor(&event.get::<_, String>("actor_name")?)),
            Some(action(&event.get::<_, String>("action")?)),
            integer("otp_id")?.map(otp),
            integer("recipient_hash")?.map(recipient),
            integer("former_recipient_hash")?.map(recipient),
        ];
        insert.execute(params![id, terms.into_iter().flatten().collect::<Vec<_>>().join(" ")])?;
        let [_, first, earliest, latest, count] = block.unwrap_or([id, id, at, at, 0]);
        block = Some([id, first, earliest.min(at), latest.max(at), count + 1]);
    }
    let Some(block) = block else { return Ok(0) };
    let sql = "INSERT INTO audit_blocks (last_id, first_id, earliest, latest, events) VALUES ($1, $2, $3, $4, $5)";
    db.prepare_cached(sql)?.execute(block)?;
    Ok(block[4])
}

/// Deletes the events of one block that are older than `until`, if there is such a block. Returns the number of deleted
/// events. Events that are not in the index yet are kept. A trigger refuses the deletion of events from `until` on.
pub fn delete_before(db: &Db, until: Timestamp) -> Result<usize> {
    let until = until.as_micros();
    let sql = "SELECT first_id, last_id FROM audit_blocks WHERE earliest < $1 ORDER BY last_id LIMIT 1";
    let block = db.prepare_cached(sql)?.query_row([until], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((first, last)): Option<(i64, i64)> = block else { return Ok(0) };
    db.prepare_cached("UPDATE audit_retention SET before = $1 WHERE id = 1 AND before < $1")?.execute([until])?;
    let sql = "DELETE FROM audit_search
                WHERE rowid IN (SELECT id FROM audit_events WHERE id BETWEEN $1 AND $2 AND at < $3)";
    db.prepare_cached(sql)?.execute([first, last, until])?;
    let sql = "DELETE FROM audit_events WHERE id BETWEEN $1 AND $2 AND at < $3";
    let deleted = db.prepare_cached(sql)?.execute([first, last, until])?;
    let sql = "UPDATE audit_blocks
                  SET earliest = (SELECT coalesce(min(at), $1) FROM audit_events WHERE id BETWEEN $2 AND $3),
                      events = (SELECT count(*) FROM audit_events WHERE id BETWEEN $2 AND $3)
                WHERE last_id = $3";
    db.prepare_cached(sql)?.execute([until, first, last])?;
    // The last block stays, even without events: it tells where the index ends.
    let sql = "DELETE FROM audit_blocks WHERE events = 0 AND last_id < (SELECT max(last_id) FROM audit_blocks)";
    db.prepare_cached(sql)?.execute([])?;
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
