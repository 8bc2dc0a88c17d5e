//! Lists of the audit trail.

use crate::domain::audit::{AuditEvent, AuditFilter, AuditQuery};
use crate::domain::code_list::Start;
use crate::domain::listing::{Period, Window};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::{Db, Dialect};
use crate::store::tables::audit_counts;
use crate::store::tables::audit_events::{Key, columns, from_row};
use crate::store::tables::audit_search::{last_indexed, terms};
use crate::store::value::Value;
use crate::values;

/// Returns the number of matching events, and one page of them, newest first.
pub fn list(db: &Db, query: &AuditQuery) -> Result<(i64, Vec<AuditEvent>)> {
    let AuditQuery { filter, window: Window { limit, offset } } = query;
    let indexed = last_indexed(db)?;
    let (newer, older) = (newer(db, filter, indexed)?, older(db, filter, indexed)?);
    let (newer_count, older_count) = match db.dialect() {
        _ if *filter != AuditFilter::default() => (newer.count(db)?, older.count(db)?),
        Dialect::Sqlite => (newer.count(db)?, total_indexed(db)?),
        Dialect::Postgres => (audit_counts::total(db)?, 0),
    };
    let mut events = if *offset < newer_count { newer.page(db, *limit, *offset)? } else { Vec::new() };
    let missing = limit - i64::try_from(events.len()).unwrap_or(i64::MAX);
    if missing > 0 {
        events.extend(older.page(db, missing, (offset - newer_count).max(0))?);
    }
    Ok((newer_count + older_count, events))
}

/// Returns the id before the first event since `since`: all earlier events have lower ids, or were recorded while the
/// clock was wrong.
pub fn id_before(db: &Db, since: Timestamp) -> Result<i64> {
    if db.dialect() == Dialect::Postgres {
        // `+ 0` keeps PostgreSQL from reading the events in the order of their ids until one is new enough.
        let sql = "SELECT coalesce((SELECT min(id + 0) - 1 FROM audit_events WHERE at >= $1),
                                   (SELECT max(id) FROM audit_events),
                                   0) AS id";
        return db.one(sql, &values![since.as_micros()], |row| row.get("id"));
    }
    let sql = "SELECT coalesce(min(first_id) - 1, $1) AS id FROM audit_blocks WHERE latest >= $2";
    db.one(sql, &values![last_indexed(db)?, since.as_micros()], |row| row.get("id"))
}

pub(in crate::store) fn total_indexed(db: &Db) -> Result<i64> {
    if db.dialect() == Dialect::Postgres {
        return Ok(0);
    }
    let sql = "SELECT coalesce(CAST(sum(events) AS BIGINT), 0) AS events FROM audit_blocks";
    db.one(sql, &[], |row| row.get("events"))
}

/// A part of a query: its FROM and WHERE, with the values in order.
pub(in crate::store) struct Part {
    from: &'static str,
    conditions: Vec<String>,
    values: Vec<Value<'static>>,
}

impl Part {
    fn new(from: &'static str) -> Self {
        Self { from, conditions: Vec::new(), values: Vec::new() }
    }

    /// Adds a condition if there is a value. Every `$` in `condition` stands for the value.
    fn with(mut self, condition: &str, value: Option<Value<'static>>) -> Self {
        if let Some(value) = value {
            self.values.push(value);
            self.conditions.push(condition.replace('$', &format!("${}", self.values.len())));
        }
        self
    }

    fn with_period(self, period: Period) -> Self {
        let micros = |moment: Timestamp| Value::Int(moment.as_micros());
        self.with("e.at >= $", period.from.map(micros)).with("e.at < $", period.before.map(micros))
    }

    fn count(&self, db: &Db) -> Result<i64> {
        let sql = format!("SELECT count(*) AS count FROM {} WHERE {}", self.from, self.conditions.join(" AND "));
        db.one(&sql, &self.values, |row| row.get("count"))
    }

    /// The number of matches, at most `bound`.
    pub(in crate::store) fn count_to(&self, db: &Db, bound: i64) -> Result<i64> {
        let (from, conditions, n) = (self.from, self.conditions.join(" AND "), self.values.len() + 1);
        let sql =
            format!("SELECT count(*) AS count FROM (SELECT 1 FROM {from} WHERE {conditions} LIMIT ${n}) AS counted");
        db.one(&sql, &self.values_and(&values![bound]), |row| row.get("count"))
    }

    /// The matches that follow `start` in the direction of the page, at most `limit`.
    pub(in crate::store) fn rows(&self, db: &Db, start: Start, limit: i64) -> Result<Vec<AuditEvent>> {
        let (key, comparison, direction) = match start {
            Start::First => (i64::MAX, "<=", "DESC"),
            Start::After(key) => (key.id, "<", "DESC"),
            Start::Before(key) => (key.id, ">", "ASC"),
        };
        let (from, conditions, id, n) = (self.from, self.conditions.join(" AND "), self.id(), self.values.len());
        let sql = format!(
            "SELECT {} FROM {from} WHERE {conditions} AND {id} {comparison} ${} ORDER BY {id} {direction} LIMIT ${}",
            columns!(),
            n + 1,
            n + 2
        );
        db.rows(&sql, &self.values_and(&values![key, limit]), from_row)
    }

    /// The index walks its rows in the order of its own row ids.
    fn id(&self) -> &'static str {
        if self.from == INDEX { "s.rowid" } else { "e.id" }
    }

    fn page(&self, db: &Db, limit: i64, offset: i64) -> Result<Vec<AuditEvent>> {
        let n = self.values.len();
        let (from, conditions, id) = (self.from, self.conditions.join(" AND "), self.id());
        let sql = format!(
            "SELECT {} FROM {from} WHERE {conditions} ORDER BY {id} DESC LIMIT ${} OFFSET ${}",
            columns!(),
            n + 1,
            n + 2
        );
        db.rows(&sql, &self.values_and(&values![limit, offset]), from_row)
    }

    fn values_and(&self, others: &[Value<'static>]) -> Vec<Value<'static>> {
        [self.values.as_slice(), others].concat()
    }
}

const EVENTS: &str = "audit_events AS e";
const INDEX: &str = "audit_search AS s JOIN audit_events AS e ON e.id = s.rowid";

/// The matching events that are not in the index yet.
pub(in crate::store) fn newer(db: &Db, filter: &AuditFilter, indexed: i64) -> Result<Part> {
    let AuditFilter { id_max, action, actor, otp, recipient, at } = filter;
    let hash = |recipient| Ok::<_, crate::error::Error>(Key::read(db)?.hash(recipient));
    let hash = recipient.as_ref().map(hash).transpose()?;
    let text = |text: &str| Value::from(text.to_owned());
    Ok(Part::new(EVENTS)
        .with("e.id > $", Some(Value::Int(indexed)))
        .with("e.id <= $", id_max.map(Value::Int))
        .with("e.action = $", action.map(|action| text(action.as_str())))
        .with("e.actor_name = $", actor.as_deref().map(text))
        .with("e.otp_id = $", otp.map(Value::Int))
        .with("(e.recipient_hash = $ OR e.former_recipient_hash = $)", hash.map(Value::Int))
        .with_period(*at))
}

/// The matching events in the index.
pub(in crate::store) fn older(db: &Db, filter: &AuditFilter, indexed: i64) -> Result<Part> {
    if db.dialect() == Dialect::Postgres {
        // All events are in the usual indexes of the table.
        return Ok(Part::new(EVENTS).with("e.id < $", Some(Value::Int(i64::MIN))));
    }
    let terms = terms(db, filter)?;
    let (from, id) = if terms.is_some() { (INDEX, "s.rowid") } else { (EVENTS, "e.id") };
    let (first, last) = ids(db, filter.at)?;
    let last = filter.id_max.unwrap_or(i64::MAX).min(last).min(indexed);
    Ok(Part::new(from)
        .with("s.audit_search MATCH $", terms.map(Value::from))
        .with(&format!("{id} >= $"), Some(Value::Int(first)))
        .with(&format!("{id} <= $"), Some(Value::Int(last)))
        .with_period(filter.at))
}

/// The range of ids in the index that contains all events of a period.
fn ids(db: &Db, period: Period) -> Result<(i64, i64)> {
    if period == Period::default() {
        return Ok((1, i64::MAX));
    }
    let from = period.from.map_or(i64::MIN, Timestamp::as_micros);
    let before = period.before.map_or(i64::MAX, Timestamp::as_micros);
    let sql = "SELECT coalesce(min(first_id), 1) AS first_id,
                      coalesce(max(last_id), 0) AS last_id
                 FROM audit_blocks
                WHERE latest >= $1
                  AND earliest < $2";
    db.one(sql, &values![from, before], |row| Ok((row.get("first_id")?, row.get("last_id")?)))
}
