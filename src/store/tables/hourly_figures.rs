//! Tables `hourly_figures` and `daily_figures`. Triggers add each change of the first to the second.

use rusqlite::{Row, params};

use crate::domain::figures::period::{Grain, Span};
use crate::domain::figures::{Counter, Figure, MAX_SUBJECTS};
use crate::error::{Error, Result};
use crate::store::db::Db;

const HOURS_PER_DAY: i64 = 24;

/// Adds to the counter of an hour.
pub fn add(db: &Db, hour: i64, counter: &Counter, count: u64) -> Result<()> {
    let sql = "INSERT INTO hourly_figures (figure, hour, subject, count)
               VALUES ($1, $2, $3, $4)
               ON CONFLICT (figure, hour, subject) DO UPDATE SET count = count + excluded.count";
    let values = params![counter.figure.as_str(), hour, counter.subject, stored(count)?];
    db.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Adds one to each of the counters of an hour.
pub fn add_each(db: &Db, hour: i64, counters: &[Counter]) -> Result<()> {
    counters.iter().try_for_each(|counter| add(db, hour, counter, 1))
}

pub(in crate::store) const HAS_ROOM: &str = "
    SELECT EXISTS (SELECT 1 FROM hourly_figures WHERE figure = $1 AND hour = $2 AND subject = $3)
        OR (SELECT count(*) FROM hourly_figures WHERE figure = $1 AND hour = $2) < $4";

/// Adds to the counter of an hour. If the hour has too many subjects already, a new one is counted with the others.
pub fn add_bounded(db: &Db, hour: i64, counter: &Counter, count: u64) -> Result<()> {
    let values = params![counter.figure.as_str(), hour, counter.subject, stored(MAX_SUBJECTS as u64)?];
    if db.prepare_cached(HAS_ROOM)?.query_row(values, |row| row.get(0))? {
        return add(db, hour, counter, count);
    }
    add(db, hour, &counter.for_other_subjects(), count)
}

fn stored(count: u64) -> Result<i64> {
    i64::try_from(count).map_err(Error::internal)
}

pub(in crate::store) const LIST_HOURS: &str = "
    SELECT hour,
           subject,
           count
      FROM hourly_figures
     WHERE figure = $1
       AND hour >= $2
       AND hour < $3";

pub(in crate::store) const LIST_DAYS: &str = "
    SELECT day * 24 AS hour,
           subject,
           count
      FROM daily_figures
     WHERE figure = $1
       AND day >= $2
       AND day < $3";

/// Passes the counts of a figure in a range to `each`: the first hour of the row, the subject and the count. By days,
/// the range begins with the day that contains its first hour.
pub fn read(db: &Db, figure: Figure, span: Span, grain: Grain, mut each: impl FnMut(i64, &str, u64)) -> Result<()> {
    let (sql, from, until) = match grain {
        Grain::Hour => (LIST_HOURS, span.from, span.until),
        Grain::Day => (LIST_DAYS, span.from.div_euclid(HOURS_PER_DAY), (span.until - 1).div_euclid(HOURS_PER_DAY) + 1),
    };
    let mut list = db.prepare_cached(sql)?;
    let mut rows = list.query(params![figure.as_str(), from, until])?;
    while let Some(row) = rows.next()? {
        let subject = row.get_ref(1)?.as_str().map_err(Error::internal)?;
        each(row.get(0)?, subject, count(row)?);
    }
    Ok(())
}

fn count(row: &Row<'_>) -> Result<u64> {
    u64::try_from(row.get::<_, i64>(2)?).map_err(Error::internal)
}

pub(in crate::store) const DELETE_HOURS_BEFORE: &str = "
    DELETE FROM hourly_figures
     WHERE (figure, hour, subject) IN (
               SELECT figure, hour, subject FROM hourly_figures WHERE figure = $1 AND hour < $2 LIMIT $3
           )";
pub(in crate::store) const DELETE_DAYS_BEFORE: &str = "
    DELETE FROM daily_figures
     WHERE (figure, day, subject) IN (
               SELECT figure, day, subject FROM daily_figures WHERE figure = $1 AND day < $2 LIMIT $3
           )";

/// Deletes at most `limit` counts of each figure from before `hour`, and from before its day. Returns their number.
pub fn delete_before(db: &Db, hour: i64, limit: i64) -> Result<usize> {
    delete(db, [(DELETE_HOURS_BEFORE, hour), (DELETE_DAYS_BEFORE, hour.div_euclid(HOURS_PER_DAY))], limit)
}

pub(in crate::store) const DELETE_HOURS_AFTER: &str = "
    DELETE FROM hourly_figures
     WHERE (figure, hour, subject) IN (
               SELECT figure, hour, subject FROM hourly_figures WHERE figure = $1 AND hour > $2 LIMIT $3
           )";
pub(in crate::store) const DELETE_DAYS_AFTER: &str = "
    DELETE FROM daily_figures
     WHERE (figure, day, subject) IN (
               SELECT figure, day, subject FROM daily_figures WHERE figure = $1 AND day > $2 LIMIT $3
           )";

/// Deletes at most `limit` counts of each figure from after `hour`, and from after its day. Returns their number.
pub fn delete_after(db: &Db, hour: i64, limit: i64) -> Result<usize> {
    delete(db, [(DELETE_HOURS_AFTER, hour), (DELETE_DAYS_AFTER, hour.div_euclid(HOURS_PER_DAY))], limit)
}

fn delete(db: &Db, statements: [(&str, i64); 2], limit: i64) -> Result<usize> {
    let mut deleted = 0;
    for figure in Figure::ALL {
        for (sql, boundary) in statements {
            deleted += db.prepare_cached(sql)?.execute(params![figure.as_str(), boundary, limit])?;
        }
    }
    Ok(deleted)
}
