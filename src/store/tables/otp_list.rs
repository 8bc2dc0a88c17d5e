//! Lists of `otp_codes`: the number of matches and one page of them in order, without a table scan where an index
//! suffices.
//!
//! A filter on one field conflicts with an order by another, because SQLite uses one index per table and query. The
//! number of matches decides. Few matches are found by the filter's index and sorted. If there are many matches, the
//! order's index is scanned until the page is full. The scan is short, because a large part of the rows match. PostgreSQL
//! chooses the index of many matches itself.

mod clauses;

use crate::domain::listing::{OrderBy, OrderField, OtpFilter, OtpQuery, Period, Window};
use crate::domain::otp::Otp;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::{Db, Dialect};
use crate::store::tables::otp_list::clauses::{Clauses, Plan, SEARCH, Words};
pub(in crate::store) use crate::store::tables::otp_list::clauses::{indexed_part, pattern};
use crate::store::tables::otp_row::{self, COLUMNS};
use crate::store::value::Value;
use crate::values;

/// Up to this many matches are sorted within a few milliseconds. Beyond it, walking the index is faster.
const FEW: i64 = 10_000;

/// Returns how many codes match at `now`, and the requested page of them. Both show the same state if `db` is in a
/// transaction.
pub fn list(db: &Db, query: &OtpQuery, now: Timestamp) -> Result<(i64, Vec<Otp>)> {
    let count = count(db, &query.filter, now)?;
    let empty = query.window.offset >= count;
    let page = if empty { Vec::new() } else { page(db, query, count, now)? };
    Ok((count, page))
}

/// Counts from the stored totals if they suffice, else over the narrowest index.
fn count(db: &Db, filter: &OtpFilter, now: Timestamp) -> Result<i64> {
    let only_email = OtpFilter { has_email: filter.has_email, ..OtpFilter::default() };
    let only_mobile_number = OtpFilter { has_mobile_number: filter.has_mobile_number, ..OtpFilter::default() };
    let only_expired = OtpFilter { is_allow: Some(false), ..OtpFilter::default() };
    let (codes, with_email) = totals(db)?;
    match (filter.has_email, filter.has_mobile_number) {
        _ if *filter == OtpFilter::default() => Ok(codes),
        (Some(true), None) if *filter == only_email => Ok(with_email),
        (Some(false), None) if *filter == only_email => Ok(codes - with_email),
        (None, Some(true)) if *filter == only_mobile_number => Ok(codes - with_email),
        (None, Some(false)) if *filter == only_mobile_number => Ok(with_email),
        // In a database that has been in use, nearly all codes are expired or consumed.
        _ if *filter == only_expired => {
            Ok(codes - matching(db, &OtpFilter { is_allow: Some(true), ..only_expired }, now)?)
        }
        _ => matching(db, filter, now),
    }
}

/// The number of all codes, and of those with an e-mail address, as counted by the triggers on the table.
fn totals(db: &Db) -> Result<(i64, i64)> {
    let sql =
        "SELECT CAST(sum(codes) AS BIGINT) AS codes, CAST(sum(with_email) AS BIGINT) AS with_email FROM otp_totals";
    db.one(sql, &values![], |row| Ok((row.get("codes")?, row.get("with_email")?)))
}

/// The number of codes, valid or not.
pub(in crate::store) fn total(db: &Db) -> Result<i64> {
    Ok(totals(db)?.0)
}

fn matching(db: &Db, filter: &OtpFilter, now: Timestamp) -> Result<i64> {
    let clauses = Clauses::new(filter, now, plan_of(db.dialect(), Plan::Find), words_by(db, filter, now)?);
    let asks_only_the_index = clauses.from == SEARCH && clauses.conditions.len() == 1;
    let from = if asks_only_the_index { "otp_search AS s" } else { clauses.from };
    let sql = format!("SELECT count(*) AS count FROM {from} {}", clauses.conditions());
    db.one(&sql, &clauses.values, |row| row.get("count"))
}

/// Reads a page of `count` matches. A page in the second half is read from the end, so that fewer rows are skipped.
fn page(db: &Db, query: &OtpQuery, count: i64, now: Timestamp) -> Result<Vec<Otp>> {
    let Window { limit, offset } = query.window;
    if offset <= count / 2 {
        return rows(db, query, count, now);
    }
    let limit = limit.min(count - offset);
    let window = Window { limit, offset: count - offset - limit };
    let from_end = OtpQuery { filter: query.filter.clone(), ordering: reversed(&query.ordering), window };
    let mut rows = rows(db, &from_end, count, now)?;
    rows.reverse();
    Ok(rows)
}

fn rows(db: &Db, query: &OtpQuery, count: i64, now: Timestamp) -> Result<Vec<Otp>> {
    let statement = Statement::build(db, query, count, now)?;
    db.rows(&statement.sql, &statement.values, otp_row::from_row)
}

/// Chooses how words are searched. Reading a few rows is faster than querying the whole trigram index.
fn words_by(db: &Db, filter: &OtpFilter, now: Timestamp) -> Result<Words> {
    if db.dialect() == Dialect::Postgres {
        return Ok(Words::InText);
    }
    let rest = OtpFilter { words: Vec::new(), ..filter.clone() };
    let few = !filter.words.is_empty() && rest != OtpFilter::default() && count(db, &rest, now)? <= FEW;
    Ok(if few { Words::InRows } else { Words::InIndex })
}

/// The plan on the engine of a transaction. PostgreSQL chooses the index of many matches itself.
fn plan_of(dialect: Dialect, plan: Plan) -> Plan {
    match (dialect, plan) {
        (Dialect::Sqlite, _) => plan,
        (Dialect::Postgres, Plan::Find) => Plan::FindByEngine,
        (Dialect::Postgres, _) => Plan::ByEngine,
    }
}

struct Statement {
    sql: String,
    values: Vec<Value<'static>>,
}

impl Statement {
    fn build(db: &Db, query: &OtpQuery, count: i64, now: Timestamp) -> Result<Self> {
        let plan = match query.ordering.first() {
            _ if count <= FEW && query.filter != OtpFilter::default() => Plan::Find,
            Some(first) if first.field != OrderField::Id => Plan::WalkOrder,
            _ => Plan::WalkIds,
        };
        let walks_ids = plan == Plan::WalkIds;
        let plan = plan_of(db.dialect(), plan);
        let mut clauses = Clauses::new(&query.filter, now, plan, words_by(db, &query.filter, now)?);
        if walks_ids {
            let (first, last) = ids(db, &query.filter, count, now)?;
            clauses.add("o.id >= $", Value::Int(first));
            clauses.add("o.id <= $", Value::Int(last));
        }
        let order = order(&query.ordering, clauses.id, plan);
        let from = clauses.from;
        let conditions = clauses.conditions();
        let mut values = clauses.values;
        let n = values.len();
        values.extend([Value::Int(query.window.limit), Value::Int(query.window.offset)]);
        let columns = COLUMNS;
        let sql =
            format!("SELECT {columns} FROM {from} {conditions} ORDER BY {order} LIMIT ${} OFFSET ${}", n + 1, n + 2);
        Ok(Self { sql, values })
    }
}

/// The range of ids that contains all matches. Codes of one day have ids close together, so a walk by id stays short.
fn ids(db: &Db, filter: &OtpFilter, count: i64, now: Timestamp) -> Result<(i64, i64)> {
    let everywhere = (1, i64::MAX);
    let by_time =
        filter.created != Period::default() || filter.updated != Period::default() || filter.is_allow.is_some();
    if !by_time || count > totals(db)?.0 / 2 {
        return Ok(everywhere);
    }
    let clauses = Clauses::new(filter, now, plan_of(db.dialect(), Plan::Find), words_by(db, filter, now)?);
    let (from, conditions) = (clauses.from, clauses.conditions());
    // `+ 0` keeps PostgreSQL from walking the ids.
    let sql = format!("SELECT min(o.id + 0) AS first_id, max(o.id + 0) AS last_id FROM {from} {conditions}");
    let (first, last): (Option<i64>, Option<i64>) =
        db.one(&sql, &clauses.values, |row| Ok((row.get("first_id")?, row.get("last_id")?)))?;
    Ok(first.zip(last).unwrap_or(everywhere))
}

/// The ORDER BY list. Fields after the id have no effect. Without an id field, the id breaks ties in the direction of
/// the last field, so that one index serves both directions.
fn order(ordering: &[OrderBy], id: &str, plan: Plan) -> String {
    let descending = ordering.last().is_none_or(|last| last.descending);
    let tie = OrderBy { field: OrderField::Id, descending };
    let mut steps: Vec<String> = Vec::new();
    for step in ordering.iter().copied().chain([tie]) {
        let direction = if step.descending { "DESC" } else { "ASC" };
        if step.field == OrderField::Id {
            let sorted = if plan == Plan::FindByEngine { " + 0" } else { "" };
            steps.push(format!("{id}{sorted} {direction}"));
            break;
        }
        if matches!(plan, Plan::ByEngine | Plan::FindByEngine) {
            steps.push(step_by_engine(step, plan));
            continue;
        }
        let column = column(step.field);
        // A plus keeps SQLite from walking the order's index when the rows are to be found by the filter's index. For a
        // text, a cast does. Both leave the collation as it is.
        steps.push(match step.field {
            _ if plan != Plan::Find => format!("o.{column} {direction}"),
            OrderField::MobileNumber | OrderField::Email => format!("CAST(o.{column} AS TEXT) {direction}"),
            _ => format!("+o.{column} {direction}"),
        });
    }
    steps.join(", ")
}

/// A step of PostgreSQL's order. As in SQLite, NULL is the lowest value, and the case of addresses does not count. An
/// expression keeps PostgreSQL from walking the order's index when few rows are to be found by the filter's index.
fn step_by_engine(step: OrderBy, plan: Plan) -> String {
    let (column, sorted) = match step.field {
        OrderField::Email => ("email_key", " || ''"),
        OrderField::MobileNumber => ("mobile_number", " || ''"),
        field => (column(field), " + 0"),
    };
    let sorted = if plan == Plan::FindByEngine { sorted } else { "" };
    let direction = if step.descending { "DESC NULLS LAST" } else { "ASC NULLS FIRST" };
    format!("o.{column}{sorted} {direction}")
}

/// The opposite order. Without fields, a list is in descending order of the ids.
fn reversed(ordering: &[OrderBy]) -> Vec<OrderBy> {
    let newest_first = [OrderBy { field: OrderField::Id, descending: true }];
    let ordering = if ordering.is_empty() { &newest_first } else { ordering };
    ordering.iter().map(|step| OrderBy { descending: !step.descending, ..*step }).collect()
}

fn column(field: OrderField) -> &'static str {
    match field {
        OrderField::Id => "id",
        OrderField::Code => "code",
        OrderField::MobileNumber => "mobile_number",
        OrderField::Email => "email",
        OrderField::ValidTo => "valid_to",
        OrderField::CreatedAt => "created_at",
        OrderField::UpdatedAt => "updated_at",
    }
}

#[cfg(test)]
mod tests;
